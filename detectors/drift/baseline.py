"""Builds a reference from rows that somebody else reads twice: first where the cells lie, then how many rows each window has."""

from collections import Counter
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from detectors.drift import observing
from detectors.drift.cells import FeatureCells, watched
from detectors.drift.counting import to_numbers
from detectors.drift.descriptive import coarse
from detectors.drift.early import MOST_VALUES
from detectors.drift.grid import (
    NAME_LENGTH,
    RUNNING,
    CategoryGrid,
    Grid,
    fit_categories,
    fit_numeric,
    frequencies,
    running_number,
    set_aside,
)
from detectors.drift.histories import told_apart
from detectors.drift.learning import values, vectors
from detectors.drift.state import DriftState
from detectors.drift.statistics import LEAST_ROWS
from detectors.drift.stored_window import When
from detectors.types import Batch, Category, Column, Profile, Text, Window

KEPT_VALUES = 131_072
"""Numbers of a column that cells are cut from; of longer columns every 2nd, 4th, 8th … value is taken."""


@dataclass(slots=True)
class _Sample:
    """Every `stride`-th value of a column, evenly over all of it; the stride doubles when there are too many."""

    kept: list[NDArray[np.float64]] = field(default_factory=list)
    stride: int = 1
    seen: int = 0
    size: int = 0

    def add(self, values: NDArray[np.float64]) -> None:
        first = -self.seen % self.stride
        part = values[first :: self.stride].copy()
        self.seen += len(values)
        self.kept.append(part)
        self.size += len(part)
        while self.size > KEPT_VALUES:
            self.kept = [np.concatenate(self.kept)[::2]]
            self.size = len(self.kept[0])
            self.stride *= 2


@dataclass(slots=True)
class _Column:
    """What pass 1 keeps of a column."""

    numbers: _Sample = field(default_factory=_Sample)
    low: float = np.inf
    high: float = -np.inf
    counts: Counter[str] = field(default_factory=Counter)
    number_rows: int = 0
    running: bool = True
    last: float = np.nan
    text: bool = False
    crowded: bool = False

    def add(self, column: Column) -> None:
        if isinstance(column, Text):
            self.text = True
        elif isinstance(column, Category):
            if not self.crowded:
                self.counts.update(frequencies(column))
                self.crowded = len(self.counts) > MOST_VALUES
        else:
            self._add_numbers(np.asarray(column).astype(np.float64))

    def _add_numbers(self, values: NDArray[np.float64]) -> None:
        self.numbers.add(values)
        self._run(values)
        finite = values[np.isfinite(values)]
        self.number_rows += len(finite)
        if len(finite):
            self.low, self.high = min(self.low, float(finite.min())), max(self.high, float(finite.max()))

    def _run(self, values: NDArray[np.float64]) -> None:
        """Note whether integers have only grown so far; the last one of a batch stands before the first of the next."""
        if self.running and len(values):
            joined = values if np.isnan(self.last) else np.concatenate([[self.last], values])
            self.running = running_number(joined) if len(joined) >= RUNNING else bool((joined[1:] > joined[:-1]).all())
            self.last = float(values[-1])

    @property
    def numeric(self) -> bool:
        """Whether most of the column is numbers; a column without values is taken for one."""
        return self.number_rows >= self.counts.total()

    def reason_aside(self, *, wanted: bool) -> str | None:
        """Return why the column cannot be watched, None where it can. `wanted`: somebody named it, and knows what it is."""
        if self.text:
            return "free text"
        if self.numeric:
            return "looks like a running number" if self.running and self.number_rows >= RUNNING and not wanted else None
        # Of a crowd only the first rows are known; they tell an id or a text all the same.
        return set_aside(self.counts) or (f"more than {MOST_VALUES} different values" if self.crowded else None)

    def once(self, grid: Grid) -> int:
        """Return how many `other` values occur in one row only.

        Their share of the rows is what later rows are expected to have of values that were never seen (Good 1953).
        """
        if not isinstance(grid, CategoryGrid):
            return 0
        other = len(grid.kept)
        return sum(rows == 1 and grid.index.get(value[:NAME_LENGTH]) == other for value, rows in self.counts.items())

    def cells(self, name: str) -> FeatureCells:
        """Cut the cells. The range is exact, the quantiles are those of the sample."""
        if not self.numeric:
            vocabulary = fit_categories(self.counts)
            return FeatureCells(name, vocabulary, np.empty(0), np.arange(vocabulary.columns - 1))
        if self.counts:
            parsed, _ = to_numbers(Category(np.arange(len(self.counts), dtype=np.int32), tuple(self.counts)))
            self._add_numbers(np.repeat(parsed, list(self.counts.values())))
        grid = fit_numeric(np.concatenate([*self.numbers.kept, np.empty(0)]))
        if self.number_rows:
            grid = replace(grid, low=self.low, high=self.high)
        return FeatureCells(name, grid, np.full(grid.columns - 1, np.nan), np.zeros(grid.columns - 1, np.intp))


