"""Times as integers: a fine logarithmic histogram that merges by addition and gives percentiles within 0.8 %."""

import numpy as np
from numpy.typing import NDArray

SHORTEST = 2.0**-14
"""Seconds (61 microseconds): anything faster falls into cell 0 and reads as half of it."""

LONGEST = 2.0**17
"""Seconds (36 hours): anything slower counts as this."""

_BITS = 6
_PER_OCTAVE = 2**_BITS
_SHIFT = 52 - _BITS
_FIRST = int(np.float64(SHORTEST).view(np.int64)) >> _SHIFT


def usable(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the times that are times: finite, not negative; cut at LONGEST. Seconds."""
    return np.minimum(values[np.isfinite(values) & (values >= 0)], LONGEST)


def cells(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Count usable times into cells: 64 an octave, each at most 1/64 of its lower end wide; no trailing zeros.

    The cell is the exponent and the first 6 bits of the mantissa, so it is exact integer arithmetic.

    >>> int(cells(np.array([1.0, 1.01])).sum()), len(cells(np.array([])))
    (2, 0)
    """
    return np.bincount(place(values)).astype(np.int64, copy=False)


def place(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the cell of each usable time.

    >>> place(np.array([0.0, SHORTEST])).tolist()
    [0, 1]
    """
    found: NDArray[np.int64] = np.maximum((np.ascontiguousarray(values).view(np.int64) >> _SHIFT) - (_FIRST - 1), 0)
    return found


def quantile(counts: NDArray[np.int64], share: float) -> float:
    """Return the value at position (n - 1) * share between order statistics; NaN without counts. Seconds.

    Off by at most 1/128 of the exact value, or by half of SHORTEST if that is more.

    >>> round(quantile(cells(np.array([1.0, 2.0, 3.0])), 0.5), 1)
    2.0
    """
    upto = np.cumsum(counts)
    if not len(upto) or not upto[-1]:
        return float("nan")
    position = (int(upto[-1]) - 1) * share
    below = int(position)
    low, high = (_middle(int(np.searchsorted(upto, rank, side="right"))) for rank in (below, min(below + 1, int(upto[-1]) - 1)))
    return low + (high - low) * (position - below)


def _middle(cell: int) -> float:
    if cell == 0:
        return SHORTEST / 2
    octave, part = divmod(cell - 1, _PER_OCTAVE)
    return float(SHORTEST * 2.0**octave * (1 + (part + 0.5) / _PER_OCTAVE))
