"""An e-detector of errors: evidence, valid at any time, that the share rose above a limit, by whatever amount. One step a window."""

from collections.abc import Sequence
from math import exp, log, log1p

_LARGEST = 700.0
"""Logarithm beyond which exp overflows."""


def step(
    evidence: Sequence[float], rows: int, errors: int, *, limit: float, shifts: Sequence[float], dispersion: float
) -> tuple[float, ...]:
    """Return the log of the Shiryaev-Roberts sum against each shifted share: every window may have been the first of the change.

    R becomes (1 + R) L with L the likelihood ratio of the window, shifted against `limit`. As `limit` is what the usual share
    surely stays below, its uncertainty is paid for (Shin, Ramdas and Rinaldo, E-detectors, 2023). A ratio to the power
    1 / `dispersion` is still an e-value where rows are independent.

    >>> [round(value, 3) for value in step((float("-inf"),), 100, 20, limit=0.1, shifts=(0.15,), dispersion=1.0)]
    [3.537]
    """
    found = []
    for before, shifted in zip(evidence, shifts, strict=True):
        gain = errors * log(shifted / limit) + (rows - errors) * log((1 - shifted) / (1 - limit))
        found.append(_plus_one(before) + gain / dispersion)
    return tuple(found)


def statistic(evidence: Sequence[float]) -> float:
    """Return log(1 + R) of the sum mixed over all shifts; 0 without any."""
    largest = max(evidence, default=float("-inf"))
    if largest == float("-inf"):
        return 0.0
    mixed = largest + log(sum(exp(value - largest) for value in evidence) / len(evidence))
    return _plus_one(mixed)


def threshold(run: float) -> float:
    """Return the line that is crossed on average once in at least `run` windows as long as the share is below the limit."""
    return log1p(run)


def capped(evidence: Sequence[float], ceiling: float) -> tuple[float, ...]:
    """Return the evidence, none of it above `ceiling`: what was mended is not called bad for as long as it was."""
    return tuple(min(value, ceiling) for value in evidence)


def _plus_one(value: float) -> float:
    return log1p(exp(value)) if value < _LARGEST else value
