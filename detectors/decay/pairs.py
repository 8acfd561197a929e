"""Rows that have both an answer and its truth, as classes or as numbers."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from detectors.decay.answers import LABEL, PREDICTION, PROBABILITY
from detectors.types import Batch, Category, Column

Task = Literal["auto", "classification", "regression"]

_NAMES = {"true": "1", "false": "0"}
"""Two spellings of one class: answers and labels rarely come from the same program."""

LARGEST = 1e75
"""Numbers beyond this have no fourth power in a float64."""


@dataclass(frozen=True, slots=True)
class Classes:
    """Rows of a classifier, coded into one list of names."""

    predicted: NDArray[np.int32]
    actual: NDArray[np.int32]
    names: tuple[str, ...]
    probability: NDArray[np.float64] | None
    """NaN where a row has none that can be used."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """Rows of a regression, finite both."""

    predicted: NDArray[np.float64]
    actual: NDArray[np.float64]


def pairs_of(batch: Batch, task: Task) -> tuple[Classes | Numbers, NDArray[np.intp]] | None:
    """Return the rows with answer and truth, and which they are; None for a batch without one of the columns.

    `auto` takes text answers, and answers that come with a probability, for classes; other numbers for a regression.
    """
    predicted, actual = batch.columns.get(PREDICTION), batch.columns.get(LABEL)
    if predicted is None or actual is None:
        return None
    if task == "classification" or (task == "auto" and (isinstance(predicted, Category) or PROBABILITY in batch.columns)):
        return _classes(predicted, actual, batch.columns.get(PROBABILITY))
    numbers = _number(predicted), _number(actual)
    rows = np.flatnonzero((np.abs(numbers[0]) < LARGEST) & (np.abs(numbers[1]) < LARGEST))
    return Numbers(numbers[0][rows], numbers[1][rows]), rows


def _classes(predicted: Column, actual: Column, probability: Column | None) -> tuple[Classes, NDArray[np.intp]]:
    answers, truths = _category(predicted), _category(actual)
    names = tuple(dict.fromkeys(map(_name, (*answers.values, *truths.values))))
    place = {name: number for number, name in enumerate(names)}
    coded = [np.array([*(place[_name(value)] for value in column.values), -1], np.int32)[column.codes] for column in (answers, truths)]
    rows = np.flatnonzero((coded[0] >= 0) & (coded[1] >= 0))
    chances = None
    if isinstance(probability, np.ndarray):
        given = probability.astype(np.float64)[rows]
        chances = np.where((given >= 0) & (given <= 1), given, np.nan)
    return Classes(coded[0][rows], coded[1][rows], names, chances), rows


def _name(value: str) -> str:
    """Return a class as both sides spell it: whole numbers without a point, true and false as 1 and 0.

    >>> _name("1.0"), _name("true"), _name("cat")
    ('1', '1', 'cat')
    """
    whole, point, rest = value.partition(".")
    return whole if point and whole.lstrip("-").isdigit() and not rest.strip("0") else _NAMES.get(value, value)


def _number(column: Column) -> NDArray[np.float64]:
    """Return numbers; text that says no number is NaN."""
    if isinstance(column, np.ndarray):
        return column.astype(np.float64)
    if not isinstance(column, Category):
        return np.full(len(column), np.nan)
    return np.array([*(_said(value) for value in column.values), np.nan])[column.codes]


def _said(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return float("nan")


def _category(column: Column) -> Category:
    """Return classes by name; a whole number is spelt without a point."""
    if isinstance(column, Category):
        return column
    if not isinstance(column, np.ndarray):
        return Category.of(column.values)
    numbers = column.astype(np.float64)
    values, codes = np.unique(numbers, return_inverse=True)
    names = [None if not np.isfinite(value) else str(int(value)) if value.is_integer() else repr(value) for value in values.tolist()]
    found = Category.of(names)
    return Category(found.codes[codes].astype(np.int32), found.values)
