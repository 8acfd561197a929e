"""Accepts the new normal: a fixed reference made of windows a stream lived through, in place of the one it had."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from detectors.drift.cells import FeatureCells
from detectors.drift.descriptive import coarse
from detectors.drift.grid import Grid
from detectors.drift.observing import ROWS
from detectors.drift.state import DriftState, Ints
from detectors.drift.stored_window import StoredWindow
from detectors.types import Profile


def lived(state: DriftState) -> tuple[StoredWindow, ...]:
    """Return all windows a stream keeps of its past, in time order, counted in its newest cells; excluded ones are left out.

    Those are its fixed reference's and the rolling one's: some two months. Where cells were replaced, windows from before hold
    nothing of that feature.
    """
    found = dict(_of_fixed(state))
    if state.rolling is not None:
        found |= {window.start: window for window in (*state.rolling.fitted, *state.rolling.since)}
    return tuple(found[start] for start in sorted(found) if not state.is_excluded(found[start].when))


def accepted(state: DriftState, first: int, last: int) -> DriftState:
    """Return the state whose fixed reference are the windows of the days `first` to `last` (ordinals, both included).

    It keeps cells, exclusions and columns set aside. A file that fixed the distribution is left behind: the windows do now. The
    rolling reference begins anew, from those of the windows that lie in its span; days that lasted are forgotten.
    Raises ValueError where no window lies on these days.
    """
    chosen = [window for window in lived(state) if first <= window.day <= last][-state.most_windows :]
    if not chosen:
        raise ValueError("no window lies on these days")
    totals: Ints = np.sum([window.unpack() for window in chosen], axis=0, dtype=np.int64)
    cells = tuple(_described(known, state, totals) for known in newest_cells(state))
    windows = tuple(StoredWindow(window.when, window.packed) for window in chosen)
    return DriftState(
        cells=cells, aside=state.aside, windows=windows, totals=totals, excluded=state.excluded, off=state.off, used=len(windows)
    )


def newest_cells(state: DriftState) -> tuple[FeatureCells, ...]:
    """Return the cells that rows are counted in by the reference that follows the stream."""
    return state.cells if state.rolling is None else state.rolling.cells


def carried(profile: Profile, before: DriftState, after: DriftState) -> Profile | None:
    """Return what an open window counted, under the names of another state's cells; None where that state has other cells.

    A window that was counted before there were any cells fits every state.
    """
    if ROWS not in profile.counts or not before.cells:
        return profile
    known = (*before.cells, *newest_cells(before))
    names: dict[str, str] = {}
    for wanted in after.cells:
        source = next((one for one in known if one.name == wanted.name and same_grid(one.grid, wanted.grid)), None)
        if source is None:
            return None
        names[source.key] = wanted.key
    counts = {ROWS: profile.counts[ROWS]}
    counts |= {renamed: vector for name, vector in profile.counts.items() if (renamed := _renamed(name, names))}
    tallies = {renamed: tally for name, tally in profile.tallies.items() if (renamed := _renamed(name, names) or _plain(name))}
    return Profile(counts, tallies)


def same_grid(one: Grid, other: Grid) -> bool:
    """Whether two grids count every column alike."""
    left, right = one.plain(), other.plain()
    return left.keys() == right.keys() and all(_equal(left[name], right[name]) for name in left)


def _of_fixed(state: DriftState) -> Iterator[tuple[int, StoredWindow]]:
    rolling = state.rolling
    if rolling is None or not rolling.generation:
        yield from ((window.start, window) for window in state.windows)
        return
    ends = np.cumsum([known.grid.columns for known in state.cells])[:-1]
    for window in state.windows:
        vectors = [
            vector if now.key == now.name else np.zeros(now.grid.columns, np.uint32)
            for now, vector in zip(rolling.cells, np.split(window.unpack(), ends), strict=True)
        ]
        yield window.start, StoredWindow.pack(window.when, np.concatenate(vectors), rolling.generation)


def _described(known: FeatureCells, state: DriftState, totals: Ints) -> FeatureCells:
    """Return the feature with the groups that its accepted windows fix, and no file."""
    place = [one.name for one in newest_cells(state)].index(known.name)
    ends = np.cumsum([one.grid.columns for one in newest_cells(state)])
    counts = totals[ends[place] - known.grid.columns : ends[place]]
    groups = coarse(known.grid, counts) if counts[:-1].any() else known.coarse
    return replace(known, file=None, counted_as="", coarse=groups)


def _renamed(name: str, names: dict[str, str]) -> str:
    prefix, slash, key = name.partition("/")
    return f"{prefix}/{names[key]}" if slash and key in names else ""


def _plain(name: str) -> str:
    return "" if "/" in name else name


def _equal(left: Any, right: Any) -> bool:
    """Compare numbers and arrays, NaN being equal to NaN, and anything else."""
    if isinstance(left, float | np.ndarray):
        return bool(np.array_equal(left, right, equal_nan=True))
    return bool(left == right)
