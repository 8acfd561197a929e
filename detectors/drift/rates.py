"""How surprising a rate is when rows are independent: the upper tail of the beta-binomial distribution."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detectors.drift.factorials import log_binomial_mass

Floats = NDArray[np.float64]

_NEGLIGIBLE = 1e-17
_LARGEST_CHUNK = 4096


def log_rate_tail(x: ArrayLike, n: ArrayLike, r: ArrayLike, m: ArrayLike) -> Floats:
    """Return log P(X >= x) for X ~ BetaBinomial(n, r + 1/2, m - r + 1/2): x of n rows now, r of m rows in the reference.

    Elementwise; 0 <= x <= n and 0 <= r <= m, whole numbers. 0 where x is 0.

    >>> np.exp(log_rate_tail(1, 1000, 0, 55000)).round(9).item()
    0.008968751
    """
    parts = np.broadcast_arrays(*(np.asarray(part, np.float64) for part in (x, n, r, m)))
    hits, rows, past, past_rows = (np.ravel(part) for part in parts)
    a, b = past + 0.5, past_rows - past + 0.5
    result = np.zeros(hits.shape)
    # Below the mean the other tail is summed: its terms shrink from the start.
    upper = np.flatnonzero((hits > 0) & (hits * (a + b) > rows * a))
    if len(upper):
        result[upper] = _log_upper(hits[upper], rows[upper], a[upper], b[upper])
    lower = np.flatnonzero((hits > 0) & (hits * (a + b) <= rows * a))
    if len(lower):
        below = np.exp(_log_upper(rows[lower] - hits[lower] + 1, rows[lower], b[lower], a[lower]))
        with np.errstate(divide="ignore"):
            result[lower] = np.log1p(-np.minimum(below, 1.0))
    return result.reshape(parts[0].shape)


def _log_upper(x: Floats, n: Floats, a: Floats, b: Floats) -> Floats:
    """Sum the masses upward from x >= 1, in chunks that grow, until a term no longer counts."""
    total = np.ones(x.shape)
    rows = np.arange(len(x))
    at, trials, alpha, beta, last = x, n, a, b, np.ones(x.shape)
    chunk = 16
    while len(rows):
        steps = np.arange(chunk)
        rest = np.maximum((trials - at)[:, None] - steps, 0)
        place = at[:, None] + steps
        ratio = rest * (place + alpha[:, None]) / ((place + 1) * (np.maximum(rest - 1, 0) + beta[:, None]))
        terms = np.cumprod(ratio, axis=1) * last[:, None]
        total[rows] += terms.sum(axis=1)
        active = terms[:, -1] > _NEGLIGIBLE * total[rows]
        last = terms[active, -1]
        rows, at, trials, alpha, beta = rows[active], at[active] + chunk, trials[active], alpha[active], beta[active]
        chunk = min(2 * chunk, _LARGEST_CHUNK)
    return _log_mass(x, n, a, b) + np.log(total)


def _log_mass(x: Floats, n: Floats, a: Floats, b: Floats) -> Floats:
    """Return the log of the beta-binomial mass as three negative binomials of one common p, which cancels."""
    size = a + b
    p, q = size / (n + size), n / (n + size)
    return _log_negative_binomial(x, a, p, q) + _log_negative_binomial(n - x, b, p, q) - _log_negative_binomial(n, size, p, q)


def _log_negative_binomial(x: Floats, size: Floats, p: Floats, q: Floats) -> Floats:
    return np.log(size / (size + x)) + log_binomial_mass(size, size + x, p, q)
