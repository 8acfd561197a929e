"""What is wrong with the data of a column, beside drift: missing, wrong type, out of range, new, constant, empty, gone."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from detectors.drift.check_column import Measured
from detectors.drift.counting import Counted
from detectors.drift.naming import MOST, foremost
from detectors.drift.rates import log_rate_tail
from detectors.drift.statistics import LEAST_ROWS
from detectors.types import Category, Column, Plain, Text

_ENDS = 2
"""As many rows of a reference lie at its ends as it has ends: what an equal sample puts beyond them is about as much."""


@dataclass(frozen=True, slots=True)
class Quality:
    """One check of one column: the share of rows on both sides, 0 or 1 for yes-or-no checks."""

    check: str
    """missing, type_error, out_of_range, new_category, vanished_category, constant, empty, vanished or appeared."""
    feature: str
    reference: float
    current: float
    flagged: bool
    names: tuple[str, ...] = ()
    """The categories it is about, the most frequent first, at most `naming.MOST` of them."""
    more: int = 0
    """How many more there are."""

    def plain(self) -> Plain:
        """Return the finding as data; one about categories names them."""
        named = {"names": list(self.names), "more": self.more} if self.names else {}
        return {
            "check": self.check,
            "feature": self.feature,
            "reference": self.reference,
            "current": self.current,
            "flagged": self.flagged,
            **named,
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
    lost: int = 0
    """Rows of the reference that have a value, and none of those of now; told where there is one at most."""
    added: Mapping[str, int] = field(default_factory=dict)
    """Categories the reference does not have, with their rows now."""
    gone: Mapping[str, int] = field(default_factory=dict)
    """Categories that only the reference has, with their rows there."""


def column_quality(column: Measured, reference: Column, current: Column, wrong: tuple[int, int] = (0, 0)) -> ColumnQuality:
    """Collect what the checks of a column need. `wrong` values, in the reference and now, were no values of its type when it was read."""
    then, now = column.then, column.now
    rates = {
        "missing": (int(now.cells[-1]), int(then.cells[-1])),
        "type_error": (now.type_errors + wrong[1], then.type_errors + wrong[0]),
        "out_of_range": (now.below + now.above, then.below + then.above),
    }
    if isinstance(reference, Category):
        rates["new_category"] = (column.new, 0)
    counts = (int(now.cells.sum()), int(then.cells.sum()))
    distinct = (_distinct(current, now), _distinct(reference, then))
    held = then.cells[:-1][now.cells[:-1] == 0].sum()
    return ColumnQuality(column.feature, *counts, rates, distinct, int(held), column.added, column.gone)


def flag_quality(
    columns: Sequence[ColumnQuality], alarms: Mapping[str, Collection[str]], gone: Sequence[Vanishing], level: float, points: float
) -> tuple[Quality, ...]:
    """Return every check that has something to say.

    Missing and new values are flagged by their own sub-tests (`alarms`), type errors and values out of range where more
    than independent rows allow at `level` over all columns; all only where the share rose by `points` or more. Categories
    that are gone are told where chance would not leave out one of them at `level` over all columns and categories.
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
            named = (foremost(column.added), max(len(column.added) - MOST, 0)) if check == "new_category" else ((), 0)
            found.append(Quality(check, column.feature, r / m, x / n, unusual and x / n - r / m >= points, *named))
        found += _gone(column, float(log_level), points)
        now, then = column.distinct
        for check, value in (("empty", 0), ("constant", 1)):
            if now == value and n >= LEAST_ROWS:
                chance = column.lost * np.log(m / (m + n))
                found.append(Quality(check, column.feature, float(then == value), 1.0, bool(then > value and chance <= log_level)))
    found += [Quality("vanished", one.feature, 1.0, 0.0, True) for one in gone if one.in_reference]
    found += [Quality("appeared", one.feature, 0.0, 1.0, True) for one in gone if not one.in_reference]
    return tuple(found)


def _gone(column: ColumnQuality, log_level: float, points: float) -> Sequence[Quality]:
    """Return the finding on categories of `points` or more of the reference that chance would not leave out."""
    n, m = column.rows, column.other_rows
    # r rows of m + n alike all fall among the m: C(m, r) / C(m + n, r) is at most (m / (m + n))^r.
    most = (log_level - np.log(max(len(column.gone), 1))) / np.log(m / (m + n))
    lost = {value: rows for value, rows in column.gone.items() if rows >= most and rows >= points * m}
    if not lost or n < LEAST_ROWS:
        return ()
    share = sum(lost.values()) / m
    return (Quality("vanished_category", column.feature, share, 0.0, True, foremost(lost), max(len(lost) - MOST, 0)),)


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
