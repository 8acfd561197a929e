"""The reference windows of a state feature by feature, unpacked one at a time: all at once they would not fit beside the agent."""

from collections.abc import Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray

from detectors.drift.days import blocks_of
from detectors.drift.grid import CategoryGrid
from detectors.drift.history import FeatureHistory
from detectors.drift.occurrences import only_block
from detectors.drift.state import DriftState

Ints = NDArray[np.int64]


class Histories(Sequence[FeatureHistory]):
    """What a calibration is made from: the first `count` windows, excluded ones left out."""

    def __init__(self, state: DriftState, count: int | None = None) -> None:
        self._state = state
        windows = state.windows[:count]
        places = [place for place, window in enumerate(windows) if not state.is_excluded(window.start)]
        self._kept = {place: row for row, place in enumerate(places)}
        self.days: Ints = np.array([windows[place].day for place in places], np.int64)
        """[windows] calendar day of each."""
        self._blocks = blocks_of(self.days) if places else np.empty(0, np.intp)
        width = sum(known.grid.columns for known in state.cells)
        counts = [windows[place].unpack() for place in places]
        narrow = max((int(one.max(initial=0)) for one in counts), default=0) <= np.iinfo(np.uint16).max
        joined = np.empty((len(places), width), np.uint16 if narrow else np.uint32)
        for row, one in enumerate(counts):
            joined[row] = one
        self._split = state.split(joined)

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
        counts = self._split[known.name].astype(np.int64)
        unseen = np.zeros(len(counts), np.int64)
        if isinstance(known.grid, CategoryGrid):
            unseen = counts[:, -2].copy()
            if known.own_vocabulary:
                unseen += only_block(counts[:, : len(known.grid.kept)], self._blocks)
                seen = self._state.occurrences.get(known.name)
                unseen += seen.unseen(self._blocks, self._kept) if seen is not None else 0
        return FeatureHistory(known.name, known.measured_as, counts, unseen, known.file)
