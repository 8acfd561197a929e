"""Upper tails of the F, t, chi-square and normal distributions, as logarithms: a p of 1e-4000 is still told from 1e-300."""

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detectors.drift.factorials import deviance, log_binomial_mass, stirling_error

Floats = NDArray[np.float64]

_BLOCK = 8192  # elements that stay in the processor's cache while a fraction converges
_STEPS = 100_000  # far more than any fraction below needs; ends the loop on NaN
_PRECISION = 1e-15


def log_f_sf(x: ArrayLike, d1: ArrayLike, d2: ArrayLike) -> Floats:
    """Return log P(F >= x) with d1 and d2 degrees of freedom, all real and positive, elementwise; 0 for x <= 0.

    >>> np.exp(log_f_sf(2.5, 1.0, 55.0)).round(12).item()
    0.119580613542
    """
    value, numerator, denominator = (np.asarray(part, np.float64) for part in (x, d1, d2))
    odds = np.maximum(value, 0) * numerator / denominator
    return log_incomplete_beta(denominator / 2, numerator / 2, 1 / (1 + odds), odds / (1 + odds))


def log_t_sf(x: ArrayLike, df: ArrayLike) -> Floats:
    """Return log P(t >= x) with df degrees of freedom, elementwise.

    >>> np.exp(log_t_sf(1.5, 11.0)).round(12).item()
    0.080879008528
    """
    value, freedom = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(df, np.float64))
    tail = log_f_sf(value * value, 1.0, freedom) - math.log(2)
    return np.where(value > 0, tail, np.log1p(-np.exp(tail)))


def log_chi2_sf(x: ArrayLike, df: ArrayLike) -> Floats:
    """Return log P(chi2 >= x) with df degrees of freedom, elementwise; 0 for x <= 0.

    >>> np.exp(log_chi2_sf(3.0, 2.0)).round(12).item()
    0.223130160148
    """
    half, shape = np.broadcast_arrays(np.maximum(np.asarray(x, np.float64), 0) / 2, np.asarray(df, np.float64) / 2)
    result = np.zeros(half.shape)
    upper = half > shape + 1
    lower = ~upper & (half > 0)
    result[upper] = _log_gamma_front(half[upper], shape[upper]) + np.log(_gamma_fraction(half[upper], shape[upper]))
    front = _log_gamma_front(half[lower], shape[lower])
    result[lower] = np.log1p(-np.exp(front) * _gamma_series(half[lower], shape[lower]))
    return result


def log_normal_sf(x: ArrayLike) -> Floats:
    """Return log P(N(0, 1) >= x), elementwise.

    >>> np.exp(log_normal_sf(1.959963984540054)).round(12).item()
    0.025
    """
    value = np.asarray(x, np.float64)
    tail = log_chi2_sf(value * value, 1.0) - math.log(2)
    return np.where(value > 0, tail, np.log1p(-np.exp(tail)))


def normal_isf(p: float) -> float:
    """Return the x with P(N(0, 1) >= x) = p, 0 < p < 1.

    >>> round(normal_isf(0.025), 9)
    1.959963985
    """
    return -NormalDist().inv_cdf(p)


def f_isf(log_p: ArrayLike, d1: ArrayLike, d2: ArrayLike) -> Floats:
    """Return the x with log P(F >= x) = log_p < 0, elementwise: Newton on the logarithms, kept between brackets.

    >>> f_isf(np.log(0.119580613542), 1.0, 55.0).round(8).item()
    2.5
    """
    target, numerator, denominator = np.broadcast_arrays(*(np.asarray(part, np.float64) for part in (log_p, d1, d2)))
    low, high = np.full(target.shape, -700.0), np.full(target.shape, 700.0)
    log_x = np.zeros(target.shape)
    for _ in range(200):
        x = np.exp(log_x)
        tail = log_f_sf(x, numerator, denominator)
        low, high = np.where(tail > target, log_x, low), np.where(tail > target, high, log_x)
        odds = x * numerator / denominator
        a, b = denominator / 2, numerator / 2
        slope = np.log(a * b / (a + b)) + log_binomial_mass(a, a + b, 1 / (1 + odds), odds / (1 + odds)) - tail
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            step = log_x + (tail - target) / np.exp(slope)
        # The ends belong to it: a step that stays where it is has arrived. NaN is outside.
        inside = (step >= low) & (step <= high)
        following = np.where(inside, step, (low + high) / 2)
        if np.all(np.abs(following - log_x) < 1e-13):
            break
        log_x = following
    return np.exp(log_x)


