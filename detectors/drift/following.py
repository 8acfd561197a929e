"""The life of a rolling reference: begin with the fixed one's windows, take in live ones, refit each ISO week."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from detectors.drift.calendar import iso_week
from detectors.drift.calibration import Calibration, calibrate, days_needed
from detectors.drift.histories import RollingHistories, unseen_shares
from detectors.drift.regrid import cut, forget, gather, note, stray
from detectors.drift.rolling import Rolling
from detectors.drift.state import DriftState, most_rows
from detectors.drift.statistics import LEAST_ROWS
from detectors.drift.stored_window import StoredWindow, When
from detectors.drift.terms import Terms
from detectors.types import Profile

Ints = NDArray[np.int64]

LEAST_DAYS = 56
"""Complete days before the day of the fit that it rests on; whole weeks more where the budget takes more to be calibrated."""


def follow(state: DriftState, day: int, terms: Terms) -> tuple[DriftState, Calibration | None]:
    """Return the state, and the calibration of the rolling reference that a window of `day` is judged by.

    None until the fixed reference grows no more: before, the two would be the same windows. `ready` comes first.
    """
    rolling = state.rolling
    if rolling is None:
        if not state.complete:
            return state, None
        fitted = tuple(window for window in state.windows if day - span(terms.budget) <= window.day < day)
        rolling = Rolling(state.cells, day, fitted, days=state.days)
    elif iso_week(day) > iso_week(rolling.fitted_on):
        rolling = _refit(state, rolling, day, span(terms.budget))
        state = replace(state, shelf=tuple(window for window in state.shelf if day - span(terms.budget) <= window.day))
    rolling = cut(rolling, day)
    if rolling.calibration is None:
        rolling = replace(rolling, calibration=_calibrated(state, rolling, terms))
    return replace(state, rolling=rolling), rolling.calibration


def remember(state: DriftState, when: When, vectors: Sequence[Ints], profile: Profile) -> DriftState:
    """Return the state after a judged window; `vectors` are those of the rolling reference's cells.

    A window with too few rows, or one that is kept out of the references, changes nothing.
    """
    rolling = state.rolling
    if rolling is None or not vectors or most_rows(vectors) < LEAST_ROWS or state.is_excluded(when):
        return state
    stored = StoredWindow.pack(when, np.concatenate(vectors), rolling.generation)
    if stored.generation == 0 and state.windows and state.windows[-1].start == when.start:
        stored = state.windows[-1]
    since = (*rolling.since, stored)[-state.most_windows :]
    return replace(state, rolling=note(gather(replace(rolling, since=since), profile), when.day, vectors, profile))


def span(budget: float) -> int:
    """Return how many days a rolling reference rests on.

    >>> span(1.0), span(0.5)
    (56, 63)
    """
    return max(LEAST_DAYS, -(-days_needed(budget) // 7) * 7)


def _refit(state: DriftState, rolling: Rolling, day: int, days: int) -> Rolling:
    """Return the rolling reference that rests on the `days` before `day`, the newest of their windows where they are too many."""
    known = (*rolling.fitted, *rolling.since)
    fitted = tuple(window for window in known if day - days <= window.day < day)[-state.most_windows :]
    rolling = replace(rolling, fitted=fitted, since=(), fitted_on=day, calibration=None)
    return forget(stray(rolling, day, partial(unseen_shares, state)), day)


def _calibrated(state: DriftState, rolling: Rolling, terms: Terms) -> Calibration:
    if state.calibration is not None and _same(state, rolling):
        return state.calibration
    features = RollingHistories(state, rolling)
    return calibrate(features, features.counts.days, terms.budget, terms.min_effect, features.counts.slots(terms.slots), evidence=True)


def _same(state: DriftState, rolling: Rolling) -> bool:
    """Whether both references rest on the same windows of the same cells."""
    return not rolling.generation and rolling.fitted == state.windows[: state.used] and all(known.file is None for known in state.cells)
