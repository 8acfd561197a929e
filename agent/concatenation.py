"""Joins batches of the same endpoint and kind, and the parts of a column."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from detectors.types import Batch, Category, Column, Text

_Part = tuple[Column | None, int]


def concatenate(batches: Sequence[Batch]) -> Batch:
    """Join batches of one endpoint and kind, in order; a column some lack is missing there: null, NaN, 0 or false.

    >>> one = Batch("e", "rows", 1, {}, {"a": Category.of(["x"])})
    >>> two = Batch("e", "rows", 1, {}, {"a": Category.of(["y"])})
    >>> concatenate([one, two]).features["a"].decode()
    ['x', 'y']
    """
    if len(batches) == 1:
        return batches[0]
    columns = {name: joined([(b.columns.get(name), b.rows) for b in batches]) for name in _names([list(b.columns) for b in batches])}
    features = {name: joined([(b.features.get(name), b.rows) for b in batches]) for name in _names([list(b.features) for b in batches])}
    return replace(batches[0], rows=sum(b.rows for b in batches), columns=columns, features=features)


def joined(parts: Sequence[_Part]) -> Column:
    """Return the parts of a column as one; a part that is None is that many missing rows, and so are numbers among categories.

    >>> both = joined([(Category.of(["a"]), 1), (None, 1), (Category.of(["b", "a"]), 2)])
    >>> both.decode()
    ['a', None, 'b', 'a']
    >>> joined([(np.array([True]), 1), (None, 1)]).tolist()
    [True, False]
    """
    present = [column for column, _ in parts if column is not None]
    if any(isinstance(column, Category) for column in present):
        return _categories(parts)
    if any(isinstance(column, Text) for column in present):
        return Text(tuple(value for column, rows in parts for value in (column.values if isinstance(column, Text) else (None,) * rows)))
    numbers = [column for column in present if isinstance(column, np.ndarray)]
    dtype = np.result_type(*numbers) if numbers else np.dtype(np.float64)
    missing = np.nan if dtype.kind == "f" else 0
    return np.concatenate(
        [column if isinstance(column, np.ndarray) else np.full(rows, missing, dtype) for column, rows in parts] or [np.empty(0)]
    )


def _names(lists: Sequence[Sequence[str]]) -> list[str]:
    return list(dict.fromkeys(name for names in lists for name in names))


def _categories(parts: Sequence[_Part]) -> Category:
    index: dict[str, int] = {}
    codes: list[NDArray[np.int32]] = []
    for column, rows in parts:
        if isinstance(column, Text):
            column = Category.of(column.values)  # noqa: PLW2901 - the same part, coded
        if not isinstance(column, Category):
            # All missing: a part whose kind was not known yet, or numbers that say nothing among categories.
            codes.append(np.full(rows, -1, np.int32))
            continue
        new = np.array([*(index.setdefault(value, len(index)) for value in column.values), -1], np.int32)
        codes.append(new[column.codes])
    return Category(np.concatenate(codes), tuple(index))
