"""The windows of a reference feature by feature, unpacked one at a time: all at once they would not fit beside the agent."""

from collections.abc import Mapping, Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray

from detectors.drift.calendar import Slots, slot_of
from detectors.drift.cells import FeatureCells
from detectors.drift.days import blocks_of
from detectors.drift.grid import CategoryGrid
from detectors.drift.history import FeatureHistory
from detectors.drift.occurrences import only_block
from detectors.drift.rolling import Rolling
from detectors.drift.state import DriftState
from detectors.drift.stored_window import StoredWindow

Ints = NDArray[np.int64]

OTHER, NEW = -3, -2
"""Columns of a category's count vector."""


class Counts:
    """The counts of some windows, split by feature."""

    def __init__(self, cells: Sequence[FeatureCells], windows: Sequence[StoredWindow]) -> None:
        self.days: Ints = np.array([window.day for window in windows], np.int64)
        """[windows] calendar day of each."""
        self.windows = windows
        unpacked = [window.unpack() for window in windows]
        narrow = max((int(one.max(initial=0)) for one in unpacked), default=0) <= np.iinfo(np.uint16).max
        joined = np.empty((len(windows), sum(known.grid.columns for known in cells)), np.uint16 if narrow else np.uint32)
        for row, one in enumerate(unpacked):
            joined[row] = one
        ends = np.cumsum([known.grid.columns for known in cells])
        self._parts = np.split(joined, ends[:-1], axis=1) if cells else []

    def __getitem__(self, feature: int) -> Ints:
        """Return the count vectors [windows, K] of a feature."""
        return self._parts[feature].astype(np.int64)

    def slots(self, kind: Slots) -> Ints | None:
        """Return the slot of each window; None where windows are compared with all others."""
        return None if kind == "none" else np.array([slot_of(kind, one.when.day, one.when.hour) for one in self.windows], np.int64)


class Histories(Sequence[FeatureHistory]):
    """What a fixed reference is calibrated from: the first `count` windows of a state, excluded ones left out."""

    def __init__(self, state: DriftState, count: int | None = None) -> None:
        self._state = state
        windows = state.windows[:count]
        places = [place for place, window in enumerate(windows) if not state.is_excluded(window.when)]
        self._kept = {place: row for row, place in enumerate(places)}
        self.counts = Counts(state.cells, [windows[place] for place in places])
        self._blocks = blocks_of(self.counts.days) if places else np.empty(0, np.intp)

    def __len__(self) -> int:
        return len(self._state.cells)

    @overload
    def __getitem__(self, index: int) -> FeatureHistory: ...
    @overload
    def __getitem__(self, index: slice) -> list[FeatureHistory]: ...
    def __getitem__(self, index: int | slice) -> FeatureHistory | list[FeatureHistory]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        known = self._state.cells[index]
        counts = self.counts[index]
        unseen, _ = self.unseen(known, counts)
        return FeatureHistory(known.name, known.measured_as, counts, unseen, known.file)

    def unseen(self, known: FeatureCells, counts: Ints) -> tuple[Ints, Ints]:
        """Return the rows [windows] whose value no other block of the reference has, and those of them counted as `other` until now.

        They become `new` in `counts`, as they would be in a live window: of zip codes each window has some that no other had, and
        a vocabulary made of the same windows would promise that every later one has none.
        """
        unseen, strays = np.zeros((2, len(counts)), np.int64)
        if isinstance(known.grid, CategoryGrid):
            unseen = counts[:, NEW].copy()
            if known.own_vocabulary:
                unseen += only_block(counts[:, : len(known.grid.kept)], self._blocks)
                seen = self._state.occurrences.get(known.name)
                strays = seen.unseen(self._blocks, self._kept) if seen is not None else strays
                unseen += strays
                told_apart(counts, strays)
        return unseen, strays


def told_apart(counts: Ints, strays: Ints) -> None:
    """Let rows [windows] of category counts [windows, K] be `new` instead of `other`, in place.

    >>> counts = np.array([[5, 3, 0, 1]])
    >>> told_apart(counts, np.array([2]))
    >>> counts.tolist()
    [[5, 1, 2, 1]]
    """
    counts[:, OTHER] -= strays
    counts[:, NEW] += strays


def unseen_shares(state: DriftState) -> Mapping[str, float]:
    """Return by key which share of a fixed reference's rows has a category that its other blocks, or the rest of its file, had not."""
    fixed, found = Histories(state), {}
    for known, history in zip(state.cells, fixed, strict=True):
        if isinstance(known.grid, CategoryGrid):
            unseen, rows = (known.file[NEW], known.file.sum()) if known.file is not None else (history.unseen.sum(), history.counts.sum())
            found[known.key] = float(unseen) / max(float(rows), 1.0)
    return found


class RollingHistories(Sequence[FeatureHistory]):
    """What a rolling reference is calibrated from: the windows it was fitted on, excluded ones left out.

    The vocabulary is older than its windows, but for those that are in the fixed reference as well: these count as unseen
    there what is unseen in it. A file is no part of it: it has no time.
    """

    def __init__(self, state: DriftState, rolling: Rolling) -> None:
        self._cells = rolling.cells
        self.counts = Counts(rolling.cells, [window for window in rolling.fitted if not state.is_excluded(window.when)])
        self._unseen = _unseen_in_fixed(state, {window.start for window in self.counts.windows})

    def __len__(self) -> int:
        return len(self._cells)

    @overload
    def __getitem__(self, index: int) -> FeatureHistory: ...
    @overload
    def __getitem__(self, index: slice) -> list[FeatureHistory]: ...
    def __getitem__(self, index: int | slice) -> FeatureHistory | list[FeatureHistory]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        known = self._cells[index]
        counts = self.counts[index]
        unseen = np.zeros(len(counts), np.int64)
        if isinstance(known.grid, CategoryGrid):
            older, new = self._unseen.get(known.key, {}), counts[:, NEW].tolist()
            pairs = [older.get(one.start, (rows, 0)) for one, rows in zip(self.counts.windows, new, strict=True)]
            unseen, strays = np.array(pairs, np.int64).reshape(-1, 2).T
            told_apart(counts, strays)
        return FeatureHistory(known.name, known.measured_as, counts, unseen)


def _unseen_in_fixed(state: DriftState, starts: set[int]) -> Mapping[str, Mapping[int, tuple[int, int]]]:
    """Return for each feature whose categories come from windows what `Histories.unseen` says of these windows, by start."""
    own = [index for index, known in enumerate(state.cells) if known.own_vocabulary]
    if not own or not any(window.start in starts for window in state.windows):
        return {}
    fixed = Histories(state)
    found = {}
    for index in own:
        known = state.cells[index]
        pairs = zip(*(part.tolist() for part in fixed.unseen(known, fixed.counts[index])), strict=True)
        found[known.name] = {window.start: pair for window, pair in zip(fixed.counts.windows, pairs, strict=True) if window.start in starts}
    return found
