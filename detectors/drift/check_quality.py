"""What is wrong with the data of a column, beside drift: missing, wrong type, out of range, new, constant, empty, gone."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from detectors.drift.check_column import Measured
from detectors.drift.counting import Counted
from detectors.drift.rates import log_rate_tail
from detectors.drift.statistics import LEAST_ROWS
from detectors.types import Category, Column, Plain, Text

_ENDS = 2
"""As many rows of a reference lie at its ends as it has ends: what an equal sample puts beyond them is about as much."""


@dataclass(frozen=True, slots=True)
class Quality:
    """One check of one column: the share of rows on both sides, 0 or 1 for yes-or-no checks."""

    check: str
    """missing, type_error, out_of_range, new_category, constant, empty, vanished or appeared."""
    feature: str
    reference: float
    current: float
    flagged: bool

    def plain(self) -> Plain:
        """Return the finding as data."""
        return {
            "check": self.check,
            "feature": self.feature,
            "reference": self.reference,
            "current": self.current,
            "flagged": self.flagged,
        }


@dataclass(frozen=True, slots=True)
class Vanishing:
    """A column that only one side has."""

    feature: str
    in_reference: bool


@dataclass(frozen=True, slots=True)
class ColumnQuality:
    """Rows behind the checks of a column."""

    feature: str
    rows: int
    other_rows: int
    rates: Mapping[str, tuple[int, int]]
    """Check to rows now and in the reference."""
    distinct: tuple[int, int]
    """Different values now and in the reference, 2 standing for more."""


def column_quality(column: Measured, reference: Column, current: Column) -> ColumnQuality:
    """Collect what the checks of a column need."""
    then, now = column.then, column.now
    rates = {
        "missing": (int(now.cells[-1]), int(then.cells[-1])),
        "type_error": (now.type_errors, then.type_errors),
        "out_of_range": (now.below + now.above, then.below + then.above),
    }
    if isinstance(reference, Category):
        rates["new_category"] = (column.new, 0)
    counts = (int(now.cells.sum()), int(then.cells.sum()))
    return ColumnQuality(column.feature, *counts, rates, (_distinct(current, now), _distinct(reference, then)))


def flag_quality(
    columns: Sequence[ColumnQuality], alarms: Mapping[str, Collection[str]], gone: Sequence[Vanishing], level: float, points: float
) -> tuple[Quality, ...]:
    """Return every check that has something to say.

    Missing and new values are flagged by their own sub-tests (`alarms`), type errors and values out of range where more
    than independent rows allow at `level` over all columns; all only where the share rose by `points` or more.
    """
    log_level = np.log(level / max(2 * len(columns), 1))
    found: list[Quality] = []
    for column in columns:
        n, m = column.rows, column.other_rows
        if not n or not m:
            continue
        for check, (x, r) in column.rates.items():
            if not x and not r:
                continue
            if check in {"missing", "new_category"}:
                unusual = {"missing": "missing", "new_category": "new"}[check] in alarms.get(column.feature, ())
            else:
                expected = r + _ENDS if check == "out_of_range" else r
                unusual = bool(log_rate_tail(x, n, min(expected, m), m) <= log_level) and n >= LEAST_ROWS
            found.append(Quality(check, column.feature, r / m, x / n, unusual and x / n - r / m >= points))
        now, then = column.distinct
        for check, value in (("empty", 0), ("constant", 1)):
            if now == value and n >= LEAST_ROWS:
                found.append(Quality(check, column.feature, float(then == value), 1.0, then > value))
    found += [Quality("vanished", one.feature, 1.0, 0.0, True) for one in gone if one.in_reference]
    found += [Quality("appeared", one.feature, 0.0, 1.0, True) for one in gone if not one.in_reference]
    return tuple(found)


def _distinct(column: Column, counted: Counted) -> int:
    if not counted.cells[:-1].sum():
        return 0
    if isinstance(column, Text):
        return min(len(set(column.values) - {None}), 2)
    if isinstance(column, Category):
        return min(len(np.unique(column.codes[column.codes >= 0])), 2)
    values = np.asarray(column).astype(np.float64)
    values = values[np.isfinite(values)]
    return 1 if values.min() == values.max() else 2
