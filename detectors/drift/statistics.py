"""What a window is measured by: raw statistics of shape, location, scale, missing and new values (statistics rule 5.3)."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from detectors.drift.groups import FeatureKind, group_cells, rank_scores

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Test = Literal["shape", "location", "scale", "missing", "new"]

LEAST_ROWS = 30
"""A window (or its rows with a value) below this is not scored."""

NEW, MISSING = -2, -1  # columns of a count vector; `new` in categorical ones only


@dataclass(frozen=True, slots=True)
class Yardstick:
    """How one feature's count vectors are read: which columns belong together, and the scores of its cells."""

    kind: FeatureKind
    groups: NDArray[np.intp]
    """[K] group of each column."""
    scores: Floats
    """[0..2, K - 1] location and scale score of each value cell; none for categories."""
    tests: tuple[Test, ...]
    order: NDArray[np.intp]
    """[K] the columns, group by group."""
    starts: NDArray[np.intp]
    """[groups] where each group starts in `order`."""
    empty: NDArray[np.bool_] | None
    """[K - 1] the cells beside the only value of a constant column, or beside the only frequent category: rows there are `new`. None for all other columns."""

    @property
    def size(self) -> int:
        """The number of groups."""
        return len(self.starts)

    @classmethod
    def fit(cls, total: Ints, kind: FeatureKind, median_rows: float) -> "Yardstick":
        """Make it from the counts [K] that fix cells and distribution, and the median rows of a reference window."""
        scores = rank_scores(total[:-1]) if kind == "numeric" else np.empty((0, len(total) - 1))
        moments: tuple[Test, ...] = ("location", "scale")
        # Neither a group nor a score can see a constant column change. Its other cells are what a new category is elsewhere.
        constant = kind == "numeric" and not len(scores) and bool(total[:-1].any())
        groups = group_cells(total, kind, median_rows)
        empty = total[:-1] == 0 if constant else _beside(total, groups) if kind == "categorical" else None
        rare: tuple[Test, ...] = ("missing", "new") if constant or kind == "categorical" else ("missing",)
        order = np.argsort(groups, kind="stable")
        starts = np.searchsorted(groups[order], np.arange(int(groups.max()) + 1))
        return cls(kind, groups, scores, ("shape", *moments[: len(scores)], *rare), order, starts, empty)

    def grouped(self, counts: Ints) -> Floats:
        """Return the counts of each group, [windows, groups]."""
        return np.add.reduceat(counts[:, self.order], self.starts, axis=1).astype(np.float64)

    def sums(self, counts: Ints) -> Floats:
        """Return the sum of each score over the rows, [windows, scores]."""
        # Not a matrix product: its threads cost more than they save, and its sums differ from machine to machine.
        total: Floats = np.einsum("wk,jk->wj", counts[:, :-1], self.scores)
        return total

    def new_rows(self, counts: Ints) -> Ints:
        """Return the rows [windows] of count vectors [windows, K] whose value the reference never had."""
        if self.empty is not None:
            beside: Ints = counts[:, :-1][:, self.empty].sum(axis=1)
            return beside
        return counts[:, NEW] if self.kind == "categorical" else np.zeros(len(counts), np.int64)

    @property
    def by_block(self) -> bool:
        """Whether what is new depends on the other blocks: a category that only one of them has."""
        return self.kind == "categorical" and self.empty is None


def _beside(total: Ints, groups: NDArray[np.intp]) -> NDArray[np.bool_] | None:
    """Return the cells beside the most frequent category where all others are too rare for a group: no shape could see them grow."""
    kept = total[:-3]
    if groups.max() or 2 * int(kept.max(initial=0)) <= int(total.sum()):
        return None
    beside: NDArray[np.bool_] = np.arange(len(total) - 1) != int(np.argmax(kept))
    return beside


@dataclass(frozen=True, slots=True)
class Comparison:
    """Windows held against comparison counts. Arrays are [windows, ...]; the comparison may be one row for all."""

    rows: Floats
    other_rows: Floats
    grouped: Floats
    other_grouped: Floats
    """[windows, groups] counts."""
    value_rows: Floats
    other_value_rows: Floats
    shifts: Floats
    """[windows, scores] difference of the mean scores, in reference rank standard deviations; NaN without values."""
    hits: Floats
    other_hits: Floats
    """[windows, 1 or 2] missing rows, and rows with a new value."""


def compare(yardstick: Yardstick, windows: Ints, other: Ints, unseen: Ints, other_unseen: Ints) -> Comparison:
    """Hold windows [W, K] against counts [W or 1, K]; `unseen` [W] and `other_unseen` [W or 1] as rule 5.0 counts them."""
    rows, other_rows = windows.sum(axis=1).astype(np.float64), other.sum(axis=1).astype(np.float64)
    missing, other_missing = windows[:, MISSING].astype(np.float64), other[:, MISSING].astype(np.float64)
    value_rows, other_value_rows = rows - missing, other_rows - other_missing
    with np.errstate(divide="ignore", invalid="ignore"):
        shifts = yardstick.sums(windows) / value_rows[:, None] - yardstick.sums(other) / other_value_rows[:, None]
    hits, other_hits = missing[:, None], other_missing[:, None]
    if "new" in yardstick.tests:
        hits, other_hits = np.column_stack([hits, unseen]), np.column_stack([other_hits, other_unseen])
    return Comparison(
        rows, other_rows, yardstick.grouped(windows), yardstick.grouped(other), value_rows, other_value_rows, shifts, hits, other_hits
    )  # fmt: skip


def raw_statistics(comparison: Comparison) -> Floats:
    """Return T [windows, tests] in the order of the yardstick's tests: about 1 for independent rows of the same distribution."""
    columns = [_shape(comparison)[:, None], _moments(comparison), _rates(comparison)]
    return np.hstack(columns)


def _shape(comparison: Comparison) -> Floats:
    n, m = comparison.rows[:, None], comparison.other_rows[:, None]
    a, y = comparison.grouped, comparison.other_grouped
    both = a + y
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = (np.sqrt(m / n) * a - np.sqrt(n / m) * y) ** 2 / both
    filled = both > 0
    freedom = np.maximum(filled.sum(axis=1) - 1, 1)
    total: Floats = np.where(filled & (n > 0) & (m > 0), terms, 0.0).sum(axis=1) / freedom
    return total


def _moments(comparison: Comparison) -> Floats:
    n, m = comparison.value_rows[:, None], comparison.other_value_rows[:, None]
    judged = (n >= LEAST_ROWS) & (m > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(judged, comparison.shifts**2 / (1 / n + 1 / m), 0.0)


def _rates(comparison: Comparison) -> Floats:
    n, m = comparison.rows[:, None], comparison.other_rows[:, None]
    x, r = comparison.hits, comparison.other_hits
    with np.errstate(divide="ignore", invalid="ignore"):
        rise = x / n - r / m
        share = (x + r + 0.5) / (n + m + 1)
        return np.where(rise > 0, rise**2 / (share * (1 - share) * (1 / n + 1 / m)), 0.0)
