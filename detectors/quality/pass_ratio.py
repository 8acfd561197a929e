"""The share of a golden set's answers that pass, with an interval that knows repeats of one question are no new questions."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from detectors.intervals import Z95


@dataclass(frozen=True, slots=True)
class PassRatio:
    """A pass ratio with its 95 % interval, all in [0, 1]."""

    value: float
    lower: float
    upper: float
    pairs: int
    answers: int


def pass_ratio(passes: NDArray[np.int64], answers: NDArray[np.int64]) -> PassRatio | None:
    """Return the mean over pairs of the share of answers that pass; None without answers. One count a pair.

    Wilson's interval over the effective sample size, share * (1 - share) over the variance of the mean: as many
    independent answers as tell as much, at least the number of pairs and at most that of answers. C. Franco, R. Little,
    T. Louis and E. Slud, Journal of Survey Statistics and Methodology 7, 2019.

    >>> once = pass_ratio(np.array([1] * 9 + [0]), np.ones(10, np.int64))
    >>> once and (round(once.value, 2), round(once.lower, 4), round(once.upper, 4))
    (0.9, 0.5958, 0.9821)
    """
    asked = answers > 0
    pairs, total = int(asked.sum()), int(answers[asked].sum())
    if not pairs:
        return None
    shares = passes[asked] / answers[asked]
    value = float(shares.mean())
    spread = float(shares.var()) / pairs
    effective = float(pairs)
    if spread > 0:
        effective = min(max(value * (1 - value) / spread, float(pairs)), float(total))
    square = Z95 * Z95
    centre = value + square / (2 * effective)
    reach = Z95 * sqrt(max(value * (1 - value), 0.0) / effective + square / (4 * effective * effective))
    scale = 1 + square / effective
    lower = (centre - reach) / scale if value > 0 else 0.0
    upper = (centre + reach) / scale if value < 1 else 1.0
    return PassRatio(value, min(lower, value), max(upper, value), pairs, total)
