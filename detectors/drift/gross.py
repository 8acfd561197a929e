"""The first days: a change so large that it needs no calibrated reference to be seen (statistics rule 5.8)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.drift.effect import MinEffect, changes, sizes
from detectors.drift.explanation import describe_change
from detectors.drift.history import FeatureHistory
from detectors.drift.scaling import ENOUGH_WINDOWS
from detectors.drift.statistics import LEAST_ROWS, Yardstick, compare
from detectors.types import Level

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_GROSS = 10.0  # times the smallest effect that matters: PSI 0.2, 1 sd, 5 points
_HELD = 3  # windows in a row until it is a warning
_LEAST_QUIET = 2  # earlier windows that show how much this stream changes by itself


@dataclass(frozen=True, slots=True)
class GrossChange:
    """How far a live window lies from what there is to compare with, rows taken as independent."""

    effect: float
    """Largest change over the smallest that matters; NaN: nothing to compare with, or too few rows."""
    level: Level | None
    explanation: str
    """Empty where there is nothing to say."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A window's effect, and what it consists of."""

    effect: float
    what: str


NOTHING = GrossChange(float("nan"), None, "")


def gross_change(earlier: FeatureHistory, now: Ints, smallest: MinEffect | None = None) -> GrossChange:
    """Judge a live window [K] by the file or, without one, by the stream's earlier windows, while those are fewer than 20.

    `earlier` holds the windows before it, in time order. From 20 windows on the calibrated rule speaks and this says nothing.
    """
    smallest = smallest or MinEffect()
    scored = earlier.scored
    windows = earlier.counts[scored]
    if len(windows) >= ENOUGH_WINDOWS or now.sum() < LEAST_ROWS:
        return NOTHING
    fresh = now[-2] if earlier.kind == "categorical" else 0
    line = np.vstack([windows, now]), np.append(earlier.unseen[scored], fresh)
    seen = _against(earlier, line, len(windows), smallest)
    if seen is None:
        return NOTHING
    if not seen.effect >= _GROSS:
        return GrossChange(seen.effect, None, "")
    against = "the reference file" if earlier.file is not None else f"the {len(windows)} windows before"
    told = f"{seen.what} against {against}; a gross change, on a reference that is not calibrated"
    if _held(earlier, line, smallest):
        more = f"held for {_HELD} windows and larger than every change between the windows before"
        return GrossChange(seen.effect, "warning", f"{told}; {more}")
    return GrossChange(seen.effect, "information", told)


def _held(earlier: FeatureHistory, line: tuple[Ints, Ints], smallest: MinEffect) -> bool:
    """Whether the last three windows are all gross, and each beyond what the windows before them show among themselves."""
    quiet = len(line[0]) - _HELD
    if quiet < _LEAST_QUIET:
        return False
    last = [_against(earlier, line, place, smallest) for place in range(quiet, quiet + _HELD)]
    effects = [seen.effect for seen in last if seen is not None]
    counts, unseen = line[0][:quiet], line[1][:quiet]
    fixes = counts.sum(axis=0) if earlier.file is None else earlier.file
    yardstick = Yardstick.fit(fixes, earlier.kind, float(np.median(counts.sum(axis=1))))
    if not yardstick.by_block:
        unseen = yardstick.new_rows(counts)
    rest = compare(yardstick, counts, counts.sum(axis=0) - counts, unseen, unseen.sum() - unseen)
    usual = float(np.nanmax(sizes(yardstick, changes(yardstick, rest, 1.0), smallest)))
    return len(effects) == _HELD and min(effects) >= _GROSS and min(effects) > usual


def _against(earlier: FeatureHistory, line: tuple[Ints, Ints], place: int, smallest: MinEffect) -> _Seen | None:
    """Hold the window at `place` against the file, or against the windows before it; None where there is neither."""
    counts, unseen = line
    file = earlier.file
    if file is None and place == 0:
        return None
    fixes = counts[:place].sum(axis=0) if file is None else file
    yardstick = Yardstick.fit(fixes, earlier.kind, float(np.median(counts[: place or 1].sum(axis=1))))
    if not yardstick.by_block:
        unseen = yardstick.new_rows(counts)
    fixed_unseen = unseen[:place].sum(keepdims=True) if file is None else yardstick.new_rows(file[None])
    held = compare(yardstick, counts[place, None], fixes[None], unseen[place, None], fixed_unseen)
    change = changes(yardstick, held, 1.0)
    size = sizes(yardstick, change, smallest)[0]
    best = int(np.nanargmax(size))
    rare = best - len(yardstick.tests) + held.hits.shape[1]
    share = (held.hits[0, rare] / held.rows[0], held.other_hits[0, rare] / held.other_rows[0]) if rare >= 0 else (0.0, 0.0)
    return _Seen(float(size[best]), describe_change(yardstick.tests[best], float(change[0, best]), float(share[0]), float(share[1])))
