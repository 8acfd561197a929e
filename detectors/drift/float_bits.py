"""Cells for numbers nobody has a reference for yet: the leading bits of the float64, sparse, cut to quantile cells later."""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from detectors.drift.grid import CELLS, NumericGrid, spread
from detectors.types import Numbers

SHIFT = 44
"""Bits dropped. Sign, exponent and 8 bits of the fraction stay: cells at most 0.4 % wide, whole numbers to 511 apart.
With 48 (4 bits) temperatures in kelvin or years would all fall into one cell."""
_MAGNITUDE = np.int64(0x7FFFFFFFFFFFFFFF)


def tally(column: Numbers) -> tuple[dict[str, int], int]:
    """Count a column by leading bits: cell to rows, and the rows that are missing (NaN, infinities).

    >>> tally(np.array([1.0, 1.001, -1.0, np.nan]))
    ({'-261889': 1, '261888': 2}, 1)
    """
    values = np.asarray(column).astype(np.float64)
    finite = values[np.isfinite(values)]
    found, rows = np.unique(cells(finite), return_counts=True)
    return dict(zip(map(_name, found.tolist()), rows.tolist(), strict=True)), len(values) - len(finite)


@lru_cache(maxsize=2**16)
def _name(cell: int) -> str:
    """Return how a cell is called in a profile: one string for all columns that have it, which a thousand columns notice."""
    return str(cell)


def cells(finite: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the cell of each finite value; cells rise with the values. -0.0 counts as 0.0."""
    bits = (finite + 0.0).view(np.int64)
    magnitude = (bits & _MAGNITUDE) >> SHIFT
    return np.where(bits < 0, ~magnitude, magnitude)


def lower(cell: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the smallest value of each cell.

    >>> lower(cells(np.array([1.0, 511.0]))).tolist()
    [1.0, 511.0]
    """
    magnitude = np.where(cell < 0, ~cell + 1, cell)
    ends = (magnitude << SHIFT).view(np.float64)
    return np.where(cell < 0, np.nextafter(-ends, np.inf), ends)


def fit(tallied: Mapping[str, int], count: int = CELLS) -> NumericGrid:
    """Cut tallied cells into quantile cells; each edge is the edge of a bit cell, so that cutting again loses nothing.

    A bit cell that holds more than one quantile becomes an atom with a cell of its own.
    """
    found, rows = _sorted(tallied)
    if not len(found):
        nothing = np.empty(0)
        return NumericGrid(nothing, nothing, np.nan, np.nan, np.nan, exact=False)
    reached = np.cumsum(rows)
    position = (reached[-1] - 1) * np.arange(1, count) // count
    holders, repeats = np.unique(found[np.searchsorted(reached, position, side="right")], return_counts=True)
    atoms = holders[repeats > 1]
    edges = np.unique(lower(np.concatenate([holders, atoms + 1])))
    middles = np.repeat(middle(found), np.minimum(rows, -(-rows * 10_000 // int(reached[-1]))))
    ends = lower(np.array([found[0], found[-1] + 1]))
    high = np.nextafter(ends[1], -np.inf)
    return NumericGrid(edges[np.isfinite(edges)], lower(atoms), float(ends[0]), float(high), spread(middles), exact=False)


def recut(tallied: Mapping[str, int], grid: NumericGrid) -> NDArray[np.int64]:
    """Return the K-vector of tallied cells; missing is left at 0."""
    found, rows = _sorted(tallied)
    vector = np.zeros(grid.columns, np.int64)
    np.add.at(vector, np.searchsorted(grid.edges, lower(found), side="right"), rows)
    return vector


def means(tallied: Mapping[str, int], grid: NumericGrid) -> NDArray[np.float64]:
    """Return the mean value of each of the grid's value cells, NaN where it is empty, to the width of a bit cell."""
    found, rows = _sorted(tallied)
    place = np.searchsorted(grid.edges, lower(found), side="right")
    total = np.bincount(place, rows, len(grid.edges) + 1)
    weighted = np.bincount(place, rows * middle(found), len(grid.edges) + 1)
    average: NDArray[np.float64] = np.divide(weighted, total, out=np.full(len(total), np.nan), where=total > 0)
    return average


def middle(cell: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the value that stands for each cell: its end nearer to zero where the cell may be one number, as 0 or 3."""
    magnitude = np.where(cell < 0, ~cell, cell)
    inner = (magnitude << SHIFT).view(np.float64)
    return np.where(cell < 0, -inner, inner)


def _sorted(tallied: Mapping[str, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    found = np.array([int(name) for name in tallied], np.int64)
    rows = np.array(list(tallied.values()), np.int64)
    order = np.argsort(found)
    return found[order], rows[order]
