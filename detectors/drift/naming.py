"""Names categories that came or went: the most frequent of them, and how many more there are."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from heapq import nsmallest

import numpy as np
from numpy.typing import NDArray

from detectors.drift.grid import CategoryGrid, Grid

LEAST_SHARE = 0.01
"""Share of the reference a category must have to be missed in a window …"""
LEAST_EXPECTED = 10
"""… which must be so large that this many rows of it were to be expected: independent rows leave it out once in 22,000 windows."""
MOST = 10
"""Names that are listed at most."""


def foremost(counts: Mapping[str, int], most: int = MOST) -> tuple[str, ...]:
    """Return the most frequent values; ties go by code point order.

    >>> foremost({"b": 1, "a": 1, "c": 7}, 2)
    ('c', 'a')
    """
    return tuple(nsmallest(most, counts, key=lambda value: (-counts[value], value)))


def listed(names: Collection[str], more: int = 0) -> str:
    """Return names in quotes, and how many more there are.

    >>> listed(["AA", "B6"], 3), listed([], 2)
    ("'AA', 'B6' and 3 more", '2 values')
    """
    if not names:
        return f"{more} {'value' if more == 1 else 'values'}"
    return ", ".join(map(repr, names)) + (f" and {more} more" if more else "")


@dataclass(frozen=True, slots=True)
class Gone:
    """Categories of a reference that a window lacks."""

    names: tuple[str, ...] = ()
    """The most frequent first."""
    share: float = 0.0
    """Of the reference's rows."""


NONE_GONE = Gone()


def gone(grid: Grid, reference: NDArray[np.int64], window: NDArray[np.int64]) -> Gone:
    """Return what a window [K] lacks of what it should have by the reference's counts [K]. Rare values, which have no cell, are not missed.

    >>> from detectors.drift.grid import fit_categories
    >>> gone(fit_categories({"AA": 90, "B6": 10}), np.array([90, 10, 0, 0, 0]), np.array([200, 0, 0, 0, 0]))
    Gone(names=('B6',), share=0.1)
    """
    if not isinstance(grid, CategoryGrid):
        return NONE_GONE
    counts = window[: len(grid.kept)]
    if counts.all():
        return NONE_GONE
    shares = reference[: len(grid.kept)] / max(int(reference.sum()), 1)
    missed = np.flatnonzero((counts == 0) & (shares >= LEAST_SHARE) & (shares * int(window.sum()) >= LEAST_EXPECTED))
    order = missed[np.argsort(-shares[missed], kind="stable")]
    return Gone(tuple(grid.kept[place] for place in order.tolist()), float(shares[missed].sum())) if len(missed) else NONE_GONE
