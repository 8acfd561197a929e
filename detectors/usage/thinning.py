"""Counts of calls of which samplers upstream let only some through: each that came stands for several, and so do the sums."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.drift.survival import chi2_isf
from detectors.intervals import wilson
from detectors.types import Batch

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WEIGHT = "weight"
"""float64 column of calls: how many calls one stands for; left out where no sampler upstream is known."""
MOST = 16_384.0
"""The largest weight: its square, in parts of a call, may be added up 30 million times."""
UNIT = 1024
"""Weights are added up in such parts of a call: whole numbers, so that the order of adding does not matter."""
_TAIL = np.log(0.025)


def weights_of(batch: Batch) -> Floats | None:
    """Return the weight of each call; None where all count once. What is no number from 1 to `MOST` counts once."""
    column = batch.columns.get(WEIGHT)
    if not isinstance(column, np.ndarray):
        return None
    given = column.astype(np.float64)
    return np.where((given >= 1) & (given <= MOST), given, 1.0)


def beyond(weights: Floats, rows: NDArray[np.bool_]) -> tuple[int, int]:
    """Return what the weights of some rows add to their number, and what their squares do, both in parts of a call.

    >>> beyond(np.array([4.0, 1.0, 10.0]), np.array([True, True, False]))
    (3072, 15360)
    """
    chosen = weights[rows]
    return int(np.rint((chosen - 1) * UNIT).astype(np.int64).sum()), int(np.rint((np.square(chosen) - 1) * UNIT).astype(np.int64).sum())


@dataclass(frozen=True, slots=True)
class Weighed:
    """A number of calls, and what their weights make of it."""

    calls: int
    """Calls that came."""
    more: int = 0
    """What their weights add, in parts of a call."""
    squares: int = 0
    """What the squares of their weights add, in the same."""

    def __sub__(self, other: "Weighed") -> "Weighed":
        return Weighed(self.calls - other.calls, self.more - other.more, self.squares - other.squares)

    @property
    def total(self) -> float:
        """Calls there were, as estimated."""
        return self.calls + self.more / UNIT

    @property
    def square(self) -> float:
        """Sum of the squared weights."""
        return self.calls + self.squares / UNIT

    @property
    def effective(self) -> float:
        """How many calls of equal weight would tell as much: (Σw)² / Σw²."""
        return self.total**2 / self.square if self.calls else 0.0

    @property
    def bounds(self) -> tuple[float, float]:
        """The 95 % interval of the calls there were: at least those that came.

        The variance of a sum of weights is Σw(w - 1), each call being kept or not by itself. Around it lies a gamma
        distribution (M. Fay, E. Feuer, Statistics in Medicine 16, 1997), whose upper bound supposes one call more.

        >>> Weighed(50).bounds
        (50.0, 50.0)
        >>> [round(bound) for bound in Weighed(50, 50 * 9 * UNIT, 50 * 99 * UNIT).bounds]
        [377, 651]
        """
        spread = self.square - self.total
        if spread <= 0:
            return float(self.calls), max(float(self.calls), self.total)
        hidden, largest = self.total, self.square / self.total
        lower = spread / (2 * hidden) * float(chi2_isf(np.log(0.975), 2 * hidden**2 / spread))
        grown, wider = hidden + largest, spread + largest * (largest - 1)
        upper = wider / (2 * grown) * float(chi2_isf(_TAIL, 2 * grown**2 / wider))
        return max(lower, float(self.calls)), max(upper, hidden)

    def share(self, hits: "Weighed") -> tuple[float, float, float]:
        """Return the share of `hits` among these calls, with its 95 % interval: Wilson's, on the effective number.

        Raises ZeroDivisionError for no calls.

        >>> [round(found, 3) for found in Weighed(10).share(Weighed(1))]
        [0.1, 0.018, 0.404]
        """
        if not self.squares:
            return (hits.calls / self.calls, *wilson(hits.calls, self.calls))
        trials = self.effective
        value = min(hits.total / self.total, 1.0)
        lower, upper = wilson(value * trials, trials)
        return value, lower, upper
