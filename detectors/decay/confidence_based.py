"""Estimates how good a classifier is before labels come, from how often its probabilities came true in the reference.

The method is confidence-based performance estimation (CBPE, NannyML): calibrated probabilities say how many rows of each answer are truly
positive, and so the whole confusion matrix. It sees what moves the scores. It cannot see that the same scores come true less often than
they did (concept drift): only labels tell that, and `trust` says so once they do.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from detectors import catalog
from detectors.catalog import Metric
from detectors.decay import answers, score_bins
from detectors.decay.estimating import estimate
from detectors.decay.expected_metrics import METRICS
from detectors.decay.score_bins import BINS
from detectors.decay.score_reference import ScoreReference, reference_from
from detectors.types import Batch, Plain, Profile, Score, Step, Window

ROWS, INSIDE = "rows", "inside"
"""Counts: rows by answer and bin of the probability, answers after each other; sums of places within the bins."""
LEAST_ROWS = 30
"""Rows below which a window has no estimate."""

Name = Literal["accuracy", "precision", "recall", "specificity", "f1", "auc", "average_precision", "log_loss", "brier"]


@dataclass(frozen=True, slots=True)
class ConfidenceBased:
    """Estimates the metrics of a two-class classifier without labels, from its probabilities and a reference with labels."""

    metrics: ClassVar[tuple[Metric, ...]] = (
        catalog.MODEL_PERFORMANCE,
        catalog.MODEL_PERFORMANCE_LOWER,
        catalog.MODEL_PERFORMANCE_UPPER,
        catalog.MODEL_PERFORMANCE_SAMPLES,
    )

    positive: str = "1"
    """The class that `columns.probability` is the probability of. `1` and `true` are one class."""
    threshold: float = 0.5
    """Probability from which on a row is answered positive, where `columns.prediction` is not given."""
    only: tuple[Name, ...] = ()
    """Metrics to estimate; empty: all nine."""

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"threshold: must be from 0 to 1, not {self.threshold:g}")

    def restore(self, saved: Plain | None) -> ScoreReference:
        """Return the reference of a saved state, or an empty one: without a reference nothing is estimated."""
        return ScoreReference() if saved is None else reference_from(saved)

    def observe(self, state: ScoreReference, batch: Batch) -> Profile:
        """Count rows by answer and bin. Rows without an answer or with a probability outside [0, 1] are not counted."""
        found = answers.read(batch.columns, self.positive, self.threshold) if batch.kind == "rows" and state.calibration else None
        if found is None:
            return Profile()
        places = score_bins.place(found.probabilities)
        rows = np.bincount(places.bins + BINS * found.positive, minlength=2 * BINS).astype(np.int64)
        return Profile({ROWS: rows, INSIDE: score_bins.count(places)[1]})

    def step(self, state: ScoreReference, window: Window, profile: Profile) -> Step:  # noqa: ARG002 - an estimate needs no past
        """Return the estimates of a closed window."""
        return Step(state, tuple(self._scores(state, profile)))

    def _scores(self, state: ScoreReference, profile: Profile) -> Iterator[Score]:
        if state.calibration is None or ROWS not in profile.counts:
            return
        rows = profile.counts[ROWS].reshape(2, BINS)
        yield Score(catalog.MODEL_PERFORMANCE_SAMPLES, float(rows.sum()), {"basis": "estimated"})
        if rows.sum() < LEAST_ROWS:
            return
        for found in estimate(state.calibration, rows, profile.counts[INSIDE], self.only or METRICS):
            about = {"metric": found.metric, "basis": "estimated"}
            yield Score(catalog.MODEL_PERFORMANCE, found.value, about)
            yield Score(catalog.MODEL_PERFORMANCE_LOWER, found.lower, about)
            yield Score(catalog.MODEL_PERFORMANCE_UPPER, found.upper, about)
