"""Describes how far the features of a window are from their reference, by every distance people know. No alarm promise rests on it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.drift.grid import Grid, NumericGrid
from detectors.drift.groups import group_cells
from detectors.drift.methods import independence, ordered, shares

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ANY_KIND = (
    "psi",
    "jensen_shannon",
    "hellinger",
    "total_variation",
    "l_infinity",
    "chi_squared",
    "chi_squared_p",
    "g",
    "g_p",
)
"""What is told of every feature."""
NUMERIC = ("kolmogorov_smirnov", "wasserstein")
"""What is told of numbers besides."""

_ANY_ROWS = 1e9
"""As `median_rows`: ten groups whatever a window's size, so that distances of windows can be compared."""

_AT_ONCE = 100
"""Features whose distances are worked out together."""


@dataclass(frozen=True, slots=True)
class Sides:
    """One feature on both sides."""

    grid: Grid
    groups: NDArray[np.intp]
    """[K-1] as `coarse` returns them."""
    reference: Ints
    """[K] counts, the last one missing, which is left out."""
    window: Ints
    reference_means: Floats
    """[E+1] mean value of each cell, numeric grids only."""
    means: Floats | None = None
    """[E+1] the same in the window; None, and NaN in a cell: the reference's stands in."""


def coarse(grid: Grid, reference: Ints) -> NDArray[np.intp]:
    """Return the group of each value column for distances of shares: about ten of equal share, or each category by itself.

    `reference` [K] are the counts that fix them.
    """
    if isinstance(grid, NumericGrid):
        groups = group_cells(np.append(reference[:-1], 0), "numeric", _ANY_ROWS)[:-1]
        if groups.any() or not reference[:-1].any():
            return groups
        # All in one group says nothing of a column with one frequent value: that stands against the others.
        rest: NDArray[np.intp] = (np.arange(len(groups)) != np.argmax(reference[:-1])).astype(np.intp)
        return rest
    return np.arange(grid.columns - 1)


def distances(features: Sequence[Sides]) -> list[dict[str, float]]:
    """Return the distances of each feature by name: `ANY_KIND`, and `NUMERIC` where the grid is one.

    Features go through numpy a hundred at a time, which is what makes eleven numbers cheaper than four were one by one, and takes
    little memory of wide tables. NaN where a side has no values, or the reference no spread to measure by.

    >>> from detectors.drift.grid import fit_categories
    >>> then, now = np.array([5, 5, 0, 0, 0]), np.array([5, 0, 5, 0, 3])
    >>> found = distances([Sides(fit_categories({"a": 5, "b": 5}), np.arange(4), then, now, np.empty(0))])
    >>> {name: round(value, 3) for name, value in found[0].items() if name in ("total_variation", "hellinger", "chi_squared")}
    {'hellinger': 0.707, 'total_variation': 0.5, 'chi_squared': 10.0}
    """
    return [found for start in range(0, len(features), _AT_ONCE) for found in _distances(features[start : start + _AT_ONCE])]


def _distances(features: Sequence[Sides]) -> list[dict[str, float]]:
    found = [dict(zip(ANY_KIND, values, strict=True)) for values in _of_shares(features).T.tolist()]
    places = [place for place, one in enumerate(features) if isinstance(one.grid, NumericGrid)]
    if places:
        for place, values in zip(places, _of_order([features[place] for place in places]).T.tolist(), strict=True):
            found[place].update(zip(NUMERIC, values, strict=True))
    return found


def _of_shares(features: Sequence[Sides]) -> Floats:
    """Return [methods of `ANY_KIND`, features]."""
    number = np.array([int(one.groups.max(initial=0)) + 1 for one in features], np.intp)
    width = int(number.max())
    where = np.concatenate([one.groups + row * width for row, one in enumerate(features)])
    then, now = (
        np.bincount(where, np.concatenate(side), len(features) * width).astype(np.float64).reshape(len(features), width)
        for side in ([one.reference[:-1] for one in features], [one.window[:-1] for one in features])
    )
    p, q = shares.shares(then), shares.shares(now)
    chi, g, degrees = independence.chi_squared(then, now), independence.g_statistic(then, now), independence.freedom(then, now)
    tails = independence.p_value(np.stack([chi, g]), degrees)
    table = np.stack(
        [
            shares.psi(then, now, number),
            shares.jensen_shannon(p, q),
            shares.hellinger(p, q),
            shares.total_variation(p, q),
            shares.l_infinity(p, q),
            chi,
            tails[0],
            g,
            tails[1],
        ]
    )
    table[:, (then.sum(-1) == 0) | (now.sum(-1) == 0)] = np.nan
    return table


def _of_order(features: Sequence[Sides]) -> Floats:
    """Return [methods of `NUMERIC`, features]."""
    width = max(len(one.reference) for one in features) - 1
    then, now = (np.zeros((len(features), width), np.int64) for _ in range(2))
    means_then, means_now = (np.full((len(features), width), np.nan) for _ in range(2))
    for row, one in enumerate(features):
        cells = len(one.reference) - 1
        then[row, :cells], now[row, :cells] = one.reference[:-1], one.window[:-1]
        means_then[row, :cells] = one.reference_means
        means_now[row, :cells] = one.reference_means if one.means is None else one.means
    means_now = np.where(np.isnan(means_now), means_then, means_now)
    spread = np.array([one.grid.spread if isinstance(one.grid, NumericGrid) else np.nan for one in features])
    with np.errstate(over="ignore"):
        moved = ordered.wasserstein(then, means_then, now, means_now) / spread
    return np.stack([ordered.kolmogorov_smirnov(then, now), moved])
