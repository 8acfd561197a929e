"""The mean that people would have given the calls of a window, from scores of all of them and labels of a few calls of earlier windows."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from detectors.quality.prediction_powered import LEAST_LABELS, student

Floats = NDArray[np.float64]

ENOUGH_LABELS = 100
"""Labels from which the interval keeps what it promises, also where scores and labels seldom differ."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Labels and scores of the same calls, and how many calls each stands for; float64, one a call."""

    labels: Floats
    scores: Floats
    weights: Floats


@dataclass(frozen=True, slots=True)
class Scored:
    """Scores of a window's sampled calls, and how many calls each stands for; float64, one a call."""

    scores: Floats
    weights: Floats


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A mean with its 95 % interval."""

    value: float
    lower: float
    upper: float
    labels: int
    slope: float
    """How much of a difference between scores labels show: 0 none of it, 1 all."""


def calibrated_mean(pairs: Pairs, window: Scored, low: float, high: float) -> Calibrated | None:
    """Return the mean label of a window's calls between `low` and `high`, None with fewer labels than `LEAST_LABELS`.

    Supposes that a score means the same in the window as in the calls that were labelled. Raises ValueError for lengths that
    differ, numbers that are not finite, weights that are not positive, or a window without calls.

    Prediction-powered inference (A. Angelopoulos, J. Duchi, T. Zrnic, arXiv 2311.01453) tuned for a population whose scores are
    known, which a small window then misses by its own variance: tuned for the window itself it would follow the scores the
    less, the smaller the window, and hide what changed in it. That makes it the regression estimator of surveys, with the
    variance of its weights (C.-E. Särndal, B. Swensson, J. Wretman, Model Assisted Survey Sampling, 1992, section 6.6).

    >>> rng = np.random.default_rng(1)
    >>> truth = (rng.random(2000) < 0.3).astype(float)
    >>> score = np.where(rng.random(2000) < 0.9, truth, 1 - truth)
    >>> pairs = Pairs(truth[:100], score[:100], np.ones(100))
    >>> found = calibrated_mean(pairs, Scored(score, np.ones(2000)), 0, 1)
    >>> round(found.value, 2), found.lower < 0.3 < found.upper
    (0.3, True)
    """
    _check(pairs, window)
    known = len(pairs.labels)
    shares = pairs.weights / pairs.weights.sum()
    if 1 / float(shares @ shares) < LEAST_LABELS - 1e-9:
        return None
    portions = window.weights / window.weights.sum()
    here = float(portions @ window.scores)
    away = pairs.scores - float(shares @ pairs.scores)
    spread = float(shares @ np.square(away))
    mean = float(shares @ pairs.labels)
    # Labelled calls that all have one score cannot say what a difference means: it is taken as it is.
    slope = float(shares @ (away * pairs.labels)) / spread if spread > 0 else 1.0
    shift = here - float(shares @ pairs.scores)
    left = pairs.labels - mean - slope * away
    apart = np.square(away) / spread if spread > 0 else np.zeros(known)
    pull = shares * (1 + (shift * away / spread if spread > 0 else 0.0))
    error = float(np.square(pull * left).sum()) * known / (known - 2)
    # Calls that agree by chance are no proof that all do: as if one more of each kind disagreed.
    doubt = float(np.square(pull) @ (shares * (1 + apart)))
    unit = 1.0 if high - low <= 1 else (high - low) / 4
    noise = float(np.square(portions * (window.scores - here)).sum())
    variance = max(error, unit * unit * doubt) + slope * slope * noise
    value = mean + slope * shift
    reach = sqrt(variance) * student(known - 2)
    value, lower, upper = (min(max(one, low), high) for one in (value, value - reach, value + reach))
    return Calibrated(value, lower, upper, known, slope)


def _check(pairs: Pairs, window: Scored) -> None:
    sizes = {len(pairs.labels), len(pairs.scores), len(pairs.weights)}
    if len(sizes) != 1 or len(window.scores) != len(window.weights) or not len(window.scores):
        raise ValueError("labels, scores and weights are of the same calls, and a window has calls")
    numbers = (pairs.labels, pairs.scores, pairs.weights, window.scores, window.weights)
    if not all(bool(np.isfinite(one).all()) for one in numbers):
        raise ValueError("labels, scores and weights are finite; leave out what was not judged")
    if not all(bool((one > 0).all()) for one in (pairs.weights, window.weights)):
        raise ValueError("a weight is how many calls one stands for: above 0")
