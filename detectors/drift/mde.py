"""The smallest change that would be seen with 80 % power, for each sub-test and window (statistics rule 5.9)."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from detectors.drift.rates import log_rate_tail

Floats = NDArray[np.float64]

_POWER = 0.8416  # the 80 % quantile of the normal distribution
_BRANCHES = 16
_NEAR = 2.0 ** np.arange(5)


def location_mde(critical: Floats, dispersion: Floats, n: Floats, m: Floats) -> Floats:
    """Return the shift in reference rank-sd, elementwise, from the critical T*, phi, and the rows now and in the reference."""
    return (np.sqrt(critical) + _POWER * np.sqrt(dispersion)) * np.sqrt(1 / n + 1 / m)


def shape_mde(critical: Floats, dispersion: Floats, freedom: Floats, n: Floats, m: Floats) -> Floats:
    """Return the PSI, elementwise; `freedom` is the number of groups less one."""
    excess = freedom * critical / dispersion - freedom
    root = np.sqrt(np.maximum(4 * _POWER**2 + 2 * freedom + 4 * excess, 0))
    noncentral = np.maximum(0, excess + 2 * _POWER**2 + _POWER * root)
    return np.where(np.isnan(critical), np.nan, noncentral * dispersion * (1 / n + 1 / m))


def rare_mde(critical: Floats, log_level: Floats, n: Floats, r: Floats, m: Floats) -> Floats:
    """Return the smallest rise in share of rows that is seen, elementwise.

    Its count x of n has a T of at least `critical` and a tail P(X >= x) of at most exp(log_level); NaN where not even x = n has.
    """
    result = np.full(n.shape, np.nan)
    rows = np.flatnonzero(np.isfinite(critical) & (n > 0) & (m > 0))
    goal, level, now, past, past_rows = critical[rows], log_level[rows], n[rows], r[rows], m[rows]
    x = _smallest(np.zeros(len(rows)), now, lambda x, at: _raw(x, now[at], past[at], past_rows[at]) >= goal[at, None])
    # The tail is dear, and seldom asks for more than the statistic does.
    short = np.flatnonzero(x <= now)
    short = short[_tail(x[short, None], now[short], past[short], past_rows[short])[:, 0] > level[short]]
    first, most, hits, of, least = x[short], now[short], past[short], past_rows[short], level[short]
    x[short] = _smallest(first, most, lambda x, at: _tail(x, most[at], hits[at], of[at]) <= least[at, None])
    found = x <= now
    result[rows[found]] = (x / now - past / past_rows)[found]
    return result


def _smallest(before: Floats, largest: Floats, reached: Callable[[Floats, NDArray[np.intp]], NDArray[np.bool_]]) -> Floats:
    """Return the smallest whole x beyond `before` up to `largest` that reaches, elementwise; one more than that where none does.

    `reached` takes candidates [elements, branches] and which elements they are for, and is monotone in x.
    """
    low, high = before.copy(), largest + 1  # low does not reach, high does or is impossible
    near = True
    while len(at := np.flatnonzero(high - low > 1)):
        below, above = low[at, None], high[at, None]
        branches = int(min(_BRANCHES, (above - below).max()))
        # What lies close to `before` is found by doubling steps, the rest by cutting.
        steps = _NEAR if near else (above - below) * np.arange(1, branches) / branches
        near = False
        tried = np.clip(np.floor(below + steps), below + 1, above - 1)
        reaches = reached(tried, at)
        high[at] = np.min(np.where(reaches, tried, above), axis=1)
        low[at] = np.max(np.where(~reaches & (tried < high[at, None]), tried, below), axis=1)
    return high


def _raw(x: Floats, n: Floats, r: Floats, m: Floats) -> Floats:
    n, r, m = n[:, None], r[:, None], m[:, None]
    rise = x / n - r / m
    share = (x + r + 0.5) / (n + m + 1)
    return np.where(rise > 0, rise**2 / (share * (1 - share) * (1 / n + 1 / m)), -np.inf)


def _tail(x: Floats, n: Floats, r: Floats, m: Floats) -> Floats:
    full = np.broadcast_arrays(x, n[:, None], r[:, None], m[:, None])
    return log_rate_tail(*(part.ravel() for part in full)).reshape(x.shape)
