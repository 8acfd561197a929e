"""Second cells for a rolling reference: cut anew where more than 5 % of a week's rows lie outside what the first ones know."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from detectors.drift import early
from detectors.drift.cells import FeatureCells
from detectors.drift.grid import NumericGrid
from detectors.drift.observing import BITS, VALUES, checks, rows_of
from detectors.drift.rolling import Gathering, Rolling
from detectors.drift.stored_window import StoredWindow
from detectors.types import Profile

Ints = NDArray[np.int64]

DAYS = 7
MOST_OUTSIDE = 0.05
"""Share of a week's rows outside the range, or new, from which on cells are cut anew."""


def note(rolling: Rolling, day: int, vectors: Sequence[Ints], profile: Profile) -> Rolling:
    """Return the state with the rows of a window of `day` that lie outside what its cells know."""
    found = np.array(
        [[_outside(known, vector, profile), vector.sum()] for known, vector in zip(rolling.cells, vectors, strict=True)], np.int64
    )
    return replace(rolling, outside={**rolling.outside, day: rolling.outside.get(day, 0) + found})


def forget(rolling: Rolling, day: int) -> Rolling:
    """Return the state without the days that lie more than a week before `day`."""
    return replace(rolling, outside={known: counts for known, counts in rolling.outside.items() if known >= day - DAYS})


def stray(rolling: Rolling, day: int, unseen: Callable[[], Mapping[str, float]]) -> Rolling:
    """Return the state with those features being gathered of whose rows in the last 7 complete days more than 5 % lay outside.

    `unseen` says, by key, which share of rows always has a category nobody had before: that much is no reason.
    """
    week = [counts for known, counts in rolling.outside.items() if day - DAYS <= known < day]
    if rolling.gathering is not None or not week:
        return rolling
    outside, rows = np.sum(week, axis=0).T
    beyond = outside > MOST_OUTSIDE * rows
    if beyond.any():
        usual = unseen()
        beyond = outside > (MOST_OUTSIDE + np.array([usual.get(known.key, 0.0) for known in rolling.cells])) * rows
    number = rolling.generation + 1
    # No column of a table has a NUL in its name.
    features = {known.name: f"{known.name}\0{number}" for known, far in zip(rolling.cells, beyond.tolist(), strict=True) if far}
    return replace(rolling, gathering=Gathering(day, features)) if features else rolling


def gather(rolling: Rolling, profile: Profile) -> Rolling:
    """Return the state with a window's values of the features being gathered."""
    known = rolling.gathering
    if known is None:
        return rolling
    names = {prefix + key for key in known.features.values() for prefix in (BITS, VALUES)}
    told = Profile({}, {name: tally for name, tally in profile.tallies.items() if name in names})
    return replace(rolling, gathering=replace(known, profile=known.profile.merge(told), rows=known.rows + rows_of(profile)))


def cut(rolling: Rolling, day: int) -> Rolling:
    """Return the state with new cells once a whole day and 2,000 rows were gathered.

    Rows counted into the old cells say nothing of the new ones: such a feature starts without windows, the others keep theirs.
    """
    known = rolling.gathering
    if known is None or day <= known.since or known.rows < early.ENOUGH_ROWS:
        return rolling
    plain = {}
    for name, key in known.features.items():
        for prefix in (BITS, VALUES):
            if prefix + key in known.profile.tallies:
                plain[prefix + name] = known.profile.tallies[prefix + key]
    found, _ = early.cut([Profile({}, plain)])
    of_calls = {one.name: one.of_calls for one in rolling.cells}
    new = {one.name: replace(one, counted_as=known.features[one.name], of_calls=of_calls[one.name]) for one in found}
    if not new:
        return replace(rolling, gathering=None)
    cells = tuple(new.get(one.name, one) for one in rolling.cells)
    generation = rolling.generation + 1

    def recounted(window: StoredWindow) -> StoredWindow:
        vectors = np.split(window.unpack(), np.cumsum([one.grid.columns for one in rolling.cells])[:-1])
        kept = [
            np.zeros(now.grid.columns, np.uint32) if now is not old else vector
            for old, now, vector in zip(rolling.cells, cells, vectors, strict=True)
        ]
        return StoredWindow.pack(window.when, np.concatenate(kept), generation)

    replaced = np.array([one.name in new for one in cells])
    whole = rolling.days.whole
    kept = {name: vector for name, vector in whole.counts.items() if name not in new}
    return replace(
        rolling,
        cells=cells,
        fitted=tuple(map(recounted, rolling.fitted)),
        since=tuple(map(recounted, rolling.since)),
        generation=generation,
        days=replace(rolling.days, whole=replace(whole, counts=kept)),
        outside={day: np.where(replaced[:, None], 0, counts) for day, counts in rolling.outside.items()},
        gathering=None,
        calibration=None,
    )


def _outside(known: FeatureCells, vector: Ints, profile: Profile) -> int:
    if not isinstance(known.grid, NumericGrid):
        return int(vector[-2])
    if np.isnan(known.grid.low):  # the reference had no value at all
        return int(vector[:-1].sum())
    _, below, above = checks(profile, known).tolist()
    return int(below + above)
