"""The smallest change that would be seen with 80 % power, for each sub-test and window (statistics rule 5.9)."""

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
    goal, level, now, past, past_rows = critical[rows], log_level[rows], n[rows], r[rows], m[rows]
    low, high = np.zeros(len(rows)), now + 1  # low does not reach, high does or is impossible
    while np.any(high - low > 1):
        steps = np.arange(1, _BRANCHES) / _BRANCHES
        tried = np.unique(np.floor(low[:, None] + (high - low)[:, None] * steps), axis=1)
        tried = np.clip(tried, np.minimum(low + 1, high - 1)[:, None], (high - 1)[:, None])
        reaches = _reaches(tried, goal, level, now, past, past_rows)
        high = np.min(np.where(reaches, tried, high[:, None]), axis=1)
        low = np.max(np.where(~reaches & (tried < high[:, None]), tried, low[:, None]), axis=1)
    found = high <= now
    result[rows[found]] = (high / now - past / past_rows)[found]
    return result


def _reaches(x: Floats, critical: Floats, level: Floats, n: Floats, r: Floats, m: Floats) -> NDArray[np.bool_]:
    critical, level, n, r, m = (part[:, None] for part in (critical, level, n, r, m))
    rise = x / n - r / m
    share = (x + r + 0.5) / (n + m + 1)
    raw = rise**2 / (share * (1 - share) * (1 / n + 1 / m))
    likely = (rise > 0) & (raw >= critical)
    tail = np.zeros(x.shape)
    full = np.broadcast_arrays(x, n, r, m)
    tail[likely] = log_rate_tail(*(part[likely] for part in full))
    return likely & (tail <= level)
