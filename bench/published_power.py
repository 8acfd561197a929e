"""Holds a table of power against the one published for the rule of single days, and says whether it stands.

Figures: statistics 5.11 of the project's facts, windows of a day, N1, share of 30 changed days with an alarm, by days of reference.
They are of the rule before sums over days were added.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

PUBLISHED: Mapping[int, Mapping[str, float]] = {
    56: {
        "distance +0.25 sd": 0.96,
        "sched_dur +0.25 sd": 0.35,
        "sched_dur +0.5 sd": 0.89,
        "air_time +0.5 sd": 0.87,
        "dep_delay +1.0 sd": 0.80,
        "distance 2 % missing": 0.90,
        "carrier 1 % new": 0.88,
        "carrier 5 % recoded": 0.01,
    },
    112: {
        "distance +0.25 sd": 1.0,
        "sched_dur +0.25 sd": 0.78,
        "sched_dur +0.5 sd": 1.0,
        "air_time +0.5 sd": 0.99,
        "dep_delay +1.0 sd": 0.99,
        "distance 2 % missing": 1.0,
        "carrier 1 % new": 1.0,
        "carrier 5 % recoded": 0.03,
    },
}
CONTROLS: Mapping[str, str] = {
    "control: one row missing": "control: distance as it is",
    "control: one row new": "control: carrier as it is",
}
"""What is to be as quiet as the feature is by itself, where an alarm must matter."""
QUIET = 0.03
"""Share that was published for them."""
ROUNDED = 0.005
"""Published figures have two places."""
LARGEST_ERROR = 0.05
WEAK = 0.9
"""Figures below this are to rise, a third of them at the least."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One change under one length of reference: shares of days by permutation."""

    days: int
    name: str
    shares: Sequence[float]
    gated: Sequence[float]
    """Of days with an alarm that matters."""
    alone: Sequence[float]
    """The same shares under the published rule, on the same permutations."""

    @property
    def mean(self) -> float:
        """The share over permutations."""
        return float(np.mean(self.shares))

    @property
    def error(self) -> float:
        """Its standard error; infinite for a single permutation."""
        return _error(self.shares)

    @property
    def published(self) -> float | None:
        """What was published for it."""
        return PUBLISHED.get(self.days, {}).get(self.name)


def verdict(found: Sequence[Measured]) -> Iterator[str]:
    """Yield what is to hold and whether it does, a line each.

    >>> high, low = [0.8, 0.9], [0.7, 0.7]
    >>> rows = [Measured(56, "sched_dur +0.25 sd", high, high, low), Measured(56, "carrier 1 % new", low, low, high)]
    >>> [line.partition(":")[0] for line in verdict(rows)]
    ['holds', 'FAILS', 'holds', 'holds']
    """
    known = [(one, one.published) for one in found if one.published is not None]
    wide = [f"{one.name} ({one.days} days) {one.error:.3f}" for one, _ in known if one.error > LARGEST_ERROR]
    yield _line(not wide, f"standard errors are at most {LARGEST_ERROR}", wide)
    lower = [_beside(one, past) for one, past in known if past is not None and one.mean < past - ROUNDED - 2 * one.error]
    yield _line(not lower, "no figure is lower than the published one by more than 2 standard errors", lower)
    weak = [(one, past) for one, past in known if past is not None and past < WEAK]
    higher = [_beside(one, past) for one, past in weak if one.mean > past + 2 * one.error]
    yield _line(3 * len(higher) >= len(weak), f"of {len(weak)} published below {WEAK}, {len(higher)} are higher by more than 2", higher)
    untouched = {(one.days, one.name): float(np.mean(one.gated)) for one in found}
    controls = [
        (one, float(np.mean(one.gated)) - untouched.get((one.days, CONTROLS[one.name]), 0.0)) for one in found if one.name in CONTROLS
    ]
    told = [f"{one.name} ({one.days} days) {one.mean:.3f}, more that matters than without it: {more:.3f}" for one, more in controls]
    yield _line(all(one.mean <= QUIET and more <= 0 for one, more in controls), "both controls stay quiet", told)


def _beside(one: Measured, past: float) -> str:
    alone = f"{float(np.mean(one.alone)):.3f} ({_error(one.alone):.3f})"
    return f"{one.name} ({one.days} days) {one.mean:.3f} ({one.error:.3f}), published {past:.2f}, the published rule here {alone}"


def _error(shares: Sequence[float]) -> float:
    return float(np.std(shares, ddof=1) / np.sqrt(len(shares))) if len(shares) > 1 else float("inf")


def _line(holds: bool, what: str, which: Sequence[str]) -> str:  # noqa: FBT001 - what is told, not a switch
    return f"{'holds' if holds else 'FAILS'}: {what}" + (f" [{'; '.join(which)}]" if which else "")
