"""Live windows collected into whole days, weighed, and summed over the last days."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from detectors.drift.evidence import Evidence
from detectors.drift.whole_days import LONGEST_SPAN, WholeDays

Ints = NDArray[np.int64]


def collect(evidence: Evidence, state: WholeDays, day: int, counts: Mapping[str, Ints]) -> WholeDays:
    """Return the state after one more window of `day`: count vectors [K] by feature, those with rows enough.

    Where a window is a day it is weighed at once; otherwise at the first window of a later day. A window of an earlier day
    than the one being collected comes too late to be added.
    """
    if day < state.day:
        return state
    new_day = day > state.day
    if new_day:
        if not evidence.whole and 2 * state.windows >= evidence.windows_a_day:
            state = _weigh(evidence, state)
        state = replace(state, day=day, windows=0, counts={})
    added = {name: vector + state.counts[name] if name in state.counts else vector for name, vector in counts.items()}
    state = replace(state, windows=state.windows + 1, counts={**state.counts, **added})
    if evidence.whole:
        state = _weigh(evidence, state)
    elif not new_day:
        return state
    scales = evidence.scales
    weighed = {known: one.named(scales.labels) for known, one in state.weighed.items()}
    return replace(state, weighed=weighed, lasting=scales.lasting(weighed, day if evidence.whole else day - 1, evidence.threshold))


def _weigh(evidence: Evidence, state: WholeDays) -> WholeDays:
    """Return the state with the day that was collected weighed, and days that can no longer matter forgotten."""
    kept = {day: weighed for day, weighed in state.weighed.items() if state.day - LONGEST_SPAN < day < state.day}
    return replace(state, weighed={**kept, state.day: evidence.scales.weigh(evidence.features, state.counts)})
