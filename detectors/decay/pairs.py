"""Rows that have both an answer and its truth, as classes or as numbers."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from detectors.decay.answers import LABEL, PREDICTION, PROBABILITY
from detectors.types import Batch, Category, Column

Task = Literal["auto", "classification", "regression"]

_NAMES = {"true": "1", "True": "1", "TRUE": "1", "false": "0", "False": "0", "FALSE": "0"}
"""Spellings of one class: answers and labels rarely come from the same program."""

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
    # Where one side is numbers, text of the other side says numbers: "01" is 1 then, and a name of its own among names.
    numeric = isinstance(predicted, np.ndarray) or isinstance(actual, np.ndarray)
    answers, truths = (_named(_category(column), numeric=numeric) for column in (predicted, actual))
    names = tuple(dict.fromkeys((*answers.values, *truths.values)))
    place = {name: number for number, name in enumerate(names)}
    coded = [np.array([*(place[value] for value in column.values), -1], np.int32)[column.codes] for column in (answers, truths)]
    rows = np.flatnonzero((coded[0] >= 0) & (coded[1] >= 0))
    chances = None
    if isinstance(probability, np.ndarray):
        given = probability.astype(np.float64)[rows]
        chances = np.where((given >= 0) & (given <= 1), given, np.nan)
    return Classes(coded[0][rows], coded[1][rows], names, chances), rows


def class_name(value: str) -> str:
    """Return a class as all sides spell it: whole numbers without a point, true and false as 1 and 0.

    >>> class_name("1.0"), class_name("true"), class_name("cat"), class_name("01")
    ('1', '1', 'cat', '01')
    """
    whole, point, rest = value.partition(".")
    return whole if point and whole.lstrip("-").isdigit() and not rest.strip("0") else _NAMES.get(value, value)


def number_of(text: str, *, classes: bool = False) -> float:
    """Return the number a text says, NaN for none that can be counted; of `classes`, true and false are 1 and 0.

    >>> number_of("3.5"), number_of("inf"), number_of("1_000"), number_of("true"), number_of("true", classes=True)
    (3.5, nan, nan, nan, 1.0)
    """
    try:
        number = float(_NAMES.get(text, text) if classes else text)
    except ValueError:
        return float("nan")
    return number if abs(number) < LARGEST and "_" not in text else float("nan")


def _named(column: Category, *, numeric: bool) -> Category:
    """Return classes by the name all sides use."""
    names = [class_name(value) for value in column.values]
    if numeric:
        numbers = [number_of(value) for value in names]
        names = [_spelt(number) or name for name, number in zip(names, numbers, strict=True)]
    found = Category.of(names)
    return Category(np.append(found.codes, np.int32(-1))[column.codes], found.values)


def _spelt(number: float) -> str | None:
    return None if not np.isfinite(number) else str(int(number)) if number.is_integer() else repr(number)


def _number(column: Column) -> NDArray[np.float64]:
    """Return numbers; text that says no number is NaN."""
    if isinstance(column, np.ndarray):
        return column.astype(np.float64)
    if not isinstance(column, Category):
        return np.full(len(column), np.nan)
    return np.array([*(number_of(value) for value in column.values), np.nan])[column.codes]


def _category(column: Column) -> Category:
    """Return classes by name; a whole number is spelt without a point."""
    if isinstance(column, Category):
        return column
    if not isinstance(column, np.ndarray):
        return Category.of(column.values)
    numbers = column.astype(np.float64)
    values, codes = np.unique(numbers, return_inverse=True)
    found = Category.of([_spelt(value) for value in values.tolist()])
    return Category(found.codes[codes].astype(np.int32), found.values)
