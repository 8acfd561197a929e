"""Learns how large errors are from coded columns: an effect of every code of every column, then boosted trees for what they do together.

Effects come first because they are hardly drawn in: nothing is left over in any code of any column of the reference, and so little in a
window in which some codes have become frequent. Of a tree every level asks one question of all rows. Such oblivious trees (Kohavi, ECML
1995; boosted as by Friedman, Annals of Statistics 29, 2001) are weaker one by one than others, but a row's leaf is a number made of its
answers, so that many of them are applied to whole columns by numpy alone.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.types import Plain

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

DEPTH = 6
TREES = 60
RATE = 0.2
DRAWN_IN = 5.0
"""Rows of 0 that every effect and leaf is drawn towards."""
_SWEEPS, _LAST_SWEEPS = 10, 5
"""Rounds over the columns until their effects fit together, before the trees and after them."""
LEAF_ROWS = 500
"""Rows a leaf has on average at least; fewer rows make shallower trees."""

_FINE, _ONE = 2.0**20, 2.0**37
_LEAST = 1e-290
"""What is left is nothing below this: it cannot be scaled up any more."""
MOST_ROWS = 2**16
"""Rows trees can grow on: as many as keep the sums below exact."""
MOST_ASKED = 32
"""Columns that trees ask about; of more, those of the largest effects. All of them keep their effects."""


@dataclass(frozen=True, slots=True)
class Trees:
    """A sum of a mean, effects of codes, and trees."""

    base: float
    first: NDArray[np.int64]
    """[columns + 1] where the effects of a column begin."""
    effects: Floats
    """What each code of each column adds, one column after the other."""
    columns: NDArray[np.int64]
    """[trees, depth] column each question is about."""
    cuts: NDArray[np.int64]
    """[trees, depth] whose code must be greater than this for a yes."""
    leaves: Floats
    """[trees, 2 ** depth] what a row adds by its answers, the first question's the highest bit."""

    def predict(self, codes: Codes) -> Floats:
        """Return the expected value of every row, shape (n,); `codes` is [columns, n]."""
        found = np.full(codes.shape[1], self.base)
        for column, first in zip(codes, self.first.tolist(), strict=False):
            found += self.effects[first:][column]
        for columns, cuts, leaves in zip(self.columns.tolist(), self.cuts.tolist(), self.leaves, strict=True):
            found += leaves[_leaf(codes, zip(columns, cuts, strict=True))]
        return found

    @property
    def bound(self) -> float:
        """Return what no prediction exceeds in size."""
        effects = np.maximum.reduceat(np.abs(self.effects), self.first[:-1]).sum()
        return abs(self.base) + float(effects + np.abs(self.leaves).max(axis=1, initial=0).sum())

    def plain(self) -> Plain:
        """Return it as data; `trees_from` takes it back."""
        return {
            "base": self.base,
            "first": self.first,
            "effects": self.effects,
            "columns": self.columns,
            "cuts": self.cuts,
            "leaves": self.leaves,
        }


def trees_from(saved: Plain) -> Trees:
    """Return the trees that `Trees.plain` described."""
    first, columns, cuts = (np.asarray(saved[name], np.int64) for name in ("first", "columns", "cuts"))
    effects, leaves = (np.asarray(saved[name], np.float64) for name in ("effects", "leaves"))
    return Trees(float(saved["base"]), first, effects, columns, cuts, leaves)


def _leaf(codes: Codes, questions: Iterable[tuple[int, int]]) -> NDArray[np.intp]:
    leaf = np.zeros(codes.shape[1], np.intp)
    for column, cut in questions:
        leaf <<= 1
        leaf += codes[column] > cut
    return leaf


def grow(codes: Codes, sizes: Sequence[int], values: Floats, trees: int = TREES) -> Trees:
    """Return the trees that predict `values` (n,) best, squared; n is LEAF_ROWS to MOST_ROWS, and not all values are equal.

    `codes` is [columns, n], those of column i in 0 … sizes[i] - 1. The same rows in the same order lead to the same trees.
    """
    if not LEAF_ROWS <= len(values) <= MOST_ROWS:
        raise ValueError(f"{len(values)} rows to learn errors from; {LEAF_ROWS} to {MOST_ROWS} are needed")
    depth = min(DEPTH, int(np.log2(len(values) / LEAF_ROWS)))
    base = float(values.mean())
    left = values - base
    first = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    placed = codes + first[:-1, None]
    effects = np.zeros(int(first[-1]))
    _settle(placed, effects, left, _SWEEPS)
    asked = _strongest(placed, effects)
    # Few codes fit a byte or two, and a byte is fetched sooner than eight.
    narrow, widths = (
        codes[asked].astype(np.min_scalar_type(max(sizes))),
        np.concatenate([[0], np.cumsum(np.asarray(sizes)[asked])]).astype(np.int64),
    )
    questions, leaves = np.zeros((trees, depth, 2), np.int64), np.zeros((trees, 2**depth))
    for number in range(trees):
        leaf = np.zeros(len(values), np.intp)
        for level, (column, cut) in enumerate(_questions(narrow, widths, left, depth)):
            questions[number, level] = asked[column], cut
            leaf = leaf * 2 + (narrow[column] > cut)
        leaves[number] = RATE * np.bincount(leaf, left, minlength=2**depth) / (np.bincount(leaf, minlength=2**depth) + DRAWN_IN)
        left -= leaves[number][leaf]
    _settle(placed, effects, left, _LAST_SWEEPS)
    return Trees(base, first, effects, questions[:, :, 0], questions[:, :, 1], leaves)


