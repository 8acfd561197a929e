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


def tally(values: NDArray[np.float64]) -> dict[str, int]:
    """Return the sum of finite values, as exponent and part to integer; tallies of parts of the rows add up. Empty for no rows.

    >>> tally(np.array([1.0, 0.5, 0.5])) == {"1h": 2**25, "0h": 2**26}
    True
    """
    found: dict[str, int] = {}
    for start in range(0, len(values), _ROWS):
        fraction, exponent = np.frexp(values[start : start + _ROWS])
        whole = np.ldexp(fraction, _FRACTION).astype(np.int64)
        present, where = np.unique(exponent, return_inverse=True)
        for part, integers in (("h", whole >> _LOW), ("l", whole & (2**_LOW - 1))):
            sums = np.bincount(where, integers.astype(np.float64), len(present))
            for power, total in zip(present.tolist(), sums.tolist(), strict=True):
                if total:
                    found[f"{power}{part}"] = found.get(f"{power}{part}", 0) + int(total)
    return found


def total(tallied: Mapping[str, int]) -> Fraction:
    """Return the exact sum.

    >>> total(tally(np.array([1e300, 1.0, -1e300])))
    Fraction(1, 1)
    """
    parts = [(int(name[:-1]) - _FRACTION + (_LOW if name[-1] == "h" else 0), count) for name, count in tallied.items()]
    least = min((power for power, _ in parts), default=0)
    whole = sum(count << (power - least) for power, count in parts)
    return Fraction(whole) * (Fraction(2) ** least)
