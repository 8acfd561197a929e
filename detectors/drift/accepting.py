"""Accepts the new normal: a fixed reference made of windows a stream lived through, in place of the one it had."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.drift.cells import FeatureCells
from detectors.drift.descriptive import coarse
from detectors.drift.grid import CategoryGrid, Grid
from detectors.drift.observing import ROWS, vector
from detectors.drift.occurrences import Occurrences
from detectors.drift.state import DriftState, Ints
from detectors.drift.stored_window import StoredWindow
from detectors.types import Profile

_MOST_BEYOND = 0.5
"""Share of rows beyond the outer cells up to which old cells are worth keeping."""


def lived(state: DriftState) -> tuple[StoredWindow, ...]:
    """Return all windows a stream keeps of its past, in time order, counted in its newest cells; excluded ones are left out.

    Those are its fixed reference's, the rolling one's and the shelf's: some two months. Where cells were replaced, windows from
    before hold nothing of that feature.
    """
    found = {window.start: window for window in state.shelf if window.generation == generation(state)}
    found |= dict(_of_fixed(state))
    if state.rolling is not None:
        found |= {window.start: window for window in (*state.rolling.fitted, *state.rolling.since)}
    return tuple(found[start] for start in sorted(found) if not state.is_excluded(found[start].when))


def generation(state: DriftState) -> int:
    """Return how often cells had been replaced when the newest windows were counted."""
    return 0 if state.rolling is None else state.rolling.generation


def accepted(state: DriftState, first: int, last: int, profiles: Mapping[int, Profile] | None = None) -> DriftState:
    """Return the state whose fixed reference are the windows of the days `first` to `last` (ordinals, both included).

    It keeps exclusions, columns set aside, and how many rows windows had since then. A file that fixed the distribution is left
    behind: the windows do now. The rolling reference begins anew, from those of the windows that lie in its span; days that lasted
    are forgotten. Cells are the newest in which all windows are counted: `profiles` are those of windows `recounted` names, by start.
    Raises ValueError where no window lies on these days.
    """
    chosen = _chosen(state, first, last)
    if not chosen:
        raise ValueError("no window lies on these days")
    cells, vectors = _cells(state, chosen, profiles or {})
    totals: Ints = np.sum(vectors, axis=0, dtype=np.int64)
    ends = np.cumsum([known.grid.columns for known in cells])
    described = tuple(_described(known, totals[end - known.grid.columns : end]) for known, end in zip(cells, ends.tolist(), strict=True))
    return DriftState(
        cells=described,
        aside=state.aside,
        windows=tuple(StoredWindow.pack(window.when, joined) for window, joined in zip(chosen, vectors, strict=True)),
        totals=totals,
        occurrences=_occurrences(state, described, chosen),
        excluded=state.excluded,
        off=state.off,
        used=len(chosen),
        volumes=state.volumes.of(state.volumes.days >= chosen[0].day),
    )


def recounted(state: DriftState, first: int, last: int) -> frozenset[int]:
    """Return the starts of windows on these days whose profile says more than the state: features had their cells replaced since."""
    if state.rolling is None or not state.rolling.generation:
        return frozenset()
    own = {window.start for window in state.windows}
    live = {window.start for window in (*state.rolling.fitted, *state.rolling.since)}
    return frozenset(window.start for window in _chosen(state, first, last) if window.start in live - own)


def shelved(state: DriftState, before: DriftState) -> DriftState:
    """Return a state that takes the place of another with what that one knows besides: windows on the shelf, rows of later windows.

    Of features that were counted in other cells these windows hold nothing; of other features altogether they are left behind.
    """
    newer = before.volumes.of(before.volumes.starts > (state.volumes.starts[-1] if len(state.volumes) else 0))
    volumes = replace(
        newer,
        starts=np.append(state.volumes.starts, newer.starts),
        days=np.append(state.volumes.days, newer.days),
        hours=np.append(state.volumes.hours, newer.hours),
        rows=np.append(state.volumes.rows, newer.rows),
        live=state.volumes.live or newer.live,
    )
    rolling = () if state.rolling is None else (*state.rolling.fitted, *state.rolling.since)
    own = {window.start for window in (*state.windows, *rolling)}
    by_start = {window.start: window for window in state.shelf if window.generation == generation(state)}
    by_start |= {window.start: window for window in _in_cells_of(state, before)}
    shelf = tuple(replace(by_start[start], generation=generation(state)) for start in sorted(by_start.keys() - own))
    return replace(state, volumes=volumes, shelf=shelf[-state.most_windows :])


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
    counts = {renamed: vector for name, vector in profile.counts.items() if (renamed := _renamed(name, names) or _plain(name))}
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
    for window in state.windows:
        kept = [
            part if now.key == now.name else np.zeros(now.grid.columns, np.uint32)
            for now, part in zip(rolling.cells, _split(window.unpack(), state.cells), strict=True)
        ]
        yield window.start, StoredWindow.pack(window.when, np.concatenate(kept), rolling.generation)


def _chosen(state: DriftState, first: int, last: int) -> list[StoredWindow]:
    return [window for window in lived(state) if first <= window.day <= last][-state.most_windows :]


def _cells(
    state: DriftState, chosen: Sequence[StoredWindow], profiles: Mapping[int, Profile]
) -> tuple[tuple[FeatureCells, ...], list[NDArray[np.integer]]]:
    """Return the cells, and the counts of each window in them.

    Of a feature with two sets of cells the newer, unless the older count more of the windows and still tell most of their rows apart.
    """
    newest = newest_cells(state)
    parts: list[list[NDArray[np.integer]]] = [_split(window.unpack(), newest) for window in chosen]
    cells = list(newest)
    for place, (old, new) in enumerate(zip(state.cells, newest, strict=True)):
        if new.key == new.name:
            continue
        own = {window.start: _split(window.unpack(), state.cells)[place] for window in state.windows}
        own |= {start: vector(profile, old) for start, profile in profiles.items()}
        counted = [own.get(window.start) for window in chosen]
        older = [one for one in counted if one is not None]
        if len(older) > sum(bool(part[place].any()) for part in parts) and _beyond(old, np.sum(older, axis=0)) <= _MOST_BEYOND:
            cells[place] = old
            for part, one in zip(parts, counted, strict=True):
                part[place] = np.zeros(old.grid.columns, np.int64) if one is None else one
    return tuple(cells), [np.concatenate(part) for part in parts]


def _beyond(known: FeatureCells, counts: Ints) -> float:
    """Return the share of rows beyond the outer edges, or of values the vocabulary lacks."""
    ends = counts[-2] if isinstance(known.grid, CategoryGrid) else counts[0] + counts[-2]
    return float(ends / max(int(counts[:-1].sum()), 1))


def _in_cells_of(state: DriftState, before: DriftState) -> Iterator[StoredWindow]:
    """Yield what another state lived through in the newest cells of this one, where both watch the same features."""
    mine, theirs = newest_cells(state), newest_cells(before)
    alike = [same_grid(one.grid, other.grid) for one, other in zip(mine, theirs, strict=False)]
    if [one.name for one in mine] != [one.name for one in theirs] or not any(alike):
        return
    for window in lived(before):
        if all(alike):
            yield window
            continue
        parts = zip(mine, _split(window.unpack(), theirs), alike, strict=True)
        kept = [part if same else np.zeros(known.grid.columns, np.uint32) for known, part, same in parts]
        yield StoredWindow.pack(window.when, np.concatenate(kept))


def _split(joined: NDArray[np.integer], cells: Sequence[FeatureCells]) -> list[NDArray[np.integer]]:
    return list(np.split(joined, np.cumsum([known.grid.columns for known in cells])[:-1]))


def _described(known: FeatureCells, counts: Ints) -> FeatureCells:
    """Return the feature with the groups that its accepted windows fix, and no file."""
    groups = coarse(known.grid, counts) if counts[:-1].any() else known.coarse
    return replace(known, file=None, counted_as="", coarse=groups)


def _occurrences(state: DriftState, cells: Sequence[FeatureCells], chosen: Sequence[StoredWindow]) -> dict[str, Occurrences]:
    """Return where further values of categories were seen, for those windows the vocabulary was taken from."""
    places = {window.start: place for place, window in enumerate(chosen)}
    moved = {place: places[window.start] for place, window in enumerate(state.windows) if window.start in places}
    same = {known.name for known, old in zip(cells, state.cells, strict=True) if same_grid(known.grid, old.grid)}
    found = {}
    for name, seen in state.occurrences.items():
        kept = {value: tuple((moved[place], rows) for place, rows in windows if place in moved) for value, windows in seen.places.items()}
        found[name] = Occurrences({value: windows for value, windows in kept.items() if windows or not seen.places[value]})
    return {name: seen for name, seen in found.items() if name in same}


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
