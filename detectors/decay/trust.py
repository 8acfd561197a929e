"""Whether estimates made without labels can be believed, judged by the labels that came later, and when labels take over."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, isnan
from typing import Literal

REMEMBERED = 20
"""Windows with both an estimate and labels that the judgement rests on, the newest."""
LEAST_WINDOWS = 3
LEAST_LABELS = 30
OUTSIDE = 0.05
"""Share of windows whose realised value lies outside a 95 % interval when all is well."""
DOUBT, BELIEF = 0.01, 0.2
"""Chance of so many windows outside, below which estimates lose trust, and above which they win it back."""

Basis = Literal["realised", "estimated", "none"]


@dataclass(frozen=True, slots=True)
class Bounded:
    """A value of one metric in one window, with its 95 % interval."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Pair:
    """One metric of one window, twice."""

    estimated: Bounded
    realised: Bounded
    labels: int
    """Rows the realised value rests on."""


@dataclass(frozen=True, slots=True)
class Trust:
    """What labels say of the estimates of one metric."""

    status: Literal["untested", "trusted", "not trustworthy"]
    windows: int
    """Windows that could be compared."""
    outside: int
    """Those whose realised value the estimate did not allow for."""
    lean: float
    """Mean of realised less estimated; NaN without windows."""
    chance: float
    """Of so many outside, or more, if the intervals hold what they promise."""

    @property
    def explanation(self) -> str:
        """Say it in a sentence."""
        if self.status == "untested":
            return f"untested: {self.windows} of {LEAST_WINDOWS} windows with enough labels"
        usual = f"{OUTSIDE * self.windows:.1f} would be usual; realised less estimated is {self.lean:+.3g} on average"
        return f"{self.status}: labels put {self.outside} of {self.windows} windows outside their intervals, {usual}"


def judge(pairs: Sequence[Pair], before: Trust | None = None) -> Trust:
    """Return the trust in estimates of one metric; `pairs` are in time order, `before` is the last judgement.

    A window lies outside when realised and estimated value are further apart than the wider half of the two intervals on that side: the
    estimate's allows for the chance of the labels of all rows, the realised one's for that of the labels that came. Windows outside are
    counted against the binomial distribution. Trust once lost comes back only when the count is unremarkable (hysteresis).

    >>> good = Pair(Bounded(0.9, 0.88, 0.92), Bounded(0.91, 0.89, 0.93), 500)
    >>> judge([good] * 5).status
    'trusted'
    """
    usable = [pair for pair in pairs if pair.labels >= LEAST_LABELS and not isnan(pair.estimated.value + pair.realised.value)][-REMEMBERED:]
    outside = sum(_outside(pair) for pair in usable)
    count = len(usable)
    lean = sum(pair.realised.value - pair.estimated.value for pair in usable) / count if count else float("nan")
    chance = sum(comb(count, hits) * OUTSIDE**hits * (1 - OUTSIDE) ** (count - hits) for hits in range(outside, count + 1))
    if count < LEAST_WINDOWS:
        return Trust("untested", count, outside, lean, chance)
    doubted = before is not None and before.status == "not trustworthy"
    return Trust("not trustworthy" if chance < (BELIEF if doubted else DOUBT) else "trusted", count, outside, lean, chance)


def _outside(pair: Pair) -> bool:
    estimated, realised = pair.estimated, pair.realised
    if realised.value < estimated.value:
        reach = (estimated.value - estimated.lower, realised.upper - realised.value)
    else:
        reach = (estimated.upper - estimated.value, realised.value - realised.lower)
    # A bound that is not known allows for nothing.
    return abs(realised.value - estimated.value) > max(0.0 if isnan(part) else part for part in reach)


def leading(trust: Trust, coverage: float, labels: int, least_coverage: float = 0.5) -> Basis:
    """Return which series speaks for a window: the realised one from `least_coverage` labelled rows on.

    Labels that come early are seldom like the rest (complaints before silence, defaults before repayments), so until then a trusted or
    untested estimate speaks. One that is not trustworthy gives way to any LEAST_LABELS labels, and to nothing where there are fewer.

    >>> leading(Trust("trusted", 9, 0, 0.0, 1.0), coverage=0.1, labels=80)
    'estimated'
    """
    if labels >= LEAST_LABELS and (coverage >= least_coverage or trust.status == "not trustworthy"):
        return "realised"
    return "none" if trust.status == "not trustworthy" else "estimated"
