"""Two samples of one column, made comparable: numbers on both sides, or codes into one vocabulary."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.drift.counting import to_categories, to_numbers
from detectors.types import Category, Column, Numbers, Text

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class NumberSamples:
    """Rows in their order; NaN is missing, and so are the infinities."""

    reference: Floats
    current: Floats

    @property
    def present(self) -> tuple[Floats, Floats]:
        """Both sides without missing rows."""
        return self.reference[~np.isnan(self.reference)], self.current[~np.isnan(self.current)]

    @property
    def counts(self) -> tuple[Codes, Codes]:
        """Rows of each distinct value of either side, in ascending order."""
        then, now = self.present
        values = np.union1d(then, now)
        return (
            np.bincount(np.searchsorted(values, then), minlength=len(values)).astype(np.int64),
            np.bincount(np.searchsorted(values, now), minlength=len(values)).astype(np.int64),
        )


@dataclass(frozen=True, slots=True)
class CategorySamples:
    """Codes in the order of rows, -1 is missing. Values are in code point order, all of them occur."""

    reference: Codes
    current: Codes
    values: tuple[str, ...]

    @property
    def present(self) -> tuple[Codes, Codes]:
        """Both sides without missing rows."""
        return self.reference[self.reference >= 0], self.current[self.current >= 0]

    @property
    def counts(self) -> tuple[Codes, Codes]:
        """Rows of each value."""
        then, now = self.present
        return np.bincount(then, minlength=len(self.values)), np.bincount(now, minlength=len(self.values))


Samples = NumberSamples | CategorySamples


def pair(reference: Column, current: Column) -> Samples | None:
    """Return both sides of a column as the reference's kind; None for free text, and where a side has no value.

    >>> pair(Category.of(["b", "a"]), Category.of(["c", None]))
    CategorySamples(reference=array([1, 0]), current=array([ 2, -1]), values=('a', 'b', 'c'))
    """
    reference, current = _named(reference), _named(current)
    if isinstance(reference, Text) or isinstance(current, Text):
        return None
    samples = _categories(reference, current) if isinstance(reference, Category) else NumberSamples(_numbers(reference), _numbers(current))
    return samples if all(len(side) for side in samples.present) else None


def _named(column: Column) -> Column:
    """Return true and false as the categories they are to every product."""
    if isinstance(column, np.ndarray) and column.dtype == np.bool_:
        return Category(column.astype(np.int32), ("false", "true"))
    return column


def _numbers(column: Numbers | Category) -> Floats:
    values = to_numbers(column)[0] if isinstance(column, Category) else np.asarray(column).astype(np.float64)
    return np.where(np.isfinite(values), values, np.nan)


def _categories(reference: Category, current: Numbers | Category) -> CategorySamples:
    now = current if isinstance(current, Category) else to_categories(current, frozenset(reference.values))[0]
    seen = {column.values[code] for column in (reference, now) for code in np.unique(column.codes[column.codes >= 0]).tolist()}
    place = {value: code for code, value in enumerate(sorted(seen))}
    codes = [np.array([*(place.get(value, -1) for value in column.values), -1], np.int64)[column.codes] for column in (reference, now)]
    return CategorySamples(codes[0], codes[1], tuple(place))
