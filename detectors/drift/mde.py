"""The smallest change that would be seen with 80 % power, for each sub-test and window (statistics rule 5.9)."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from detectors.drift.rates import log_rate_tail

Floats = NDArray[np.float64]

_POWER = 0.8416  # the 80 % quantile of the normal distribution
_BRANCHES = 16


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
    goal, now, past, past_rows = critical[rows], n[rows], r[rows], m[rows]
    unlikely = _smallest(now, lambda x, at: _raw(x, now[at], past[at], past_rows[at]) >= goal[at, None])
    # The tail is dear, and the same for all features of the same counts: one family has one level.
    distinct, which = np.unique(np.stack([log_level[rows], now, past, past_rows]), axis=1, return_inverse=True)
    level, rows_now, hits, rows_past = distinct
    rare = _smallest(rows_now, lambda x, at: _tail(x, rows_now[at], hits[at], rows_past[at]) <= level[at, None])
    x = np.maximum(unlikely, rare[which.reshape(-1)])
    found = x <= now
    result[rows[found]] = (x / now - past / past_rows)[found]
    return result


def _smallest(largest: Floats, reached: Callable[[Floats, NDArray[np.intp]], NDArray[np.bool_]]) -> Floats:
    """Return the smallest whole x from 1 to `largest` that reaches, elementwise; one more than that where none does.

    `reached` takes candidates [elements, branches] and which elements they are for, and is monotone in x.
    """
    low, high = np.zeros(len(largest)), largest + 1  # low does not reach, high does or is impossible
    while len(at := np.flatnonzero(high - low > 1)):
        below, above = low[at, None], high[at, None]
        steps = np.arange(1, _BRANCHES) / _BRANCHES
        tried = np.clip(np.floor(below + (above - below) * steps), below + 1, above - 1)
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
