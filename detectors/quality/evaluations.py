"""What judged answers say of a window: weighted mean scores and pass shares with intervals."""

from collections.abc import Iterator, Mapping
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from detectors import catalog
from detectors.intervals import Z95
from detectors.quality.clusters import Keys, within
from detectors.quality.weighted_rate import weighted_rate
from detectors.types import Score

LEAST_VERDICTS = 10
"""Equally weighted verdicts below which there is no mean: only how many there were is told."""

Floats = NDArray[np.float64]


def scores_of(
    verdicts: Mapping[str, tuple[Floats, Floats]], passes_from: float, calibrated: str = "no", seeds: Mapping[str, Keys] | None = None
) -> Iterator[Score]:
    """Yield the gauges of a window: `verdicts` maps an evaluator to scores from 1 to 5 and how likely each was to be judged.

    What has no verdict yields the count 0 and nothing else: a gap, no zero. Verdicts of one of an evaluator's `seeds`, which are of one
    conversation, count as one.

    >>> found = list(scores_of({"fluency": (np.array([4.0] * 20), np.full(20, 0.1))}, 3.0))
    >>> [(score.metric.name, score.value) for score in found][:2]
    [('driftline.evaluation.samples', 20), ('driftline.evaluation.score.mean', 4.0)]
    """
    for evaluator, (values, probabilities) in verdicts.items():
        attributes = {"evaluator": evaluator, "calibrated": calibrated}
        yield Score(catalog.EVALUATION_SAMPLES, len(values), attributes)
        if not len(values):
            continue
        weights = 1 / probabilities
        shares = weights / weights.sum()
        drawn = None if seeds is None else seeds.get(evaluator)
        together = shares if drawn is None else within(drawn, shares)
        if 1 / float(np.square(together).sum()) < LEAST_VERDICTS:
            continue
        # Rounded: equal scores have that score as their mean, whatever their weights.
        mean = round(float(shares @ values), 12)
        # Cochran's variance of a ratio; a small sample is one judge's few opinions, so n - 1.
        off = shares * (values - mean)
        spread = float(np.square(off if drawn is None else within(drawn, off)).sum()) * len(together) / (len(together) - 1)
        reach = Z95 * sqrt(spread)
        yield Score(catalog.EVALUATION_MEAN, mean, attributes)
        yield Score(catalog.EVALUATION_LOWER, max(mean - reach, 1.0), attributes)
        yield Score(catalog.EVALUATION_UPPER, min(mean + reach, 5.0), attributes)
        passed = weighted_rate(values >= passes_from, probabilities, seeds=drawn)
        yield Score(catalog.EVALUATION_PASS, passed.value, attributes)
        yield Score(catalog.EVALUATION_PASS_LOWER, passed.lower, attributes)
        yield Score(catalog.EVALUATION_PASS_UPPER, passed.upper, attributes)
