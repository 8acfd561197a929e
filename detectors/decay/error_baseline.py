"""What share of errors is usual: learnt from the first windows with labels, with how sure that is, then fixed."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from detectors.decay.dispersion import LEAST_WINDOWS, clings, dispersion
from detectors.drift import float_bits
from detectors.types import Plain

QUARTER = 0.25
"""Share of usual rows whose error is above the line of a regression."""

_Z95_ONE_SIDED = 1.6448536269514722
_LEAST_RISE = 0.01
"""A design shift is one point of error share at least, or a model that was never wrong could not be told from one that is once."""
_LONGER = 4
"""Where errors cling together the usual ones are learnt for up to so many times the days."""
_MOST_WINDOWS = 2000
"""Windows after which no more are waited for."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """What one window adds while the baseline is learnt."""

    day: int
    rows: int
    errors: int
    """Wrong answers; for a regression 0, its errors are in `sizes`."""
    sizes: Mapping[str, int]
    """Absolute errors by leading bits; empty for a classifier."""


@dataclass(frozen=True, slots=True)
class ErrorBaseline:
    """The usual share of errors, and the share that a change of the design's size would make it."""

    usual: float
    limit: float
    """The usual share is surely (95 %) below this."""
    shifted: float
    """The share after a change of the design's size."""
    line: int | None
    """Regression: rows in higher cells of absolute error than this one are errors. None: wrong answers are."""
    rows: int
    windows: int
    dispersion: float

    def plain(self) -> Plain:
        """Return the baseline as data; its fields are the arguments."""
        return asdict(self)


def errors_above(sizes: Mapping[str, int], line: int) -> int:
    """Return the rows in cells above the line.

    >>> errors_above({"10": 3, "11": 2, "12": 1}, 10)
    3
    """
    return sum(count for cell, count in sizes.items() if int(cell) > line)


def line_of(sizes: Mapping[str, int]) -> int:
    """Return the cell above which a quarter of the rows lie, or the nearest smaller share.

    >>> line_of({"1": 50, "2": 25, "3": 25})
    2
    """
    total, above = sum(sizes.values()), 0
    for cell in sorted(map(int, sizes), reverse=True):
        if above + sizes[str(cell)] > QUARTER * total:
            return cell
        above += sizes[str(cell)]
    return -1


def ready(learnt: Sequence[Learnt], rows: int, days: int, design: float) -> ErrorBaseline | None:
    """Return the baseline once there are enough rows, days and windows to tell the design's change from the usual; else None."""
    seen = len({one.day for one in learnt})
    if len(learnt) < LEAST_WINDOWS or seen < days or sum(one.rows for one in learnt) < rows:
        return None
    if not worth_a_look(learnt, seen, days):
        return None
    found = fixed(learnt, design)
    if len(learnt) >= _MOST_WINDOWS:
        return found
    return found if _sure(found) and not wavers(learnt, found.line, days) else None


def worth_a_look(learnt: Sequence[Learnt], seen: int, days: int) -> bool:
    """Whether the newest window may have decided it: beyond the days that are asked for, the first of a day."""
    return seen <= days or learnt[-1].day != learnt[-2].day


def wavers(learnt: Sequence[Learnt], line: int | None, days: int) -> bool:
    """Whether these windows are too few days to tell how much windows vary: errors cling together, and more than `days` are worth waiting for."""
    seen = len({one.day for one in learnt})
    return seen < _LONGER * days and clings(*_columns(learnt, line))


def fixed(learnt: Sequence[Learnt], design: float) -> ErrorBaseline:
    """Return the baseline of these windows, however few they are."""
    sizes: dict[str, int] = {}
    for one in learnt:
        for cell, count in one.sizes.items():
            sizes[cell] = sizes.get(cell, 0) + count
    line = line_of(sizes) if sizes else None
    counts, errors = _columns(learnt, line)
    spread = dispersion(counts, errors)
    rows, wrong = int(counts.sum()), int(errors.sum())
    usual = (wrong + 0.5) / (rows + 1)
    limit = _upper(wrong / rows, rows / spread)
    shifted = usual * design if line is None else _beyond(sizes, line, design)
    # Half of what is left to 1 at most; clearly above what the usual share may be.
    shifted = min(max(shifted, usual + _LEAST_RISE), (1 + usual) / 2)
    return ErrorBaseline(usual, limit, shifted, line, rows, len(learnt), spread)


def of_rows(one: Learnt, design: float, rows: int) -> ErrorBaseline | None:
    """Return the baseline of rows that stand in no windows, such as a file's; None where there are too few to tell the design's change.

    How much windows vary is not known then: `respread` says so once live ones are there.

    >>> of_rows(Learnt(0, 2000, 200, {}), 1.5, 500).usual, of_rows(Learnt(0, 100, 10, {}), 1.5, 500)
    (0.1001999000499750..., None)
    """
    if one.rows < rows:
        return None
    found = fixed([one], design)
    return found if _sure(found) else None


def respread(baseline: ErrorBaseline, learnt: Sequence[Learnt]) -> ErrorBaseline:
    """Return the baseline with the dispersion that windows show about their own mean, however far that is from the usual."""
    spread = dispersion(*_columns(learnt, baseline.line))
    share = max((baseline.usual * (baseline.rows + 1) - 0.5) / baseline.rows, 0.0)
    return replace(baseline, dispersion=spread, limit=_upper(share, baseline.rows / spread))


def _columns(learnt: Sequence[Learnt], line: int | None) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows and errors of each window."""
    errors = [one.errors if line is None else errors_above(one.sizes, line) for one in learnt]
    return np.array([one.rows for one in learnt], np.int64), np.array(errors, np.int64)


def _sure(found: ErrorBaseline) -> bool:
    """Whether the usual share is known well enough to tell the design's change from it."""
    return found.limit <= (found.usual + found.shifted) / 2


def _beyond(sizes: Mapping[str, int], line: int, design: float) -> float:
    """Return the share above the line once every error is `design` times as large."""
    before = float(float_bits.lower(np.array([line + 1]))[0]) / design
    cell = int(float_bits.cells(np.array([before]))[0])
    return (errors_above(sizes, cell) + 0.5 * sizes.get(str(cell), 0)) / sum(sizes.values())


def _upper(share: float, rows: float) -> float:
    """Return the one-sided upper end of Wilson's interval."""
    square = _Z95_ONE_SIDED**2
    reach = _Z95_ONE_SIDED * sqrt(share * (1 - share) / rows + square / (4 * rows * rows))
    return min((share + square / (2 * rows) + reach) / (1 + square / rows), 1.0)
