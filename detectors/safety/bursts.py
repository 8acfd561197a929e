"""The densest stretch of attacks in a window: a scan over stretches of one, two, four, … minutes, each against what is usual.

A stretch is judged by the number of calls in it that were checked, so that busy hours are no burst. A count scatters as a negative
binomial of mean μ and variance μ + v·μ². Rates that differ from day to day give a v that is the same whatever μ is; attacks in
clumps (one person tries again and again) give v = c / μ. Both are measured for each length of stretch (`usual_attacks.py`), and the
larger v counts. What is told is how unlikely the most unlikely stretch is, against the chance one stretch has when all
stretches of all windows share the budget (Bonferroni).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.drift.survival import log_incomplete_beta

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MINUTE = 60
"""Seconds of the shortest stretch."""
FACTOR = 2.0
"""Times the usual below which nothing is a burst, however sure."""
LEAST = 2
"""Attacks in a stretch: one alone is none."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some minutes of a window, and what they would usually hold."""

    first: int
    """Minutes after the start of the window."""
    minutes: int
    attacks: int
    usual: float
    """Attacks that as many checked calls usually have."""
    surprise: float
    """-log of the chance of so many."""


def lengths(minutes: int) -> tuple[int, ...]:
    """Return the lengths of stretches of a window of so many minutes.

    >>> lengths(15), lengths(1)
    ((1, 2, 4, 8, 15), (1,))
    """
    return (*(2**power for power in range(max(minutes - 1, 0).bit_length())), max(minutes, 1))


def stretches(minutes: int) -> int:
    """Return how many stretches a window has.

    >>> stretches(15)
    50
    """
    return sum(max(minutes, 1) - length + 1 for length in lengths(minutes))


def densest(attacks: Ints, usual: Floats, scatter: Floats, clumps: Floats) -> Stretch | None:
    """Return the most unlikely stretch of a window; None where none has two attacks and twice the usual.

    `attacks` and `usual` have a value a minute, `scatter` and `clumps` the v and the c of each of `lengths`.

    >>> densest(np.array([0, 9, 1, 0]), np.full(4, 0.1), np.full(3, 0.5), np.zeros(3))
    Stretch(first=1, minutes=1, attacks=9, usual=0.1, surprise=25.1)
    """
    found = None
    sums, expected = (np.concatenate(([0.0], np.cumsum(values))) for values in (attacks, usual))
    for length, level, clump in zip(lengths(len(attacks)), scatter.tolist(), clumps.tolist(), strict=True):
        counts = sums[length:] - sums[:-length]
        means = np.maximum(expected[length:] - expected[:-length], 1e-12)
        worth = np.flatnonzero((counts >= LEAST) & (counts >= FACTOR * means))
        if not len(worth):
            continue
        surprises = -log_at_least(counts[worth], means[worth], np.maximum(level, clump / means[worth]))
        best = int(np.argmax(surprises))
        if found is None or surprises[best] > found.surprise:
            place = int(worth[best])
            found = Stretch(place, length, int(counts[place]), float(means[place]), float(surprises[best]))
    if found is None:
        return None
    # Minutes at its ends without an attack are no part of it.
    there = np.flatnonzero(attacks[found.first : found.first + found.minutes]) + found.first
    first, last = int(there[0]), int(there[-1]) + 1
    return Stretch(first, last - first, found.attacks, round(float(expected[last] - expected[first]), 9), round(found.surprise, 1))


def log_at_least(counts: Floats, means: Floats, scatter: Floats) -> Floats:
    """Return the log of the chance of that many or more, for counts of at least 1 that scatter as a negative binomial.

    >>> round(math.exp(log_at_least(np.array([1.0]), np.array([1.0]), np.array([1.0]))[0]), 3)
    0.5
    """
    shape = 1 / scatter
    return log_incomplete_beta(counts, shape, means / (means + shape), shape / (means + shape))


def line(share: float, budget: float, seconds: float) -> float:
    """Return the surprise from which on a stretch is unusual: windows of so many `seconds`, `budget` episodes in 30 days.

    >>> round(line(0.25, 1.0, 900.0), 1)
    13.3
    """
    windows = 30 * 86_400 / seconds
    return -math.log(min(share * budget / windows / stretches(round(seconds / MINUTE)), 0.5))
