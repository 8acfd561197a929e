"""By how much error shares of windows vary more than independent rows would, also over runs of neighbouring windows."""

import numpy as np
from numpy.typing import NDArray

LEAST_WINDOWS = 8
"""Fewer windows or blocks say nothing of how they vary."""

_CLEARLY = 2.0
"""Eight independent blocks vary by less in 95 of 100 cases."""
_BACK, _RISES = 2, 1.25
"""Blocks four times as long that vary by a quarter more: that is still rising."""


def dispersion(rows: NDArray[np.int64], errors: NDArray[np.int64]) -> float:
    """Return the factor, 1 at least: that of the windows (in time order), or of blocks of 2, 4, 8, … of them where that is larger.

    Means of blocks vary as the sum of all correlations says, however errors of one window go on in the next (batch means;
    Law and Carson, Operations Research 27, 1979). Blocks are doubled as long as there are eight of them.

    >>> dispersion(np.full(8, 100), np.array([5, 15] * 4))
    3.1746031746031744
    """
    return max([1.0, *_factors(rows, errors)])


def clings(rows: NDArray[np.int64], errors: NDArray[np.int64]) -> bool:
    """Whether windows clearly vary more than independent rows would, and the longest blocks not yet as much as still longer ones will.

    Errors that go on for many windows vary more the longer one looks: what few days show of them is too little.

    >>> clings(np.full(16, 100), np.array([10] * 16)), clings(np.full(16, 100), np.array([5] * 8 + [25] * 8))
    (False, True)
    """
    found = _factors(rows, errors)
    return bool(found) and found[-1] > _CLEARLY and (len(found) <= _BACK or found[-1] > _RISES * found[-1 - _BACK])


def _factors(rows: NDArray[np.int64], errors: NDArray[np.int64]) -> list[float]:
    """Return the factor of windows, of blocks of 2, of 4, and so on."""
    found = []
    while len(rows) >= LEAST_WINDOWS:
        found.append(_factor(rows, errors))
        even = len(rows) // 2 * 2
        # The newest windows stay where the number is odd: what changes lately matters more.
        rows, errors = (column[len(column) - even :].reshape(-1, 2).sum(axis=1) for column in (rows, errors))
    return found


def _factor(rows: NDArray[np.int64], errors: NDArray[np.int64]) -> float:
    """Return Pearson's chi-square of the shares over its degrees of freedom."""
    share = errors.sum() / max(rows.sum(), 1)
    if not 0 < share < 1:
        return 1.0
    used = rows > 0
    squares = (errors[used] - rows[used] * share) ** 2 / (rows[used] * share * (1 - share))
    return float(squares.sum() / max(np.count_nonzero(used) - 1, 1))
