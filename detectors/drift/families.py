"""The line of each family of sub-tests, from the reference's own worst windows (statistics rule 5.5)."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from detectors.drift.statistics import Test

Floats = NDArray[np.float64]

Families = tuple[tuple[str, float, tuple[Test, ...]], ...]
"""Name, share of the budget, sub-tests. A sub-test of several goes by the lowest of their lines."""

FAMILIES: Final[Families] = (
    ("shape", 0.5, ("shape",)),
    ("moment", 0.25, ("location", "scale")),
    ("rare", 0.25, ("missing", "new")),
)
"""Those of the rule."""

WITH_LOCATION: Final[Families] = (*FAMILIES, ("location", 0.125, ("location",)))
"""Those where sums over days are judged too. Spread has the heavier tail, and the line of both would hide a shift; so location has
one of its own, at half their share, and goes by the lower of the two."""

_TAIL = 0.2
# A budget of an alarm in every other window or more is no test at all; the cap keeps the line above 0.
_LARGEST_LEVEL = 0.5


@dataclass(frozen=True, slots=True)
class Line:
    """Where a family's strength becomes unusual."""

    threshold: float
    upper_fifth: float
    """The 80 % quantile of the windows' largest strengths."""
    slope: float
    """Of the exponential tail above it; 0 where nothing lies above."""


def line(largest: Floats, share: float, budget: float, windows_a_month: float) -> Line:
    """Return the line of a family from its largest strength in each reference window [windows], at least one.

    >>> line(np.array([0.1, 0.2, 0.3, 0.4, 1.4]), 0.5, 1.0, 30.0).threshold > 1.4
    True
    """
    level = min(share * budget / windows_a_month, _LARGEST_LEVEL)
    plain = -float(np.log10(level))
    upper = float(np.quantile(largest, 1 - _TAIL))
    excess = largest - upper
    excess = excess[excess > 0]
    slope = float(excess.mean()) * (1 + 1 / float(np.sqrt(len(excess)))) if len(excess) else 0.0
    if level >= _TAIL and len(excess):
        return Line(max(plain, float(np.quantile(largest, 1 - level))), upper, slope)
    return Line(max(plain, upper + slope * float(np.log(_TAIL / level)) if len(excess) else upper), upper, slope)
