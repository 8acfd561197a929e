"""How often scores came true in the reference: a calibration of probabilities, and what is left uncertain of it."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from detectors.decay.isotonic import isotonic
from detectors.decay.score_bins import Floats, Ints, means

LEAST_CLASS = 30
"""Rows of either class a reference must have."""
_BELOW = 3.0
"""Standard errors below pure chance from which on a ranking is the wrong way round; a model that tells nothing is not."""


@dataclass(frozen=True, slots=True)
class ScoreCalibration:
    """What a score stands for, learnt from rows with labels."""

    scores: Floats
    """[k] scores at which the fitted rate is known, rising; between two of them it is interpolated."""
    fitted: Floats
    """[k] rate of positives by isotonic regression."""
    steps: NDArray[np.intp]
    """[k] which step of the regression each of them is in."""
    step_rates: Floats
    """[m] rate of each step, drawn in a little from 0 and 1: what its variance is taken at."""
    step_rows: Floats
    """[m] reference rows in each step."""
    applied: bool
    """Whether the regression is used; else scores are probabilities as they are."""

    def rates(self, scores: Floats) -> Floats:
        """Return the expected share of positives among rows of these scores; beyond the reference, that of its nearest score."""
        return np.interp(scores, self.scores, self.fitted) if self.applied else scores

    def step_of(self, scores: Floats) -> NDArray[np.intp]:
        """Return the step whose reference rows the rate at each score rests on."""
        middles = (self.scores[1:] + self.scores[:-1]) / 2
        return self.steps[np.searchsorted(middles, scores)]


def calibrate(rows: Ints, positives: Ints, inside: Ints) -> ScoreCalibration:
    """Fit a reference's rows, positives among them, and sums of `inside`, each (BINS,).

    The regression is applied where its Brier score on the reference is lower by more than twice the noise that it can have fitted: the
    binomial variance summed over its steps (Mallows' criterion, with the steps as degrees of freedom: Meyer and Woodroofe, Annals of
    Statistics 28, 2000). It is then closer to the truth than the scores, in expectation and squared. Nothing is drawn or split.

    Raises ValueError with too few rows of either class, and for scores that surely rank positives below negatives.
    """
    hits, misses = int(positives.sum()), int((rows - positives).sum())
    if min(hits, misses) < LEAST_CLASS:
        raise ValueError(f"{hits} positive and {misses} negative rows; {LEAST_CLASS} of each are needed")
    known = rows > 0
    count, hit, score = rows[known].astype(np.float64), positives[known].astype(np.float64), means(rows, inside)[known]
    below = np.cumsum(count - hit) - (count - hit) / 2
    # Of the Mann-Whitney statistic of scores that tell nothing, without ties, which only make it smaller.
    error = sqrt(hits * misses * (hits + misses + 1) / 12)
    if float(hit @ below) < hits * misses / 2 - _BELOW * error:
        raise ValueError("rows of high probability are positive less often than others: is it the probability of the positive class?")
    found = isotonic(hit / count, count)
    fitted = found.fitted()
    gain = hit @ ((1 - score) ** 2 - (1 - fitted) ** 2) + (count - hit) @ (score**2 - fitted**2)
    noise = float(np.sum(found.levels * (1 - found.levels)))
    return ScoreCalibration(
        score,
        fitted,
        np.repeat(np.arange(len(found.levels)), found.sizes),
        (found.levels * found.weights + 0.5) / (found.weights + 1),
        found.weights,
        bool(gain > 2 * noise),
    )
