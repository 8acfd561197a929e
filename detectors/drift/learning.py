"""The life of a reference: cut cells, collect windows, calibrate, stop growing once calibrated."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from detectors.drift.calibration import CALIBRATED_WINDOWS, Calibration, calibrate
from detectors.drift.cells import FeatureCells
from detectors.drift.early import ENOUGH_ROWS, crowded, cut
from detectors.drift.histories import Histories
from detectors.drift.observing import OF_CALLS, OTHERS, TEXT, UNKNOWN, VALUES, late, rows_of, vector
from detectors.drift.state import DriftState
from detectors.drift.stored_window import EarlyWindow, When
from detectors.drift.terms import Terms
from detectors.drift.value_sketch import recover
from detectors.types import Profile, Window

Ints = NDArray[np.int64]


def settle(state: DriftState, window: Window, profile: Profile) -> DriftState:
    """Return the state after looking at a closed window of a stream without cells: with cells once there are rows enough.

    Earlier windows are then cut into the reference; this one is not: it is judged first.
    """
    early = (*state.early, EarlyWindow(When.of(window), profile))
    state = replace(state, early=early, aside={**state.aside, **crowded(profile)})
    if sum(rows_of(one.profile) for one in early) < ENOUGH_ROWS:
        return state
    cells, aside = cut([_without(one.profile, state.aside) for one in early])
    if any(OF_CALLS in one.profile.counts for one in early):
        cells = tuple(replace(known, of_calls=True) for known in cells)
    state = replace(state, cells=cells, aside={**state.aside, **aside}, early=(), calibration=None)
    begun: set[str] = set()
    for one in early[:-1]:
        lacking = late(one.profile, state.cells)
        begun |= {known.name for known in state.cells} - lacking
        # A window from before a column began would make the reference expect it to be missing by turns.
        if lacking <= begun:
            state = state.add(one.when, vectors(state.cells, one.profile), values(one.profile))
    return state


def notice(state: DriftState, profile: Profile) -> DriftState:
    """Return the state with columns named that the reference does not have."""
    strange = [name for name in (*profile.tallies.get(UNKNOWN, ()), *profile.tallies.get(TEXT, ())) if name not in state.aside]
    if not strange or not state.cells:
        return state
    return replace(state, aside={**state.aside, **dict.fromkeys(strange, "not in the reference")})


def vectors(cells: Sequence[FeatureCells], profile: Profile) -> list[Ints]:
    """Return the K-vector of each feature."""
    return [vector(profile, known) for known in cells]


def values(profile: Profile) -> dict[str, Mapping[str, int]]:
    """Return the values of categories a profile names, by feature: all of them before there is a vocabulary, then the further ones."""
    found: dict[str, Mapping[str, int]] = {}
    for name, tally in profile.tallies.items():
        if name.startswith((VALUES, OTHERS)):
            feature = name.split("/", 1)[1]
            told = recover(tally)[0] if name.startswith(VALUES) else tally
            found[feature] = Profile({}, {"": found.get(feature, {})}).merge(Profile({}, {"": told})).tallies[""]
    return found


def ready(state: DriftState, day: int, terms: Terms) -> tuple[DriftState, Calibration]:
    """Return the state, and the calibration of the fixed reference that a window of `day` is judged by.

    Made anew at the first window of a day and, under 50 windows, at every one; not any more once calibrated, unless the
    terms changed.
    """
    known = state.calibration
    count = state.used
    if known is not None and terms != state.terms:
        known, count = None, len(state.windows)
        state = replace(state, rolling=state.rolling and replace(state.rolling, calibration=None))
    grown = not state.frozen and len(state.windows) > count
    if grown and (day != state.calibrated_on or len(state.windows) < CALIBRATED_WINDOWS):
        known, count = None, len(state.windows)
        state = replace(state, calibrated_on=day)
    if known is None:
        features = Histories(state, count)
        slots = features.counts.slots(terms.slots)
        known = calibrate(features, features.counts.days, terms.budget, terms.min_effect, slots, evidence=True)
        state = replace(state, calibration=known, terms=terms, used=count, frozen=known.status == "calibrated")
    return state, known


def days_lacking(calibration: Calibration) -> int:
    """Return the days of traffic until calibrated; before the first window, what the budget takes at least."""
    return calibration.days_missing if calibration.windows else calibration.days_needed


def _without(profile: Profile, aside: Mapping[str, str]) -> Profile:
    return Profile(profile.counts, {name: tally for name, tally in profile.tallies.items() if name.split("/", 1)[-1] not in aside})
