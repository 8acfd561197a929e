"""One column of two files, measured by theory for independent rows: counts on common cells, p of each sub-test, effect."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from detectors.drift.counting import Counted, means, reads_as_number, tally, to_categories, to_numbers
from detectors.drift.effect import MinEffect, changes, sizes
from detectors.drift.grid import Grid, NumericGrid, fit_categories, fit_numeric, frequencies, running_number, set_aside
from detectors.drift.groups import FeatureKind
from detectors.drift.only_here import log_only_here_tail
from detectors.drift.rates import log_rate_tail
from detectors.drift.splits import rate
from detectors.drift.statistics import LEAST_ROWS, Comparison, Yardstick, compare, raw_statistics
from detectors.drift.survival import log_chi2_sf
from detectors.types import Category, Column, Numbers, Text

Floats = NDArray[np.float64]
_MOSTLY = 0.5
_UNREMARKABLE, _EVEN = 2.0, 0.02
_SPELT = re.compile(r"[^\w.,]{0,3}(?:\d{1,3}(?:[.,'\u00a0\u202f ]\d{3})+|\d+)(?:[.,]\d+)?(?:[^\w.,]{0,2}|\s?[A-Za-z]{1,3})")
"""A number with a decimal comma, thousands set apart, or a sign for a currency, percent or a unit."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A column on both sides. The cells are those of both sides together.

    Under independent rows that makes the sub-tests exact in level: cells chosen by the reference alone would favour it
    (its most frequent values are frequent partly by chance).
    """

    feature: str
    grid: Grid
    then: Counted
    now: Counted
    yardstick: Yardstick
    comparison: Comparison
    log_p: Floats
    """[tests]."""
    change: Floats
    """[tests] signed, in each sub-test's unit."""
    effect: float
    """Largest change over the smallest that matters; NaN where there is nothing to compare."""
    added: Mapping[str, int] = field(default_factory=dict)
    """Values the reference does not have, with their rows now; categories only."""
    gone: Mapping[str, int] = field(default_factory=dict)
    """Values that only the reference has, with their rows there."""

    @property
    def new(self) -> int:
        """Rows now whose value the reference does not have."""
        return sum(self.added.values())

    @property
    def scored(self) -> bool:
        """Whether both sides have rows enough."""
        return bool(min(self.then.cells.sum(), self.now.cells.sum()) >= LEAST_ROWS)

    @property
    def then_means(self) -> Floats:
        """[E+1] mean value of each cell in the reference; empty for categories."""
        return _means(self.grid, self.then)

    @property
    def now_means(self) -> Floats:
        """The same now."""
        return _means(self.grid, self.now)


def reason_aside(reference: Column, current: Column) -> str | None:
    """Return why a column is not compared, None where it can be."""
    if isinstance(reference, Text) or isinstance(current, Text):
        return "free text"
    if isinstance(reference, Category):
        return _aside(frequencies(reference))
    if isinstance(current, Category) and _blank(reference):
        return _aside(frequencies(current))
    return "looks like a running number" if running_number(np.asarray(reference).astype(np.float64)) else None


def _aside(counts: Mapping[str, int]) -> str | None:
    reason = set_aside(counts)
    if reason is None or not reason.startswith("looks like an id"):
        return reason
    rows = sum(counts.values())
    if sum(count for value, count in counts.items() if reads_as_number(value)) > _MOSTLY * rows:
        return f"{reason}; most read as numbers: where it is one, name it numeric"
    if sum(count for value, count in counts.items() if _SPELT.fullmatch(value)) > _MOSTLY * rows:
        return f"{reason}; where these are numbers, write them with a point, and without commas, blanks or units"
    return reason


def measure(name: str, reference: Column, current: Column, smallest: MinEffect) -> Measured:
    """Count both sides and test them against each other. Text columns raise TypeError: they are set aside before."""
    if isinstance(reference, Text) or isinstance(current, Text):
        raise TypeError(f"column {name!r} is text and cannot be compared")
    reference, current = _alike(reference, current)
    kind: FeatureKind = "categorical" if isinstance(reference, Category) else "numeric"
    both = _categorical(reference, current) if isinstance(reference, Category) else _numeric(reference, current)
    grid, then, now = both.grid, both.then, both.now
    rows = min(int(now.cells.sum()), int(then.cells.sum()))
    yardstick = Yardstick.fit(then.cells + now.cells, kind, float(max(rows, 1)))
    comparison = compare(yardstick, now.cells[None, :], then.cells[None, :], np.array([sum(both.added.values())]), np.array([both.singles]))
    change = changes(yardstick, comparison, 1.0)
    size = float(np.fmax.reduce(sizes(yardstick, change, smallest)[0]))
    log_p = _log_p(comparison)
    moments = slice(1, 1 + len(yardstick.scores))
    log_p[moments] += _less_rare(yardstick.scores, (then.cells + now.cells)[:-1], comparison)
    if kind == "categorical":
        log_p[-1] = log_only_here_tail(sum(both.added.values()), both.counts, int(now.cells.sum()), int(then.cells.sum()))
    return Measured(name, grid, then, now, yardstick, comparison, log_p, change[0], size, both.added, both.gone)


