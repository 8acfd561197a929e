"""Sums of float64 that are exact: integers by exponent, so that they add up to the same whatever the order or the cut."""

from collections.abc import Mapping
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

_FRACTION = 53
"""Bits of a float64's fraction, with the hidden one."""
_LOW = 27
"""Bits of it in the lower part: sums of 2^26 rows of either part are below 2^53, where float64 counts without a gap."""
_ROWS = 2**26
_SMALLEST = -1073
"""Exponent of the smallest float64 that is not 0."""


def tally(values: NDArray[np.float64]) -> dict[str, int]:
    """Return the sum of finite values, as exponent and part to integer; tallies of parts of the rows add up. Empty for no rows.

    >>> tally(np.array([1.0, 0.5, 0.5])) == {"1h": 2**25, "0h": 2**26}
    True
    """
    found: dict[str, int] = {}
    for start in range(0, len(values), _ROWS):
        fraction, exponent = np.frexp(values[start : start + _ROWS])
        whole = np.ldexp(fraction, _FRACTION).astype(np.int64)
        for part, integers in (("h", whole >> _LOW), ("l", whole & (2**_LOW - 1))):
            sums = np.bincount(exponent - _SMALLEST, integers.astype(np.float64))
            for place in np.flatnonzero(sums).tolist():
                name = f"{place + _SMALLEST}{part}"
                found[name] = found.get(name, 0) + int(sums[place])
    return found


def product(one: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Return two columns whose sum is exactly one times other, the rounded product first; for factors from 1e-140 to 1e150, or 0.

    Dekker, Numerische Mathematik 18, 1971.

    >>> rounded, rest = product(np.array([2.0**27 + 1]), np.array([2.0**27 + 1]))
    >>> int(rounded[0]) + int(rest[0]) == (2**27 + 1) ** 2
    True
    """
    rounded = one * other
    (high, low), (other_high, other_low) = _halves(one), _halves(other)
    return rounded, low * other_low - (((rounded - high * other_high) - low * other_high) - high * other_low)


def times(parts: tuple[NDArray[np.float64], ...], factor: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Return columns whose sum is that of `parts` times the factor, to about 2^-100 of it."""
    first, *rest = parts
    return (*product(first, factor), *(part * factor for part in rest))


def _halves(value: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the upper 26 bits of the fractions, and what is left."""
    shifted = value * (2.0**27 + 1)
    high = shifted - (shifted - value)
    return high, value - high


def total(tallied: Mapping[str, int]) -> Fraction:
    """Return the exact sum.

    >>> total(tally(np.array([1e300, 1.0, -1e300])))
    Fraction(1, 1)
    """
    parts = [(int(name[:-1]) - _FRACTION + (_LOW if name[-1] == "h" else 0), count) for name, count in tallied.items()]
    least = min((power for power, _ in parts), default=0)
    whole = sum(count << (power - least) for power, count in parts)
    return Fraction(whole) * (Fraction(2) ** least)
