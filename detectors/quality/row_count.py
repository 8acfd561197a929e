"""Whether a window has far fewer or more rows than is usual at its hour, priced by replaying past windows against each other.

Counts of rows scatter more than independent arrivals would: log(rows) has the variance `excess` + 1/rows (a negative binomial,
to first order). A window lies z standard deviations from the median of its slot. Where that becomes unusual is learnt from the
past windows themselves, each against the slot's windows of other weeks: an exponential tail, as for the families of the drift
rule (facts of statistics, 5.5), and never so low that more of the past days than the budget has episodes would have been told.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.drift.calendar import Slots, slot_of
from detectors.drift.days import blocks_of, day_maxima
from detectors.drift.families import line
from detectors.drift.survival import normal_isf
from detectors.quality.volumes import Volumes
from detectors.types import Plain

Floats = NDArray[np.float64]

LEAST_WINDOWS, ENOUGH_WINDOWS, CALIBRATED_WINDOWS = 8, 20, 50
"""Past windows for a severity, for a warning, and to be called calibrated."""
IN_SLOT = 4
"""Past windows of its own slot that a window needs to be judged."""
SHARE = 0.25
"""Of the alarm budget: beside it, not out of it, for these are warnings."""
FACTOR = 1.5
"""A third fewer or half as many more: what is less is shown, and no warning."""
_SLOTS: tuple[Slots, ...] = ("none", "hour_of_day", "weekday", "hour_of_week")
_BETTER = 0.95  # of the scatter of simpler slots: the price of finer ones
_COVERED = 0.9  # of past windows have enough others in their slot, or the slots are too fine
_TAIL, _LARGEST_LEVEL = 0.2, 0.5  # as the lines of the drift rule
_NORMAL = 1.4826  # median absolute deviation to standard deviation


@dataclass(frozen=True, slots=True)
class Usual:
    """What past windows say of the number of rows."""

    slots: Slots
    middles: Mapping[int, float]
    """Median of log(rows + 1/2) by slot."""
    excess: float
    """Variance of log(rows) beyond that of independent arrivals."""
    line: float
    """Standard deviations from which on a window is told."""
    days: Floats
    """[days] the largest z of each past day, ascending."""
    windows: int
    fitted_on: int
    """Day (ordinal) of the window it was made for."""
    budget: float
    """Alarm episodes in 30 days it was made for."""

    @property
    def judges(self) -> bool:
        """Whether there are windows enough for a severity."""
        return self.windows >= LEAST_WINDOWS

    def plain(self) -> Plain:
        """Return it as data; `usual_from` takes it back."""
        return {
            "slots": self.slots,
            "keys": np.array(list(self.middles), np.int64),
            "middles": np.array(list(self.middles.values()), np.float64),
            "excess": self.excess,
            "line": self.line,
            "days": self.days,
            "windows": self.windows,
            "fitted_on": self.fitted_on,
            "budget": self.budget,
        }


def usual_from(saved: Plain | None) -> Usual | None:
    """Return what `Usual.plain` described; None for None."""
    if saved is None:
        return None
    middles = dict(zip(np.asarray(saved["keys"]).tolist(), np.asarray(saved["middles"]).tolist(), strict=True))
    days = np.asarray(saved["days"], np.float64)
    return Usual(saved["slots"], middles, saved["excess"], saved["line"], days, saved["windows"], saved["fitted_on"], saved["budget"])


@dataclass(frozen=True, slots=True)
class RowVerdict:
    """What is said of one window."""

    rows: int
    z: float
    """Standard deviations above (or, negative, below) the usual."""
    severity: float
    """|z| over the line; above 1 it is unusual."""
    line: float
    p_value: float
    """Share of past days with a window as unusual."""
    matters: bool
    """Whether it is far from the usual: by `FACTOR` or more."""
    usual: tuple[float, float]
    """Rows between the lines."""
    seen: float
    """The smallest fall that would be unusual, as a share of the usual rows."""


def fit(past: Volumes, day: int, budget: float) -> Usual:
    """Return what is usual by past windows, in the order of time, for windows of `day` on; `budget` in episodes per 30 days."""
    logs = np.log(past.rows + 0.5)
    if len(past) < LEAST_WINDOWS:
        return Usual("none", {}, 0.0, math.inf, np.zeros(0), len(past), day, budget)
    blocks = blocks_of(past.days)
    slots, keys, middles = _best(past, logs, blocks)
    there = np.isfinite(middles)
    off, expected = (logs - middles)[there], np.exp(middles[there])
    scatter = (_NORMAL * float(np.median(np.abs(off)))) ** 2
    excess = max(scatter - float(np.median(1 / expected)), 0.0)
    z = np.abs(off) / np.sqrt(excess + 1 / expected)
    present, largest = day_maxima(z[:, None], past.days[there])
    order = np.argsort(largest[:, 0], kind="stable")
    # As many of the worst past days as the budget has episodes may lie above the line: an outage must not hide the next.
    rest = order[: max(len(order) - math.floor(budget * (len(order) + 1) / 30 + 1e-9), 1)]
    days = largest[order, 0]
    tail = _tail(z[np.isin(past.days[there], present[rest])], budget, 30 * len(z) / len(days))
    found = _middles(keys, logs, np.zeros(len(keys), np.bool_))
    return Usual(slots, found, excess, max(tail, float(days[len(rest) - 1])), days, len(past), day, budget)


def judge(usual: Usual, day: int, hour: int, rows: int) -> RowVerdict | None:
    """Return what is said of a window that starts then; None where too little is known of its slot."""
    middle = usual.middles.get(slot_of(usual.slots, day, hour))
    if middle is None or not usual.judges:
        return None
    deviation = math.sqrt(usual.excess + math.exp(-middle))
    off = math.log(rows + 0.5) - middle
    z = off / deviation
    width = usual.line * deviation
    unusual = len(usual.days) - int(np.searchsorted(usual.days, abs(z)))
    return RowVerdict(
        rows,
        z,
        abs(z) / usual.line,
        usual.line,
        (1 + unusual) / (1 + len(usual.days)),
        abs(off) >= math.log(FACTOR),
        (max(math.exp(middle - width) - 0.5, 0.0), math.exp(min(middle + width, 700.0)) - 0.5),
        1 - math.exp(-width),
    )


def _best(past: Volumes, logs: Floats, blocks: NDArray[np.intp]) -> tuple[Slots, NDArray[np.int64], Floats]:
    """Return the slots under which past windows scatter least, the slot of each, and the median of its slot in the other blocks."""
    keys = np.zeros(len(past), np.int64)
    slots, middles = _SLOTS[0], _others(keys, logs, blocks)
    least = _scatter(logs, middles)
    for finer in _SLOTS[1:]:
        # A day of a week for each weekday: `slot_of` counts days from 1.
        places = np.array([[slot_of(finer, weekday + 1, hour) for hour in range(24)] for weekday in range(7)], np.int64)
        own = places[(past.days - 1) % 7, past.hours]
        others = _others(own, logs, blocks)
        scatter = _scatter(logs, others)
        if np.isfinite(others).mean() >= _COVERED and scatter < _BETTER * least:
            slots, keys, middles, least = finer, own, others, scatter
    return slots, keys, middles


def _scatter(logs: Floats, middles: Floats) -> float:
    return float(np.nanmean(np.abs(logs - middles))) if np.isfinite(middles).any() else math.inf


def _tail(z: Floats, budget: float, a_month: float) -> float:
    """Return the z that one window in a month's share of the budget exceeds, by an exponential tail, and by the normal at least."""
    level = min(SHARE * budget / a_month, _LARGEST_LEVEL)
    tail = line(z, SHARE, budget, a_month)
    return max(normal_isf(level / 2), tail.upper_fifth + tail.slope * max(math.log(_TAIL / level), 0.0))


def _others(keys: NDArray[np.int64], logs: Floats, blocks: NDArray[np.intp]) -> Floats:
    """Return for each window the median of its slot's windows of other blocks; NaN where there are fewer than `IN_SLOT`."""
    found = np.full(len(logs), np.nan)
    for block in range(int(blocks.max(initial=-1)) + 1):
        own = blocks == block
        middles = _middles(keys, logs, own)
        found[own] = [middles.get(key, np.nan) for key in keys[own].tolist()]
    return found


def _middles(keys: NDArray[np.int64], logs: Floats, without: NDArray[np.bool_]) -> dict[int, float]:
    """Return the median of each slot that has `IN_SLOT` windows or more, some windows left out."""
    order = np.lexsort((logs, keys))
    order = order[~without[order]]
    slots, starts, counts = np.unique(keys[order], return_index=True, return_counts=True)
    ordered = logs[order]
    middles = (ordered[starts + (counts - 1) // 2] + ordered[starts + counts // 2]) / 2
    return {slot: middle for slot, middle, count in zip(slots.tolist(), middles.tolist(), counts.tolist(), strict=True) if count >= IN_SLOT}
