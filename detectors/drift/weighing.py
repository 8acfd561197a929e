"""Live windows collected into whole days, weighed, and summed over the last days."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from detectors.drift.evidence import SPANS, Evidence, FeatureEvidence
from detectors.drift.whole_days import LONGEST_SPAN, Lasting, Weighed, WholeDays

Ints = NDArray[np.int64]


def collect(evidence: Evidence, state: WholeDays, day: int, counts: Mapping[str, Ints]) -> WholeDays:
    """Return the state after one more window of `day`: count vectors [K] by feature, those with rows enough.

    Where a window is a day it is weighed at once; otherwise at the first window of a later day. A window of an earlier day
    than the one being collected comes too late to be added.
    """
    if day < state.day:
        return state
    if day > state.day:
        if not evidence.whole and 2 * state.windows >= evidence.windows_a_day:
            state = _weigh(evidence, state)
        state = replace(state, day=day, windows=0, counts={})
        state = replace(state, lasting={} if evidence.whole else _lasting(evidence, state, day - 1))
    added = {name: vector + state.counts[name] if name in state.counts else vector for name, vector in counts.items()}
    state = replace(state, windows=state.windows + 1, counts={**state.counts, **added})
    if not evidence.whole:
        return state
    state = _weigh(evidence, state)
    return replace(state, lasting=_lasting(evidence, state, day))


def _weigh(evidence: Evidence, state: WholeDays) -> WholeDays:
    """Return the state with the day that was collected weighed, and days that can no longer matter forgotten."""
    found = {}
    for name, vector in state.counts.items():
        feature = evidence.features.get(name)
        if feature is not None and vector.shape == feature.comparison.shape[1:]:
            deviations, changes = feature.weigh(vector[None])
            found[name] = Weighed(feature.deviator.labels, deviations[0], changes[0])
    kept = {day: weighed for day, weighed in state.weighed.items() if state.day - LONGEST_SPAN < day < state.day}
    return replace(state, weighed={**kept, state.day: found})


def _lasting(evidence: Evidence, state: WholeDays, end: int) -> dict[str, Lasting]:
    found = {}
    for name, feature in evidence.features.items():
        days = {day: known[name].named(feature.deviator.labels) for day, known in state.weighed.items() if name in known}
        best = _largest(evidence, feature, days, end)
        if best is not None:
            found[name] = best
    return found


def _largest(evidence: Evidence, feature: FeatureEvidence, days: Mapping[int, Weighed], end: int) -> Lasting | None:
    best: Lasting | None = None
    for place, span in enumerate(SPANS):
        within = [weighed for day, weighed in days.items() if end - span < day <= end]
        if 2 * len(within) <= span:
            continue
        sums = np.sum([one.deviations for one in within], axis=0) / np.sqrt(len(within))
        strength = feature.strength(sums, place)
        at = int(np.argmax(strength))
        value = float(strength[at]) / evidence.threshold
        if best is None or value > best.value:
            change = float(np.mean([one.changes[at] for one in within]))
            effect = change if feature.deviator.rare[at] else abs(change)
            best = Lasting(value, feature.deviator.labels[at], span, change, effect / float(feature.deviator.smallest[at]))
    return best