def _strongest(placed: Codes, effects: Floats) -> NDArray[np.intp]:
    """Return at most MOST_ASKED columns, those whose effects move errors most, in their order.

    What works together with others mostly works alone too, and the cost of a tree is its columns.
    """
    if len(placed) <= MOST_ASKED:
        return np.arange(len(placed))
    moved = [float(effects[column] @ effects[column]) for column in placed]
    return np.sort(np.argsort(moved, kind="stable")[::-1][:MOST_ASKED])


def _settle(placed: Codes, effects: Floats, left: Floats, sweeps: int) -> None:
    """Move what is `left` in the mean of each code into `effects`, column by column, in place."""
    rows = [np.bincount(column, minlength=len(effects)) + DRAWN_IN for column in placed]
    for _ in range(sweeps):
        for column, count in zip(placed, rows, strict=True):
            more = np.bincount(column, left, minlength=len(effects)) / count
            effects += more
            left -= more[column]


def _questions(codes: NDArray[np.unsignedinteger[Any]], first: NDArray[np.intp], left: Floats, depth: int) -> Iterator[tuple[int, int]]:
    """Yield column and cut of each level of the tree that lowers the squares of `left` most, level by level.

    The codes of a column begin at its `first` among those of all. Rows and sums of a cell are counted at once, as one number: rows in
    steps of 2^37, and what is left in 2^-20 of its largest value. Both are whole numbers, so sums and differences are exact.
    """
    most = float(np.abs(left).max())
    weights = np.rint(left * (_FINE / most if most > _LEAST else 0.0)) + _ONE
    ends, before = np.repeat(first[1:] - 1, np.diff(first)), np.repeat(first[:-1], np.diff(first))
    leaf = np.zeros(codes.shape[1], np.intp)
    found = _cells(codes, first, leaf, weights, 1)
    for level in range(depth):
        counts = np.floor(found / _ONE + 0.5)
        rows, sums = _running(counts), _running(found - counts * _ONE)
        # They run on through all columns; what lies before a column's first code is taken off.
        below, below_sum = (part[:, 1:] - part[:, before] for part in (rows, sums))
        above, above_sum = (part[:, ends + 1] - part[:, 1:] for part in (rows, sums))
        gain = (below_sum**2 / (below + DRAWN_IN) + above_sum**2 / (above + DRAWN_IN)).sum(axis=0)
        best = int(gain.argmax())
        column = int(np.searchsorted(first, best, side="right")) - 1
        cut = best - int(first[column])
        yield column, cut
        if level + 1 < depth:
            yes, rarer = codes[column] > cut, above[:, best] < below[:, best]
            # Of each leaf only the rows of the rarer answer are counted; the others are what is left of it.
            picked = np.flatnonzero(yes == rarer[leaf])
            part = _cells(codes[:, picked], first, leaf[picked], weights[picked], len(found))
            rest = found - part
            found = np.stack([np.where(rarer[:, None], rest, part), np.where(rarer[:, None], part, rest)], axis=1).reshape(
                -1, found.shape[1]
            )
            leaf = leaf * 2 + yes


def _cells(
    codes: NDArray[np.unsignedinteger[Any]], first: NDArray[np.intp], leaf: NDArray[np.intp], weights: Floats, leaves: int
) -> Floats:
    """Return the sums of the weights, [leaves, codes of all columns]; column by column, so that they stay in the nearer memory."""
    bounds = first.tolist()
    parts = [
        np.bincount(leaf * (end - begin) + column, weights, minlength=leaves * (end - begin)).reshape(leaves, -1)
        for column, begin, end in zip(codes, bounds[:-1], bounds[1:], strict=True)
    ]
    return np.concatenate(parts, axis=1)


def _running(values: Floats) -> Floats:
    """Return running sums of each line, with a 0 before them."""
    found = np.zeros((len(values), values.shape[1] + 1))
    np.cumsum(values, axis=1, out=found[:, 1:])
    return found
