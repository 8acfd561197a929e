"""Reads the columns of a classifier's rows: which are positive, which answered positive, and whose probability can be used."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.types import Category, Column

PROBABILITY, PREDICTION, LABEL = "probability", "prediction", "label"
"""Reserved columns of a row."""

Booleans = NDArray[np.bool_]
_TRUE = {"1": ("1", "true"), "true": ("1", "true"), "0": ("0", "false"), "false": ("0", "false")}


def is_class(column: Column | None, name: str) -> tuple[Booleans, Booleans] | None:
    """Return which rows are of the class called `name` and which have a class at all; None for a column that has no classes.

    Numbers are compared as numbers, so `1` is 1.0; 1 and true are one class, and so are 0 and false.

    >>> is_class(np.array([1.0, 0.0, np.nan]), "1")
    (array([ True, False, False]), array([ True,  True, False]))
    """
    if isinstance(column, Category):
        wanted = np.array([value in _TRUE.get(name, (name,)) for value in column.values] + [False], np.bool_)
        return wanted[column.codes], column.codes >= 0
    if isinstance(column, np.ndarray):
        try:
            wanted_number = float(_TRUE.get(name, (name,))[0])
        except ValueError:
            wanted_number = np.nan
        numbers = column.astype(np.float64)
        return numbers == wanted_number, np.isfinite(numbers)
    return None


@dataclass(frozen=True, slots=True)
class Answers:
    """The rows of a batch that can be counted."""

    rows: NDArray[np.intp]
    """[m] which they are."""
    probabilities: NDArray[np.float64]
    """[m] of the positive class."""
    positive: Booleans
    """[m] what the model answered."""


def read(columns: Mapping[str, Column], positive: str, threshold: float) -> Answers | None:
    """Return the rows with a probability within [0, 1] and an answer; None for a batch without probabilities.

    Without a column `prediction` the answer is positive from `threshold` on.
    """
    given = columns.get(PROBABILITY)
    if not isinstance(given, np.ndarray):
        return None
    probabilities = given.astype(np.float64)
    usable = (probabilities >= 0) & (probabilities <= 1)
    answered = is_class(columns.get(PREDICTION), positive)
    if answered is not None:
        usable &= answered[1]
    rows = np.flatnonzero(usable)
    return Answers(rows, probabilities[rows], probabilities[rows] >= threshold if answered is None else answered[0][rows])
