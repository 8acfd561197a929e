"""Calendar days: the blocks a window is compared without, a day's largest value, and what lasts over days (rules 5.2, 5.6)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from detectors.drift.whole_days import WholeDays, whole_days_from
from detectors.types import Plain

Floats = NDArray[np.float64]

LOOK_BACK = 2  # days before the present one that persistence looks at

EPISODE_GAP = 2
"""Alarm-days at most this far apart are one episode, which is what a budget counts."""

_WEEKLY_FROM = 14
_DAILY_FROM = 3


def blocks_of(days: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return the block of each window, numbered from 0 without gaps: its week, its day, or itself, by how many days there are.

    >>> blocks_of(np.array([7, 7, 8, 9])).tolist()
    [0, 0, 1, 2]
    """
    present = len(np.unique(days))
    if present < _DAILY_FROM:
        return np.arange(len(days))
    blocks = (days - days.min()) // 7 if present >= _WEEKLY_FROM else days
    return np.unique(blocks, return_inverse=True)[1]


def block_sums(values: NDArray[np.int64], blocks: NDArray[np.intp]) -> NDArray[np.int64]:
    """Return the sum of each window's whole block, itself included.

    >>> block_sums(np.array([1, 2, 4]), np.array([0, 1, 0])).tolist()
    [5, 2, 5]
    """
    order = np.argsort(blocks, kind="stable")
    starts = np.searchsorted(blocks[order], np.arange(int(blocks.max(initial=-1)) + 1))
    sums: NDArray[np.int64] = np.add.reduceat(values[order], starts, axis=0)[blocks]
    return sums


def day_maxima(values: Floats, days: NDArray[np.int64]) -> tuple[NDArray[np.int64], Floats]:
    """Return the days present and the largest value of each feature on them, [days, features]; NaN where it has none."""
    present, index = np.unique(days, return_inverse=True)
    largest = np.full((len(present), values.shape[1]), np.nan)
    np.fmax.at(largest, index, values)
    return present, largest


def persistence(present: NDArray[np.int64], largest: Floats) -> Floats:
    """Return the second largest of a day's value and those of the two calendar days before it; 0 where there is only one.

    `present` [days] ascending, `largest` [days, features] with NaN for absent, which stays NaN.
    """
    candidates = np.full((LOOK_BACK + 1, *largest.shape), -np.inf)
    values = np.where(np.isnan(largest), -np.inf, largest)
    candidates[0] = values
    for back in range(1, LOOK_BACK + 1):
        near = present[back:] - present[:-back] <= LOOK_BACK
        candidates[back, back:] = np.where(near[:, None], values[:-back], -np.inf)
    second = np.sort(candidates, axis=0)[-2]
    return np.where(np.isnan(largest), np.nan, np.maximum(second, 0.0))


def day_ratio(largest: Floats, lasting: Floats) -> float:
    """Return rho, how large what lasts is beside what a day shows on the reference's worst days; 1 where it cannot be said."""
    number = len(largest)
    if number <= LOOK_BACK or largest.shape[1] == 0:
        return 1.0
    top = max(3, number // 10)
    day = _mean_of_largest(np.fmax.reduce(largest, axis=1), top)
    last = _mean_of_largest(np.fmax.reduce(lasting, axis=1)[LOOK_BACK:], top)
    return last / day if day > 0 and last > 0 else 1.0


def reached_by(present: NDArray[np.int64], largest: Floats, episodes: int) -> float:
    """Return the highest line that days of this many episodes reach; the lowest value where there are fewer, 0 where none.

    `present` [days], `largest` [days] with NaN for absent.

    >>> reached_by(np.array([1, 2, 8, 9]), np.array([5.0, 4.0, 1.0, 2.0]), 2)
    2.0
    """
    there = ~np.isnan(largest)
    days, values = present[there], largest[there]
    order = np.argsort(-values, kind="stable")
    for place in range(episodes, len(order) + 1):
        if 1 + int((np.diff(np.sort(days[order[:place]])) > EPISODE_GAP).sum()) >= episodes:
            return float(values[order[place - 1]])
    return float(values.min()) if len(values) else 0.0


def _mean_of_largest(values: Floats, top: int) -> float:
    finite = np.sort(values[np.isfinite(values)])[-top:]
    return float(finite.mean()) if len(finite) else 0.0


@dataclass(frozen=True, slots=True)
class DayScore:
    """The most unusual of a feature's windows on one day."""

    value: float
    """d: strength over the line of its family."""
    test: str
    """The sub-test behind it."""
    effect: float
    """The largest effect of the day's windows; 1 is large enough to matter."""

    def join(self, other: "DayScore | None") -> "DayScore":
        """Return the score of a day that also had the other windows."""
        if other is None:
            return self
        larger = self if self.value >= other.value else other
        return DayScore(larger.value, larger.test, max(self.effect, other.effect))


@dataclass(frozen=True, slots=True)
class DayState:
    """What live scoring remembers: each feature's days, from two days ago to the present one."""

    days: Mapping[int, Mapping[str, DayScore]] = field(default_factory=dict)
    whole: WholeDays = field(default_factory=WholeDays)
    """The last week's whole days, for evidence that sums over them; empty where there is none."""

    def add(self, day: int, scores: Mapping[str, DayScore]) -> "DayState":
        """Return the state after one more window of `day`; days that can no longer matter are forgotten."""
        newest = max([day, *self.days])
        kept = {number: known for number, known in self.days.items() if newest - number <= LOOK_BACK}
        known = kept.get(day, {})
        kept[day] = {**known, **{name: score.join(known.get(name)) for name, score in scores.items()}}
        return replace(self, days=dict(sorted(kept.items())))

    def lasting(self, day: int, feature: str) -> float:
        """Return P: the second largest value of the feature on `day` and the two days before; 0 where there is only one."""
        values = sorted(
            scores[feature].value for number, scores in self.days.items() if day - LOOK_BACK <= number <= day and feature in scores
        )
        return values[-2] if len(values) > 1 else 0.0

    def plain(self) -> Plain:
        """Return the state as data; `from_plain` takes it back."""
        return {
            "days": [
                {"day": day, "features": {name: [score.value, score.test, score.effect] for name, score in scores.items()}}
                for day, scores in self.days.items()
            ],
            "whole": self.whole.plain() if self.whole.windows else None,
        }

    @classmethod
    def from_plain(cls, saved: Plain) -> "DayState":
        """Take back what `plain` gave.

        >>> state = DayState().add(9, {"age": DayScore(0.5, "shape", 0.0)})
        >>> DayState.from_plain(state.plain()) == state
        True
        """
        return cls(
            {
                int(entry["day"]): {
                    str(name): DayScore(float(value), str(test), float(effect)) for name, (value, test, effect) in entry["features"].items()
                }
                for entry in saved["days"]
            },
            whole_days_from(saved["whole"]) if saved.get("whole") else WholeDays(),
        )
