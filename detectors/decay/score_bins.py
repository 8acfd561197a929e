"""Fixed bins of a probability, finest towards 0 and 1, and exact integer counts of rows in them.

A probability q up to 1/2 lies in the bin of its leading bits: 32 bins an octave down to 2^-24, one for what is smaller, one for
exactly 0. Above 1/2 the same bins hold 1 - q, which is exact there. So bins need no reference, and a bin is at most
1/128 wide, and at most 1/32 of the distance to the nearer end.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_BITS, _OCTAVES = 5, 23
_TINY = 2.0**-24
_HALF = 2 + _OCTAVES * 2**_BITS
BINS = 2 * _HALF + 1
"""How many there are; they rise with the probability."""

_FINE = 20
"""Bits that say where in its bin a probability lies: sums of 2^33 rows are exact."""
_FIRST = int(np.float64(_TINY).view(np.int64) >> (52 - _BITS))


@dataclass(frozen=True, slots=True)
class Places:
    """Where probabilities lie."""

    bins: NDArray[np.intp]
    """[n] bin of each."""
    inside: Ints
    """[n] how far from the end nearer to 0 or 1, in 2^-20 of the bin's width."""


def place(probabilities: Floats) -> Places:
    """Return where each probability lies; all must be within [0, 1].

    >>> place(np.array([0.0, 0.5, 1.0])).bins.tolist()
    [0, 738, 1476]
    """
    upper = probabilities > 0.5
    distance = np.where(upper, 1.0 - probabilities, probabilities) + 0.0  # no -0.0, whose bits are those of no small number
    bits = distance.view(np.int64)
    tiny = distance < _TINY
    bins = np.where(tiny, distance > 0, (bits >> (52 - _BITS)) - _FIRST + 2)
    inside = np.where(tiny, (distance * (2.0**_FINE / _TINY)).astype(np.int64), (bits >> (52 - _BITS - _FINE)) & (2**_FINE - 1))
    return Places(np.where(upper, BINS - 1 - bins, bins).astype(np.intp), inside)


def count(places: Places) -> tuple[Ints, Ints]:
    """Return rows of each bin and the sum of `inside` in it, both (BINS,): integers that add up however rows are cut."""
    rows = np.bincount(places.bins, minlength=BINS).astype(np.int64)
    return rows, np.bincount(places.bins, places.inside.astype(np.float64), minlength=BINS).astype(np.int64)


def _starts() -> tuple[Floats, Floats]:
    octave, step = np.divmod(np.arange(_OCTAVES * 2**_BITS), 2**_BITS)
    base = _TINY * 2.0**octave
    start = np.concatenate([[0.0, 0.0], base * (1 + step / 2**_BITS), [0.5]])
    return start, np.concatenate([[0.0, _TINY], base / 2**_BITS, [0.0]])


_START, _WIDTH = _starts()


def means(rows: Ints, inside: Ints) -> Floats:
    """Return the mean probability of each bin, (BINS,), to 2^-20 of its width; of an empty one its middle."""
    share = np.where(rows > 0, inside / np.maximum(rows, 1) / 2**_FINE, 0.5)
    lower = _START + share[: _HALF + 1] * _WIDTH
    return np.concatenate([lower, (1.0 - (_START + share[::-1][: _HALF + 1] * _WIDTH))[:-1][::-1]])