class BaselineBuilder:
    """Pass 1: `learn` every batch, then `fix`. Pass 2: `count` every batch with its window (None: a file without time), then `state`.

    Both passes may see the rows in any cut, but in the same order. Columns of the rows are chosen as the detector does.
    """

    def __init__(self, features: tuple[str, ...] = (), start: DriftState | None = None) -> None:
        """`start` is the state of a file that fixes cells and distribution: pass 1 is then left out, and windows add to it."""
        self._features = features
        self._columns: dict[str, _Column] = {}
        self._once: dict[str, int] = {}
        self._state = start or DriftState()
        self._windows: dict[Window, Profile] = {}
        self._total = Profile()
        self._file = False

    def learn(self, batch: Batch) -> None:
        """Look at a batch in pass 1."""
        for name, column in watched(batch, self._features):
            self._columns.setdefault(name, _Column()).add(column)

    def fix(self) -> dict[str, str]:
        """Cut the cells; return the columns set aside, with the reason."""
        aside = {
            name: reason
            for name, column in self._columns.items()
            if (reason := column.reason_aside(wanted=name in self._features)) is not None
        }
        cells = tuple(column.cells(name) for name, column in self._columns.items() if name not in aside)
        self._once = {known.name: self._columns[known.name].once(known.grid) for known in cells}
        self._columns.clear()
        self._state = DriftState(cells=cells, aside=aside)
        return aside

    def count(self, batch: Batch, window: Window | None) -> None:
        """Count a batch of one window in pass 2."""
        profile = observing.observe(batch, self._state.index, self._state.aside, self._features, learning=window is not None)
        self._total = self._total.merge(Profile(profile.counts))
        if window is None:
            self._file = True
            return
        cells = {name: counts for name, counts in profile.counts.items() if not name.startswith((observing.SUMS, observing.CHECKS))}
        slim = Profile(cells, profile.tallies)
        self._windows[window] = self._windows[window].merge(slim) if window in self._windows else slim

    def state(self) -> DriftState:
        """Return the reference as the state a detector starts from. Of more than `most_windows` windows the newest stay."""
        state = self._state
        if not any(known.file is not None for known in state.cells):
            state = replace(state, cells=tuple(self._described(known) for known in state.cells))
        usable = [window for window, profile in self._windows.items() if observing.rows_of(profile) >= LEAST_ROWS]
        for window in sorted(usable, key=lambda one: one.start)[-state.most_windows :]:
            profile = self._windows[window]
            state = state.add(When.of(window), vectors(state.cells, profile), values(profile))
        volumes = state.volumes
        for window in sorted(self._windows, key=lambda one: one.start):
            volumes = volumes.add(When.of(window), observing.rows_of(self._windows[window]), live=False)
        return replace(state, used=len(state.windows), volumes=volumes)

    def _described(self, known: FeatureCells) -> FeatureCells:
        """Return the feature with the cell means of all rows, and with their counts where they are a file's."""
        means = observing.cell_means(self._total, known)
        counts = observing.vector(self._total, known)
        once = self._once.get(known.name, 0)
        if self._file and once:
            # Of zip codes every window has some that the file lacks, and that is no drift.
            told_apart(counts[None], np.array([once]))
        groups = coarse(known.grid, counts)
        return replace(known, file=counts if self._file else None, means=known.means if means is None else means, coarse=groups)
