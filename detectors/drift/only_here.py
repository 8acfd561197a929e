"""How surprising it is that so many rows hold values the other side lacks, where both sides are rows of one population."""

from collections.abc import Iterable
from math import lgamma, log, pi, sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_STEEPEST = 700.0
_HALVINGS = 40


def log_only_here_tail(rows: int, counts: Iterable[int], n: int, m: int) -> float:
    """Return log P(S >= rows): S are rows, of n now and m then, whose value is not among the m.

    `counts` are the rows of each value on both sides together. Given those, which of the n + m rows are the n is chance, so
    a value of c rows is wholly among the n with chance C(n, c) / C(n + m, c), whatever the population: neither the share
    of its values that nobody has seen nor its error need be estimated. S is taken for a sum of independent terms (the true
    ones lean against each other, which makes the tail lighter), and the tail by Chernoff's bound, sharpened as
    Bahadur and Rao (1960) do for lattices where S scatters enough.

    >>> round(float(np.exp(log_only_here_tail(3, [3], 10, 17))), 4)  # all three rows of one value: C(10, 3) / C(27, 3)
    0.041
    >>> log_only_here_tail(0, [3, 7], 10, 10)
    0.0
    """
    sizes, values = np.unique(np.fromiter((count for count in counts if 0 < count <= n), np.int64), return_counts=True)
    if not rows or not len(sizes):
        return 0.0
    log_chance = np.array([_log_chance(size, n, m) for size in sizes.tolist()])
    if rows >= int((sizes * values).sum()):
        return float((values * log_chance).sum())
    size, number = sizes.astype(np.float64), values.astype(np.float64)
    if _moments(0.0, size, number, log_chance)[1] >= rows:
        return 0.0
    low, high = 0.0, 1e-3
    while _moments(high, size, number, log_chance)[1] < rows and high < _STEEPEST:
        low, high = high, 2 * high
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _moments(middle, size, number, log_chance)[1] < rows else (low, middle)
    bound, _, variance = _moments(high, size, number, log_chance)
    sharper = -np.expm1(-high) * sqrt(2 * pi * variance)
    return float(min(bound - high * rows - log(max(sharper, 1.0)), 0.0))


def _log_chance(size: int, n: int, m: int) -> float:
    return lgamma(n + 1) - lgamma(n - size + 1) - lgamma(n + m + 1) + lgamma(n + m - size + 1)


def _moments(tilt: float, size: Floats, number: Floats, log_chance: Floats) -> tuple[float, float, float]:
    """Return the cumulant function of S at `tilt`, and its first and second derivative there."""
    with np.errstate(divide="ignore"):
        stays = np.log(-np.expm1(np.minimum(log_chance, 0.0)))
    comes = log_chance + tilt * size
    either = np.logaddexp(stays, comes)
    share = np.exp(comes - either)
    return float(number @ either), float(number @ (size * share)), float(number @ (size**2 * share * (1 - share)))
