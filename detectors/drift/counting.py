"""Turns a column into integers: rows a cell, fixed-point sums a cell, values out of range or of the wrong type."""

import re
from collections.abc import Container
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.drift.grid import NAME_LENGTH, CategoryGrid, Grid, NumericGrid
from detectors.types import Category, Column, Numbers, Text

_MAGIC = 6755399441055744.0
"""1.5 * 2^52: adding it rounds to an integer that then stands in the low bits of the double."""
_MAGIC_BITS = np.array([_MAGIC]).view(np.int64)[0]
_EMPTY = frozenset({"", "nan", "inf", "+inf", "-inf", "null", "none"})
_FLAGS = {"false": 0.0, "true": 1.0}
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")


@dataclass(frozen=True, slots=True)
class Counted:
    """A column against a grid; everything adds up over batches."""

    cells: NDArray[np.int64]
    """K rows a cell, the last one missing."""
    sums: NDArray[np.int64] | None = None
    """E+1 sums a value cell, in fixed point: `offset * rows + sum / steps` of the grid's; None for categories and grids without sums."""
    type_errors: int = 0
    """Values that are not of the grid's kind; counted as missing as well."""
    below: int = 0
    """Rows under the reference's smallest value."""
    above: int = 0


def count(grid: Grid, column: Column) -> NDArray[np.int64]:
    """Return the K-vector of a column.

    >>> from detectors.drift.grid import fit_numeric
    >>> count(fit_numeric(np.array([1.0, 2.0, 3.0]), cells=2), np.array([0.5, 2.0, np.nan, np.inf])).tolist()
    [1, 1, 2]
    """
    return tally(grid, column).cells


def tally(grid: Grid, column: Column) -> Counted:
    """Count a column against a grid.

    Text in a numeric grid counts as a number where it reads as one, empty as missing, anything else as a type error;
    a number in a categorical grid counts as the value it is written as where the grid knows it, else as a type error.
    """
    if isinstance(column, Text):
        column = Category.of(column.values)
    if isinstance(grid, NumericGrid):
        return _parsed(grid, column) if isinstance(column, Category) else _numbers(grid, column)
    return _categories(grid, column) if isinstance(column, Category) else _written(grid, column)