def chi2_isf(log_p: ArrayLike, df: ArrayLike) -> Floats:
    """Return the x with log P(chi2 >= x) = log_p < 0, elementwise: Newton on the logarithms, kept between brackets.

    >>> chi2_isf(np.log(0.05), 1.0).round(8).item()
    3.84145882
    """
    target, freedom = np.broadcast_arrays(np.asarray(log_p, np.float64), np.asarray(df, np.float64))
    # No tail reaches further: B. Laurent and P. Massart, Annals of Statistics 28, 2000, lemma 1.
    low, high = np.full(target.shape, -700.0), np.log(freedom + 2 * np.sqrt(-freedom * target) - 2 * target)
    log_x = np.minimum(np.log(freedom), high)
    for _ in range(200):
        x = np.exp(log_x)
        tail = log_chi2_sf(x, freedom)
        low, high = np.where(tail > target, log_x, low), np.where(tail > target, high, log_x)
        slope = np.log(freedom / 2) + _log_gamma_front(x / 2, freedom / 2) - tail
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            step = log_x + (tail - target) / np.exp(slope)
        inside = (step >= low) & (step <= high)  # False for NaN
        following = np.where(inside, step, (low + high) / 2)
        settled = bool(np.all(np.abs(following - log_x) < 1e-11))
        log_x = following
        if settled:
            break
    found: Floats = np.exp(log_x)
    return found


def log_incomplete_beta(a: ArrayLike, b: ArrayLike, x: ArrayLike, y: ArrayLike) -> Floats:
    """Return log I_x(a, b), the regularised incomplete beta function, elementwise; y = 1 - x is given, so that neither is rounded.

    The continued fraction of DiDonato and Morris (ACM TOMS 708, 1992), on the side where it converges fast.
    """
    a_, b_, x_, y_ = (np.ravel(part) for part in np.broadcast_arrays(*(np.asarray(part, np.float64) for part in (a, b, x, y))))
    result = np.empty(a_.shape)
    for start in range(0, len(result), _BLOCK):
        part = slice(start, start + _BLOCK)
        result[part] = _log_incomplete_beta(a_[part], b_[part], x_[part], y_[part])
    shape = np.broadcast_shapes(np.shape(a), np.shape(b), np.shape(x), np.shape(y))
    return result.reshape(shape)


def _log_incomplete_beta(a: Floats, b: Floats, x: Floats, y: Floats) -> Floats:
    result = np.where(y > 0, -np.inf, 0.0)
    inner = np.flatnonzero((x > 0) & (y > 0))
    a, b, x, y = a[inner], b[inner], x[inner], y[inner]
    swap = x * (a + b + 2) > a + 1
    first, second = np.where(swap, b, a), np.where(swap, a, b)
    near, far = np.where(swap, y, x), np.where(swap, x, y)
    front = np.log(first * second / (first + second)) + log_binomial_mass(first, first + second, near, far)
    tail = front - np.log(_beta_fraction(first, second, near, far))
    with np.errstate(divide="ignore"):
        result[inner] = np.where(swap, np.log1p(-np.minimum(np.exp(tail), 1.0)), np.minimum(tail, 0.0))
    return result


def _beta_fraction(a: Floats, b: Floats, x: Floats, y: Floats) -> Floats:
    result = np.empty(a.shape)
    if not len(a):
        return result
    rows = np.arange(len(a))
    inverse = 1 / (a + 1)
    drift = a * y - b * x + 1
    value = a * drift * inverse
    above, below = value, np.zeros(a.shape)
    for m in range(1, _STEPS):
        following = 1 / (a + (2 * m + 1))
        carry = m * (b - m) * x * (1 / (a + (2 * m - 1)))
        top = (a + (m - 1)) * (a + b + (m - 1)) * carry * x * (1 / (a + (2 * m - 1)))
        bottom = m + carry + (a + m) * (drift + m * (1 + y)) * following
        below = 1 / (bottom + top * below)
        above = bottom + top / above
        factor = above * below
        value = value * factor
        if m % 4 == 0:  # looking for what has converged costs as much as a step
            active = np.abs(factor - 1) > _PRECISION
            if not active.all():
                result[rows[~active]] = value[~active]
                if not active.any():
                    return result
                rows = rows[active]
                a, b, x, y, drift, value, above, below = (part[active] for part in (a, b, x, y, drift, value, above, below))
    result[rows] = value
    return result


def _log_gamma_front(x: Floats, shape: Floats) -> Floats:
    """Return log of x^shape e^-x / Gamma(shape + 1)."""
    return -stirling_error(shape) - deviance(shape, x) - 0.5 * np.log(2 * math.pi * shape)


def _gamma_series(x: Floats, shape: Floats) -> Floats:
    term, total = np.ones(x.shape), np.ones(x.shape)
    for step in range(1, _STEPS):
        term = term * x / (shape + step)
        total = total + term
        if np.all(term < _PRECISION * total):
            break
    return total


def _gamma_fraction(x: Floats, shape: Floats) -> Floats:
    """Return the fraction that turns the front into Q(shape, x), by Lentz's method."""
    bottom = x + 1 - shape
    above, below = np.full(x.shape, 1e300), 1 / bottom
    value = below
    for step in range(1, _STEPS):
        top = -step * (step - shape)
        bottom = bottom + 2
        below = 1 / (top * below + bottom)
        above = bottom + top / above
        factor = above * below
        value = value * factor
        if np.all(np.abs(factor - 1) < _PRECISION):
            break
    return value * shape
