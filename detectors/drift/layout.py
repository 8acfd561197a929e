"""Count vectors of all features one after another, summed up in a few calls of numpy instead of a few for each feature."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.drift.statistics import MISSING, Yardstick

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Side:
    """Count vectors of all features, summed up as a comparison needs them: [features] or [features, ...]."""

    rows: Floats
    grouped: Floats
    """[features, most groups] counts; 0 beyond a feature's own groups."""
    value_rows: Floats
    sums: Floats
    """[features, 2] sums of the scores; 0 for scores a feature does not have."""
    hits: Floats
    """[features, 2] missing rows, and rows with a new value."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where what stands in the joined vectors of all features."""

    groups: NDArray[np.intp]
    """[features] how many groups each has."""
    begins: NDArray[np.intp]
    """[features] where its vector begins."""
    order: NDArray[np.intp]
    """All columns, group by group."""
    starts: NDArray[np.intp]
    """Where each group begins in `order`."""
    scores: Floats
    """[2, columns]; 0 where there is none."""
    new: NDArray[np.bool_]
    """[columns] whether rows there have a new value."""

    @classmethod
    def of(cls, yardsticks: Sequence[Yardstick]) -> "Layout":
        """Lay features side by side."""
        widths = np.array([len(one.groups) for one in yardsticks], np.intp)
        begins = np.cumsum(widths) - widths
        scores, new = np.zeros((2, int(widths.sum()))), np.zeros(int(widths.sum()), np.bool_)
        for begin, one in zip(begins.tolist(), yardsticks, strict=True):
            values = slice(begin, begin + len(one.groups) - 1)
            scores[: len(one.scores), values] = one.scores
            if one.empty is not None:
                new[values] = one.empty
            elif one.kind == "categorical":
                new[values.stop - 1] = True
        return cls(
            np.array([one.size for one in yardsticks], np.intp),
            begins,
            np.concatenate([one.order + begin for begin, one in zip(begins, yardsticks, strict=True)] or [np.empty(0, np.intp)]),
            np.concatenate([one.starts + begin for begin, one in zip(begins, yardsticks, strict=True)] or [np.empty(0, np.intp)]),
            scores,
            new,
        )

    def side(self, joined: Ints, unseen: Sequence[int] | None = None) -> Side:
        """Sum up the joined vectors; `unseen` rows [features] take the place of those in new columns."""
        ends = np.append(self.begins[1:], len(joined))
        grouped = np.zeros((len(self.groups), int(self.groups.max())))
        filled = np.arange(grouped.shape[1]) < self.groups[:, None]
        grouped[filled] = np.add.reduceat(joined[self.order], self.starts)
        rows = np.add.reduceat(joined, self.begins).astype(np.float64)
        missing = joined[ends + MISSING].astype(np.float64)
        fresh = np.add.reduceat(np.where(self.new, joined, 0), self.begins) if unseen is None else np.asarray(unseen)
        sums = np.add.reduceat(joined * self.scores, self.begins, axis=1).T
        return Side(rows, grouped, rows - missing, sums, np.column_stack([missing, fresh.astype(np.float64)]))