def means(grid: NumericGrid, cells: NDArray[np.int64], sums: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean value of each value cell, NaN where it is empty; values beyond the reference count as its end."""
    offsets, steps = grid.offsets, grid.steps
    rows = cells[:-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(rows > 0, offsets + np.where(steps > 0, sums / steps / rows, 0.0), np.nan)


def _numbers(grid: NumericGrid, column: Numbers) -> Counted:
    # Sorting first makes the search 9 times cheaper; sorting the narrow type is cheaper still, and widening keeps order.
    ordered = np.sort(column).astype(np.float64, copy=False)
    found = np.searchsorted(ordered, grid.keys)
    bounds = found[:-4]
    start, stop, low, high, near, far = (int(place) for place in found[[0, -5, -4, -3, -2, -1]])
    cells = np.empty(grid.columns, np.int64)
    np.subtract(bounds[1:], bounds[:-1], out=cells[:-1])
    cells[-1] = len(ordered) - (stop - start)
    if stop == start:
        return Counted(cells, np.zeros(grid.columns - 1, np.int64) if grid.exact else None)
    if np.isnan(grid.low):
        return Counted(cells, np.zeros(1, np.int64) if grid.exact else None)
    sums = _sums(grid, ordered, bounds, near, far) if grid.exact else None
    return Counted(cells, sums, 0, max(low - start, 0), stop - high)


def _sums(grid: NumericGrid, ordered: NDArray[np.float64], bounds: NDArray[np.intp], near: int, far: int) -> NDArray[np.int64]:
    """Sum each cell in fixed point. Rounding is a value's own affair, so no order or cut changes a sum."""
    sums = np.zeros(len(bounds) - 1, np.int64)
    if len(sums) == 1:
        return sums
    start, stop = int(bounds[0]), int(bounds[-1])
    ordered[start:near], ordered[far:stop] = grid.reach
    offsets, steps = grid.offsets, grid.steps
    first, last = int(bounds[1]), int(bounds[-2])
    for begin, end, cell in ((start, first, 0), (first, last, 1), (last, stop, -1)):
        part = ordered[begin:end]
        if steps[cell]:
            part -= offsets[cell]
            part *= steps[cell]
            part += _MAGIC
        else:
            part[:] = _MAGIC
    filled = np.flatnonzero(bounds[1:] > bounds[:-1])
    raw = np.add.reduceat(ordered[:stop].view(np.int64), bounds[filled])
    rows = bounds[filled + 1] - bounds[filled]
    # Both sides wrap around 2^64 alike, so the difference is exact.
    sums[filled] = raw - rows * _MAGIC_BITS
    return sums


def _categories(grid: CategoryGrid, column: Category) -> Counted:
    shifted = column.codes.astype(np.intp)
    shifted += 1
    rows = np.bincount(shifted, minlength=len(column.values) + 1)
    cells = np.zeros(grid.columns, np.int64)
    cells[-1] = rows[0]
    new = len(grid.kept) + 1
    for code in np.flatnonzero(rows[1:]).tolist():
        cells[grid.index.get(column.values[code][:NAME_LENGTH], new)] += rows[code + 1]
    return Counted(cells)


def _parsed(grid: NumericGrid, column: Category) -> Counted:
    values, errors = to_numbers(column)
    counted = _numbers(grid, values)
    return Counted(counted.cells, counted.sums, errors, counted.below, counted.above)


def _written(grid: CategoryGrid, column: Numbers) -> Counted:
    written, errors = to_categories(column, grid.index)
    return Counted(_categories(grid, written).cells, type_errors=errors)


def to_numbers(column: Category) -> tuple[NDArray[np.float64], int]:
    """Read text as numbers, NaN where it is none; return them with the number of rows that are neither numbers nor empty.

    >>> to_numbers(Category.of(["1", None, "", "2e1", "oops"]))
    (array([ 1., nan, nan, 20., nan]), 1)
    """
    rows = np.bincount(column.codes[column.codes >= 0], minlength=len(column.values))
    parsed = np.full(len(column.values) + 1, np.nan)
    errors = 0
    present = np.flatnonzero(rows).tolist()
    # A flag is written so by one program and as 0 and 1 by another; among other text the word is no number.
    flags = _FLAGS if all(column.values[code] in _FLAGS for code in present) else {}
    for code in present:
        text = column.values[code]
        if reads_as_number(text):
            parsed[code] = float(text)
        elif text in flags:
            parsed[code] = flags[text]
        elif text.strip().lower() not in _EMPTY:
            errors += int(rows[code])
    return parsed[column.codes], errors


def reads_as_number(text: str) -> bool:
    """Whether a text is a number written plainly.

    >>> reads_as_number(" -1.5e3 "), reads_as_number("1,5")
    (True, False)
    """
    return _NUMBER.fullmatch(text) is not None


def to_categories(column: Numbers, known: Container[str]) -> tuple[Category, int]:
    """Write numbers as the known categories they spell; return them with the number of rows that spell none.

    >>> to_categories(np.array([1.0, 7.0, np.nan]), {"1"})
    (Category(codes=array([ 0, -1, -1], dtype=int32), values=('1',)), 1)
    """
    values, place, rows = np.unique(column, return_inverse=True, return_counts=True)
    codes = np.full(len(values), -1, np.int32)
    names: list[str] = []
    errors = 0
    for index, value in enumerate(values.tolist()):
        found = next((name for name in spellings(value) if name in known), None)
        if found is not None:
            codes[index] = len(names)
            names.append(found)
        elif np.isfinite(value):
            errors += int(rows[index])
    return Category(codes[place], tuple(names)), errors


def spellings(value: bool | float) -> tuple[str, ...]:  # noqa: FBT001 - a value of a column, not a switch
    """Return how a number may be written as a category.

    >>> spellings(3.0), spellings(1.0), spellings(True)
    (('3', '3.0'), ('1', '1.0', 'true'), ('true', 'True', '1'))
    """
    if isinstance(value, bool):
        return (str(value).lower(), str(value), str(int(value)))
    if not float(value).is_integer():
        return (repr(value),)
    flag = [name for name, number in _FLAGS.items() if number == value]
    return (str(int(value)), repr(float(value)), *flag)
