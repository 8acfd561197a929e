"""The mean of a judge or a heuristic corrected by a few human labels: power-tuned prediction-powered inference."""

from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from detectors.drift.survival import f_isf

Floats = NDArray[np.float64]

LEAST_LABELS = 20
"""Labels below which no corrected mean is given: its interval would be a guess."""


@dataclass(frozen=True, slots=True)
class Corrected:
    """A mean as people would have given it, with its 95 % interval."""

    value: float
    lower: float
    upper: float
    labels: int
    tuning: float
    """How much the scores are trusted: 0 leaves the labels alone, 1 takes a point of score for a point of label."""
    saving: float
    """How many labels one label is worth thanks to the scores; 1: they help nothing."""


def corrected_mean(labels: Floats, scores: Floats, population: Floats, *, low: float = -np.inf, high: float = np.inf) -> Corrected | None:
    """Return the mean that labels of all items would have, or None with fewer than 20 labels.

    `labels` and `scores` belong to the same items, drawn uniformly; `population` holds the scores of all items, those included.
    `low` and `high` bound what a mean can be. Raises ValueError for lengths that differ or numbers that are not finite.

    PPI++ for a mean (A. Angelopoulos, J. Duchi, T. Zrnic, arXiv 2311.01453), with Student's t, since 100 labels are few. Never
    wider than the labels alone, whatever the scores are worth.

    >>> rng = np.random.default_rng(1)
    >>> truth = rng.random(2000) < 0.3
    >>> score = np.where(rng.random(2000) < 0.9, truth, ~truth).astype(float)
    >>> found = corrected_mean(truth[:100].astype(float), score[:100], score, low=0, high=1)
    >>> round(found.value, 3), round(found.saving, 1)
    (0.304, 2.5)
    """
    if len(labels) != len(scores):
        raise ValueError(f"{len(labels)} labels for {len(scores)} scores")
    if not all(bool(np.isfinite(numbers).all()) for numbers in (labels, scores, population)):
        raise ValueError("labels and scores are finite numbers; leave out what was not judged")
    known, everything = len(labels), len(population)
    if known < LEAST_LABELS or everything < known:
        return None
    spread = float(population.var())
    both = float(np.cov(labels, scores)[0, 1])
    tuning = both / (spread * (1 + known / everything)) if spread > 0 else 0.0
    left = labels - tuning * scores
    # Two numbers are estimated from the labels: their mean, and the tuning.
    rest = float(np.square(left - left.mean()).sum()) / (known - 2)
    alone = float(labels.var(ddof=1)) / known
    variance = rest / known + tuning * tuning * spread / everything
    if variance > alone:
        # Scores that only add noise are left out: the labels speak for themselves.
        tuning, variance, left = 0.0, alone, labels
    value = tuning * float(population.mean()) + float(left.mean())
    reach = sqrt(variance) * student(known - 2)
    return Corrected(
        min(max(value, low), high),
        max(value - reach, low),
        min(value + reach, high),
        known,
        tuning,
        alone / variance if variance > 0 else 1.0,
    )


@lru_cache(maxsize=1024)
def student(freedom: int) -> float:
    """Return the two-sided 95 % quantile of Student's t: the square of t is F with one degree of freedom.

    >>> round(student(98), 4)
    1.9845
    """
    return sqrt(float(f_isf(np.log(0.05), 1.0, float(freedom))))
