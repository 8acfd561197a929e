"""Ranking metrics from counts of scores in fixed cells: AUC with DeLong's interval, average precision."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from detectors.decay.measured import Measured, logit_interval, wilson_of
from detectors.drift import float_bits

_HALF = int(float_bits.cells(np.array([0.5]))[0])


def cells(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the cell of each probability, rising with it: 1/512 wide at one half, and finer towards both 0 and 1.

    >>> cells(np.array([0.25, 0.5, 0.75])).tolist()
    [-256, 0, 256]
    """
    low = float_bits.cells(np.minimum(scores, 0.5)) - _HALF
    high = _HALF - float_bits.cells(np.minimum(1.0 - scores, 0.5))
    return np.where(scores <= 0.5, low, high)


def tally(scores: NDArray[np.float64]) -> dict[str, int]:
    """Count scores by cell; tallies of parts of the rows add up."""
    found, rows = np.unique(cells(scores), return_counts=True)
    return dict(zip(map(str, found.tolist()), rows.tolist(), strict=True))


def reversed_tally(tallied: Mapping[str, int]) -> dict[str, int]:
    """Return the tally of 1 - score: cells are mirrored at one half.

    >>> reversed_tally(tally(np.array([0.25, 0.9]))) == tally(np.array([0.75, 0.1]))
    True
    """
    return {str(-int(cell)): rows for cell, rows in tallied.items()}


def curve_metrics(positive: Mapping[str, int], negative: Mapping[str, int], dispersion: float) -> tuple[Measured, ...]:
    """Return AUC and average precision of tallied scores of positives and negatives; nothing where one of both is missing.

    Scores in one cell count as tied. The AUC's interval has DeLong's variance (Biometrics 44, 1988), on the logit scale.
    """
    found = sorted({int(name) for name in (*positive, *negative)})
    ups = np.array([positive.get(str(cell), 0) for cell in found], np.float64)
    downs = np.array([negative.get(str(cell), 0) for cell in found], np.float64)
    if not ups.sum() or not downs.sum():
        return ()
    return _auc(ups, downs, dispersion), _average_precision(ups, downs, dispersion)


def _auc(ups: NDArray[np.float64], downs: NDArray[np.float64], dispersion: float) -> Measured:
    above = (np.cumsum(downs) - downs / 2) / downs.sum()
    below = 1 - (np.cumsum(ups) - ups / 2) / ups.sum()
    area = float(np.average(above, weights=ups))
    variance = dispersion * (_spread(above, ups, area) + _spread(below, downs, area))
    least = float(min(ups.sum(), downs.sum()))
    if variance <= 0 or least < 2:
        # Every pair in order, or one row alone: DeLong's interval would have no width, or half of it.
        return Measured("auc", area, *wilson_of(area, least / dispersion))
    # On the logit scale: near 1 the plain interval is too narrow, and leaves what an area may be.
    return Measured("auc", area, *logit_interval(area, area * (1 - area) / variance))


def _spread(placements: NDArray[np.float64], weights: NDArray[np.float64], centre: float) -> float:
    rows = float(weights.sum())
    return float(weights @ (placements - centre) ** 2) / (rows - 1) / rows if rows > 1 else 0.0


def _average_precision(ups: NDArray[np.float64], downs: NDArray[np.float64], dispersion: float) -> Measured:
    found, seen = np.cumsum(ups[::-1]), np.cumsum((ups + downs)[::-1])
    value = float((ups[::-1] / ups.sum() * (found / seen)).sum())
    return Measured("average_precision", value, *logit_interval(value, float(ups.sum()) / dispersion))
