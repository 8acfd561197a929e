"""A column of Python values, as JSON brings them, read as numbers, categories, times or ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.rows.identity import identity
from agent.rows.labels import MISSING_TEXT, coded, label
from agent.rows.shape import Flags, Kind, majority
from agent.rows.times import instant
from detectors.types import Category

_MISSING = frozenset(MISSING_TEXT)


def number(value: object) -> tuple[float, bool]:
    """Return a value as a number, and whether it is of the wrong type (then NaN).

    >>> number(True), number(" 1.5 "), number("NA"), number("much"), number([1])
    ((1.0, False), (1.5, False), (nan, False), (nan, True), (nan, True))
    """
    if value is None or (isinstance(value, str) and value.strip() in _MISSING):
        return float("nan"), False
    if not isinstance(value, str | int | float):
        return float("nan"), True
    try:
        return float(value), False
    except ValueError:
        return float("nan"), True
    except OverflowError:
        return (float("-inf") if value < 0 else float("inf")) if isinstance(value, int) else float("nan"), False


def columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, "Values"]:
    """Turn records into columns; a key a record lacks is missing there. Columns stand in order of first appearance."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: Values([row.get(name) for row in rows]) for name in names}


@dataclass(frozen=True, slots=True)
class Values:
    """One value a row: None, bool, int, float or str; lists and mappings are of no type a row can have."""

    values: Sequence[Any]

    def kind(self) -> Kind | None:
        """Return what the column holds; None while it is all missing."""
        types = [type(value) for value in self.values if value is not None]
        numbers = sum(found in {int, float} for found in types)
        texts = sum(found in {str, bool} for found in types)
        return majority(numbers, texts, len(types))

    def numbers(self) -> tuple[NDArray[np.float64], Flags]:
        """Return float64 numbers (NaN: missing or wrong) and which rows are of the wrong type."""
        try:
            found = np.array(self.values, np.float64)
        except (ValueError, TypeError, OverflowError):
            pass
        else:
            if found.ndim == 1:
                return found, None
        read = [number(value) for value in self.values]
        wrong = np.array([bad for _, bad in read], np.bool_)
        return np.array([value for value, _ in read], np.float64), wrong if wrong.any() else None

    def categories(self) -> tuple[Category, Flags]:
        """Return categories and which rows are of the wrong type."""
        if {type(value) for value in self.values} <= {str, type(None)}:
            index: dict[str, int] = {}
            codes = [-1 if value is None else index.setdefault(value, len(index)) for value in self.values]
            return coded(np.array(codes, np.int32), tuple(index)), None
        wrong = np.array([isinstance(value, list | dict) for value in self.values], np.bool_)
        names = [None if bad else label(value) for value, bad in zip(self.values, wrong, strict=True)]
        return Category.of(names), wrong if wrong.any() else None

    def times(self, zone: tzinfo) -> NDArray[np.int64]:
        """Return nanoseconds since 1970, UTC; 0: none. A time without an offset was read off a clock in `zone`."""
        return np.array([instant(value, zone) for value in self.values], np.int64)

    def objects(self) -> Sequence[Any]:
        """Return the values as they are; None is missing."""
        return self.values

    def ids(self) -> NDArray[np.uint64]:
        """Return a stable hash of each value; 0: none."""
        return identity(map(spelt, self.values))


def spelt(value: object) -> str | None:
    """Return the text an id is hashed from: the same for 7, 7.0, "7" and "7.0", as a column of whole numbers with gaps is often written.

    >>> spelt(7.0), spelt("7.0"), spelt("007"), spelt("v1.0")
    ('7', '7', '007', 'v1.0')
    """
    if isinstance(value, str):
        return value[:-2] if value.endswith(".0") and value[:-2].isdigit() else value
    if value is None or isinstance(value, list | dict):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)
