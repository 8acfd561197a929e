"""Whether the level of a series stepped for good: the newest windows lie beyond nearly all before them."""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RECENT = 8
"""Windows a step must last …"""
STRAY = 1
"""… all but so many."""
LEAST_BEFORE = 32
MARGIN = 1.5
"""Times the farthest that as many windows in a row lay from the level before."""
LEAST_STEP = float(np.log2(1.1))
"""A smaller step is none: 10 %."""


@dataclass(frozen=True, slots=True)
class Shift:
    """The newest windows against those before; all in powers of two."""

    step: float
    """Median of the newest over the median of those before."""
    statistic: float
    """How far all but one of the newest lie from the median of those before, on the side of the step; negative: on the other."""
    threshold: float
    """1.5 times as far as any as many in a row before, at least 10 %."""

    @property
    def severity(self) -> float:
        """Above 1 the level has stepped."""
        return max(self.statistic / self.threshold, 0.0)


def shift(levels: Floats) -> Shift | None:
    """Compare the last 8 levels (log2) with all before; None where there are too few before.

    The line is what the series itself did: the farthest that 7 of 8 windows in a row lay from the median, with a margin. So
    levels that come every day, and levels that last for hours by themselves, raise it. A burst shorter than 7 windows says nothing.

    >>> calm = np.tile([0.0, 0.1, -0.1, 0.05], 24)
    >>> round(shift(np.concatenate([calm, calm[:8] + 1])).severity, 1)
    6.4
    """
    if len(levels) < LEAST_BEFORE + RECENT:
        return None
    before, recent = levels[:-RECENT], levels[-RECENT:]
    center = float(np.median(before))
    side = 1.0 if np.median(recent) >= center else -1.0
    stretches = np.sort(np.abs(sliding_window_view(before, RECENT) - center), axis=1)[:, STRAY]
    statistic = float(np.sort(side * (recent - center))[STRAY])
    return Shift(float(np.median(recent)) - center, statistic, max(MARGIN * float(stretches.max()), LEAST_STEP))
