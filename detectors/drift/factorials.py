"""Log-gamma, and binomial probabilities that keep their precision for counts of ten million."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)
_SERIES = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400)
_SHIFT = 8


def log_gamma(z: ArrayLike) -> Floats:
    """Return log Gamma(z) for z > 0, elementwise.

    >>> np.exp(log_gamma(5.0)).round(12).item()
    24.0
    """
    values = np.asarray(z, np.float64)
    shifted = values + _SHIFT
    product = np.ones_like(values)
    for step in range(_SHIFT):
        product = product * (values + step)
    return (shifted - 0.5) * np.log(shifted) - shifted + _HALF_LOG_TWO_PI + _stirling_series(shifted) - np.log(product)


def stirling_error(z: ArrayLike) -> Floats:
    """Return log z! minus Stirling's approximation of it, for z >= 0 (0 at z = 0, where the approximation does not exist)."""
    values = np.asarray(z, np.float64)
    error = np.zeros_like(values)
    large = values >= _SHIFT
    error[large] = _stirling_series(values[large])
    small = (values > 0) & ~large
    if small.any():
        part = values[small]
        error[small] = log_gamma(part + 1) - (part + 0.5) * np.log(part) + part - _HALF_LOG_TWO_PI
    return error


def deviance(x: ArrayLike, mean: ArrayLike) -> Floats:
    """Return x log(x/mean) + mean - x for x >= 0, mean >= 0, without cancellation near x = mean."""
    values, means = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(mean, np.float64))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        excess = (values - means) / means
        near = means * ((1 + excess) * np.log1p(excess) - excess)
        far = np.where(values > 0, values * (np.log(values) - np.log(means)), 0.0) + means - values
    result: Floats = np.where(np.abs(excess) < 1, near, far)
    return result


def log_binomial_mass(x: ArrayLike, n: ArrayLike, p: ArrayLike, q: ArrayLike) -> Floats:
    """Return log of Gamma(n+1)/(Gamma(x+1) Gamma(n-x+1)) p^x q^(n-x), for real 0 < x <= n and q = 1 - p.

    Catherine Loader's saddle-point form (2000): errors do not grow with n.

    >>> np.exp(log_binomial_mass(2.0, 4.0, 0.5, 0.5)).round(12).item()
    0.375
    """
    successes, trials = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(n, np.float64))
    rest = trials - successes
    bulk = stirling_error(trials) - stirling_error(successes) - stirling_error(rest)
    with np.errstate(divide="ignore"):
        spread = np.where(rest > 0, 0.5 * (np.log(trials) - np.log(successes) - np.log(rest)) - _HALF_LOG_TWO_PI, 0.0)
    mass: Floats = bulk + spread - deviance(successes, trials * p) - deviance(rest, trials * q)
    return mass


def _stirling_series(z: Floats) -> Floats:
    inverse = 1 / z
    square = inverse * inverse
    total = np.zeros_like(z)
    for coefficient in reversed(_SERIES):
        total = total * square + coefficient
    return total * inverse
