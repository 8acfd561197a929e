"""Codes the columns of a regression model's rows in a few bins each, learnt from rows whose errors are known."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.types import Category, Column, Plain, Text

Floats = NDArray[np.float64]

BINS = 34
"""Bins of a column at most; bin 0 is a missing value, and a category the reference did not have."""


@dataclass(frozen=True, slots=True)
class Coding:
    """How one column is coded."""

    name: str
    edges: Floats
    """Rising upper ends of the bins of numbers, exclusive; empty for categories."""
    order: tuple[str, ...]
    """Values of a category by rising mean error in the reference, most frequent ones only; empty for numbers."""

    @property
    def size(self) -> int:
        """How many codes there are."""
        return 2 + len(self.edges) + len(self.order)

    def code(self, column: Column | None, rows: int) -> NDArray[np.int64]:
        """Return the code of each row, shape (rows,); a column that is not there, or of another type, is missing."""
        if isinstance(column, Category):
            place = {value: number for number, value in enumerate(self.order, start=1)}
            return np.array([*(place.get(value, 0) for value in column.values), 0], np.int64)[column.codes]
        if column is None or isinstance(column, Text) or self.order:
            return np.zeros(rows, np.int64)
        numbers = column.astype(np.float64)
        return np.where(np.isnan(numbers), 0, 1 + np.searchsorted(self.edges, numbers, side="right")).astype(np.int64)

    def plain(self) -> Plain:
        """Return it as data; `coding_from` takes it back."""
        return {"name": self.name, "edges": self.edges, "order": list(self.order)}


def coding_from(saved: Plain) -> Coding:
    """Return the coding that `Coding.plain` described."""
    return Coding(saved["name"], np.asarray(saved["edges"], np.float64), tuple(saved["order"]))


def learn(name: str, column: Column, errors: Floats) -> Coding | None:
    """Return how to code a column, given the error of each of its rows; None for free text and columns of one value."""
    if isinstance(column, Text):
        return None
    if isinstance(column, Category):
        rows = np.bincount(column.codes + 1, minlength=len(column.values) + 1)[1:]
        means = np.bincount(column.codes + 1, errors, minlength=len(column.values) + 1)[1:] / np.maximum(rows, 1)
        frequent = sorted((index for index in range(len(rows)) if rows[index]), key=lambda index: (-rows[index], column.values[index]))
        chosen = sorted(frequent[: BINS - 2], key=lambda index: (means[index], column.values[index]))
        return Coding(name, np.empty(0), tuple(column.values[index] for index in chosen)) if len(frequent) > 1 else None
    numbers = column.astype(np.float64)
    finite = numbers[np.isfinite(numbers)]
    if not len(finite) or finite.min() == finite.max():
        return None
    return Coding(name, np.unique(np.quantile(finite, np.linspace(0, 1, BINS - 1)[1:-1])), ())


def code(codings: tuple[Coding, ...], columns: Mapping[str, Column], rows: int) -> NDArray[np.int64]:
    """Return the codes of all columns, [columns, rows]."""
    return np.stack([coding.code(columns.get(coding.name), rows) for coding in codings])
