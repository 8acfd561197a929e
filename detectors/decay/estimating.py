"""Turns counts of scores and a calibration into estimated metrics with 95 % intervals."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import sqrt

import numpy as np

from detectors.decay.expected_metrics import METRICS, Cells
from detectors.decay.score_bins import Ints, means
from detectors.decay.score_calibration import ScoreCalibration
from detectors.intervals import Z95

_UNBOUNDED = ("log_loss",)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric of a window whose labels are not known."""

    metric: str
    value: float
    lower: float
    upper: float
    """The realised value lies between the two in 95 of 100 windows, as long as scores come true as often as in the reference.

    Two errors are in it: which of the window's rows turn out positive, and how well the reference tells the rate of each score.
    """


def estimate(calibration: ScoreCalibration, rows: Ints, inside: Ints, metrics: Iterable[str]) -> Iterator[Estimate]:
    """Yield the metrics that are defined. `rows` is [2, BINS] by answer and bin; `inside` [BINS] is the sum of places in each bin."""
    used = rows.sum(axis=0) > 0
    if not used.any():
        return
    counted = rows[:, used].astype(np.float64)
    scores = means(rows.sum(axis=0), inside)[used]
    cells = Cells(counted, calibration.rates(scores), scores)
    step = calibration.step_of(scores)
    rates = calibration.step_rates[step]
    spread = counted * rates * (1 - rates)
    of_reference = calibration.step_rates * (1 - calibration.step_rates) / calibration.step_rows
    for metric in metrics:
        expected = METRICS[metric](cells)
        if np.isnan(expected.value):
            continue
        of_labels = float(np.sum(spread * expected.slopes**2))
        lean = np.bincount(step, (counted * expected.slopes).sum(axis=0), minlength=len(of_reference))
        reach = Z95 * sqrt(of_labels + float(np.sum(of_reference * lean**2)))
        upper = expected.value + reach
        yield Estimate(metric, expected.value, max(expected.value - reach, 0.0), upper if metric in _UNBOUNDED else min(upper, 1.0))
