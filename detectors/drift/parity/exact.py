"""Exact two-sample distances of raw values: Kolmogorov-Smirnov with its p-value, and Wasserstein."""

from math import gcd

import numpy as np
from numpy.typing import NDArray

from detectors.drift.parity.kolmogorov import kolmogorov_sf

Floats = NDArray[np.float64]

MOST_ROWS = 10_000
"""Rows of the longer sample up to which p is exact; beyond, as SciPy does, it is that of one sample of the harmonic size."""


def ks_statistic(reference: Floats, current: Floats) -> float:
    """Return the largest difference of the two empirical distribution functions.

    >>> ks_statistic(np.array([1.0, 2.0]), np.array([2.0, 3.0]))
    0.5
    """
    then, now = np.sort(reference), np.sort(current)
    both = np.concatenate([then, now])
    gap = np.searchsorted(then, both, side="right") / len(then) - np.searchsorted(now, both, side="right") / len(now)
    return float(np.abs(gap).max())


def ks_p_value(statistic: float, first: int, second: int) -> float:
    """Return the chance of a statistic at least as large, for samples of `first` and `second` rows without ties.

    Exact up to `MOST_ROWS`. Of all equally likely orders of the rows it is the share whose lattice path leaves a band around the diagonal (Hodges,
    Arkiv för Matematik 1958), added up one anti-diagonal at a time.

    >>> round(ks_p_value(0.5, 4, 4), 12)
    0.771428571429
    """
    short, long = sorted((first, second))
    if long > MOST_ROWS:
        return kolmogorov_sf(int(np.round(short * long / (short + long))), statistic)
    common = gcd(short, long)
    across, along = short // common, long // common
    width = int(np.round(statistic * across * long))
    if width == 0:
        return 1.0
    # left[i + 1]: chance that a path to row i of the short sample on this anti-diagonal has left the band.
    left = np.ones(short + 2)
    left[1] = 0.0
    rows = np.arange(short + 1, dtype=np.float64)
    low = high = 0
    for step in range(1, short + long + 1):
        begin = max((step * across - width) // (across + along) + 1, 0, step - long)
        end = min(-((-step * across - width) // (across + along)) - 1, short, step)
        if begin > end:
            return 1.0
        part = rows[begin : end + 1]
        left[begin + 1 : end + 2] = (part * left[begin : end + 1] + (step - part) * left[begin + 1 : end + 2]) / step
        left[low + 1 : begin + 1] = 1.0
        left[end + 2 : high + 2] = 1.0
        low, high = begin, end
    return float(min(max(left[short + 1], 0.0), 1.0))


def wasserstein(reference: Floats, current: Floats) -> float:
    """Return the first Wasserstein distance, the area between the two empirical distribution functions.

    >>> wasserstein(np.array([0.0, 1.0]), np.array([1.0, 2.0]))
    1.0
    """
    then, now = np.sort(reference), np.sort(current)
    both = np.sort(np.concatenate([then, now]))
    places = both[:-1]
    gap = np.searchsorted(then, places, side="right") / len(then) - np.searchsorted(now, places, side="right") / len(now)
    return float(np.sum(np.abs(gap) * np.diff(both)))