def _alike(reference: Numbers | Category, current: Numbers | Category) -> tuple[Numbers | Category, Numbers | Category]:
    """Return both sides; one without a value takes the other's kind, as nothing says what it would have held."""
    if _blank(reference):
        return _nothing(current, len(reference)), current
    return reference, _nothing(reference, len(current)) if _blank(current) else current


def _blank(column: Numbers | Category) -> bool:
    return not (column.codes >= 0).any() if isinstance(column, Category) else bool(np.isnan(np.asarray(column, np.float64)).all())


def _nothing(like: Numbers | Category, rows: int) -> Numbers | Category:
    return Category(np.full(rows, -1, np.int32), ()) if isinstance(like, Category) else np.full(rows, np.nan)


@dataclass(frozen=True, slots=True)
class _Both:
    """Both sides on common cells."""

    grid: Grid
    then: Counted
    now: Counted
    added: Mapping[str, int] = field(default_factory=dict)
    gone: Mapping[str, int] = field(default_factory=dict)
    singles: int = 0
    """Values the reference has once."""
    counts: tuple[int, ...] = ()
    """Rows of each category on both sides together."""


def _numeric(reference: Numbers, current: Numbers | Category) -> _Both:
    own = fit_numeric(reference)
    # Whatever of the current side reads as a number takes part in the cells.
    numbers = np.concatenate([np.asarray(reference).astype(np.float64), _as_numbers(current)])
    both = fit_numeric(numbers)
    grid = replace(both, low=own.low, high=own.high, spread=own.spread)
    # Values near the ends of doubles have no fixed point that holds the other side's as well.
    with np.errstate(over="ignore"):
        return _Both(grid, tally(grid, reference), tally(grid, current))


def _as_numbers(column: Numbers | Category) -> Floats:
    return to_numbers(column)[0] if isinstance(column, Category) else np.asarray(column).astype(np.float64)


def _categorical(reference: Category, current: Numbers | Category) -> _Both:
    counts = frequencies(reference)
    written, errors = (current, 0) if isinstance(current, Category) else to_categories(current, counts)
    counts_now = frequencies(written)
    together = Counter(counts) + Counter(counts_now)
    grid = fit_categories(together)
    added = {value: rows for value, rows in counts_now.items() if value not in counts}
    gone = {value: rows for value, rows in counts.items() if value not in counts_now}
    # Good and Turing: the chance that the next value is a new one is the share of values seen once.
    singles = sum(rows == 1 for rows in counts.values())
    now = replace(tally(grid, written), type_errors=errors)
    return _Both(grid, tally(grid, reference), now, added, gone, singles, tuple(together.values()))


def _log_p(comparison: Comparison) -> Floats:
    """Return log p [tests]: chi-square for shape and moments, beta-binomial tails for rates."""
    raw = raw_statistics(comparison)[0]
    freedom = np.ones(len(raw))
    filled = (comparison.grouped[0] + comparison.other_grouped[0]) > 0
    freedom[0] = max(int(filled.sum()) - 1, 1)
    result = log_chi2_sf(raw * freedom, freedom)
    rates = comparison.hits.shape[1]
    n, m = comparison.rows, comparison.other_rows
    result[-rates:] = log_rate_tail(comparison.hits[0], n, np.minimum(comparison.other_hits[0], m), m)
    return result


def _less_rare(scores: Floats, cells: NDArray[np.int64], comparison: Comparison) -> Floats:
    """Return by how much the log chance [scores] of such a shift is more than a normal tail says, where that may matter."""
    more = np.zeros(len(scores))
    n, m = float(comparison.value_rows[0]), float(comparison.other_value_rows[0])
    if min(n, m) < LEAST_ROWS:
        return more
    for place, (score, shift) in enumerate(zip(scores, comparison.shifts[0], strict=True)):
        exponent = shift**2 / (1 / n + 1 / m) / 2
        # The fourth moment of a uniform score is 1.8; there, and with many rows of any score, the normal tail is right or says too much.
        uneven = float(cells @ score**4) / (n + m) * exponent / min(n, m)
        if exponent > _UNREMARKABLE and uneven > _EVEN:
            more[place] = max(exponent - rate(score, cells.astype(np.float64), n, m, float(shift) / (1 / n + 1 / m)), 0.0)
    return more


def _means(grid: Grid, counted: Counted) -> Floats:
    return means(grid, counted.cells, counted.sums) if isinstance(grid, NumericGrid) and counted.sums is not None else np.empty(0)
