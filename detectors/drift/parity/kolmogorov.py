"""Upper tail of Kolmogorov's two-sided statistic of n rows, by the method SciPy takes for each n and distance: for long samples."""

from math import ceil, exp, floor, lgamma, log, pi, sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FEW = 140
"""Rows up to which the middle is exact; beyond, Pelz and Good's expansion takes its place."""
FAR_FEW, FAR = 4.0, 2.2
"""n d^2 from which twice the one-sided tail is taken."""
NEAR = 1.4
"""n d^1.5 up to which the exact middle is cheap at any n."""
NOTHING = 370.0
"""n d^2 from which no double is left."""


def kolmogorov_sf(n: int, distance: float) -> float:
    """Return P(D_n >= distance). The cases are those of Simard and L'Ecuyer (Journal of Statistical Software 39, 2011).

    >>> round(kolmogorov_sf(10, 0.2), 12)
    0.74871904
    """
    scaled, squared = n * distance, n * distance * distance
    if distance >= 1 or squared >= NOTHING:
        return 0.0
    if scaled <= 0.5:
        return 1.0
    if scaled <= 1:
        return 1 - float(np.prod(np.arange(1, n + 1) / n * (2 * scaled - 1)))
    if scaled >= n - 1:
        return 2 * (1 - distance) ** n
    if distance >= 0.5 or squared >= (FAR_FEW if n <= FEW else FAR):
        return min(2 * _one_sided(n, distance), 1.0)
    middle = _exact(n, distance) if n <= FEW or n * distance**1.5 <= NEAR else _expanded(n, distance)
    return float(min(max(1 - middle, 0.0), 1.0))


def _one_sided(n: int, distance: float) -> float:
    """Return Smirnov's exact one-sided tail."""
    total = 0.0
    for j in range(floor(n * (1 - distance)) + 1):
        rest = 1 - distance - j / n
        if rest <= 0:
            continue
        total += exp(
            lgamma(n + 1) - lgamma(j + 1) - lgamma(n - j + 1) + (j - 1) * log(distance + j / n) + (n - j) * log(rest) + log(distance)
        )
    return total


def _exact(n: int, distance: float) -> float:
    """Return P(D_n < distance) by Durbin's matrix as Marsaglia, Tsang and Wang raise it to its power (JSS 8, 2003)."""
    cells = ceil(n * distance)
    size, part = 2 * cells - 1, cells - n * distance
    row, column = np.indices((size, size))
    step = row - column + 1
    matrix = np.where(step >= 0, 1.0, 0.0)
    powers = part ** np.arange(1, size + 1)
    matrix[:, 0] -= powers
    matrix[-1, :] -= powers[::-1]
    matrix[-1, 0] += max(2 * part - 1, 0.0) ** size
    matrix /= np.exp([[lgamma(max(value, 0) + 1) for value in line] for line in step.tolist()])
    result, shift = _power(matrix, n)
    logarithm = lgamma(n + 1) - n * log(n) + shift
    return float(result[cells - 1, cells - 1]) * exp(logarithm)


def _power(matrix: Floats, exponent: int) -> tuple[Floats, float]:
    """Return a matrix to a power and the logarithm of what was divided out so that nothing overflows."""
    result, shift, base, base_shift = np.eye(len(matrix)), 0.0, matrix, 0.0
    while exponent:
        if exponent & 1:
            result, shift = result @ base, shift + base_shift
            scale = float(np.abs(result).max())
            result, shift = result / scale, shift + log(scale)
        base, base_shift = base @ base, 2 * base_shift
        scale = float(np.abs(base).max())
        base, base_shift = base / scale, base_shift + log(scale)
        exponent >>= 1
    return result, shift


def _expanded(n: int, distance: float) -> float:
    """Return P(D_n < distance) by Pelz and Good's expansion (JRSS B 38, 1976)."""
    z = sqrt(n) * distance
    halves, wholes = (np.arange(20) + 0.5) ** 2 * pi**2, np.arange(1, 20) ** 2 * pi**2
    at_halves, at_wholes = 2 * np.exp(-halves / (2 * z**2)), 2 * np.exp(-wholes / (2 * z**2))
    root = sqrt(pi / 2)
    first = root / z * at_halves.sum()
    second = root / (6 * z**4) * ((halves - z**2) * at_halves).sum()
    third = root / (72 * z**7) * ((6 * z**6 + 2 * z**4 + (2 * z**4 - 5 * z**2) * halves + (1 - 2 * z**2) * halves**2) * at_halves).sum()
    third -= root / (36 * z**3) * (wholes * at_wholes).sum()
    terms = (5 - 30 * z**2) * halves**3 + (-60 * z**2 + 212 * z**4) * halves**2 + (135 * z**4 - 96 * z**6) * halves - 30 * z**6 - 90 * z**8
    fourth = root / (6480 * z**10) * (terms * at_halves).sum()
    fourth += root / (216 * z**6) * ((3 * wholes * z**2 - wholes**2) * at_wholes).sum()
    return float(first + second / sqrt(n) + third / n + fourth / n**1.5)
