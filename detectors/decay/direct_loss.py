"""Estimates how large a regression model's errors are before labels come, from what its inputs and answers led to in the reference.

The method is direct loss estimation (DLE, NannyML): a second model learns the size of the error of each row of the reference, and its mean
over a window is the estimate. It sees inputs move to where the model is known to be worse or better. It cannot see that the same inputs
lead to other truths than they did (concept drift), nor what the reference has no rows of.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from typing import ClassVar, Literal

import numpy as np

from detectors import catalog
from detectors.catalog import Metric
from detectors.decay import error_features
from detectors.decay.error_model import PREDICTION, ErrorModel, model_from
from detectors.decay.estimating import Estimate
from detectors.intervals import Z95
from detectors.types import Batch, Plain, Profile, Score, Step, Window

LEAST_ROWS = 30
"""Rows below which a window has no estimate."""

Name = Literal["mae", "mape", "mse", "rmse", "msle", "rmsle"]
_ROOTS: dict[Name, Name] = {"rmse": "mse", "rmsle": "msle"}
ALL: tuple[Name, ...] = ("mae", "mape", "mse", "rmse", "msle", "rmsle")


@dataclass(frozen=True, slots=True)
class DirectLoss:
    """Estimates the error of a regression model without labels, from its inputs, its answers and a reference with labels."""

    metrics: ClassVar[tuple[Metric, ...]] = (
        catalog.MODEL_PERFORMANCE,
        catalog.MODEL_PERFORMANCE_LOWER,
        catalog.MODEL_PERFORMANCE_UPPER,
        catalog.MODEL_PERFORMANCE_SAMPLES,
    )

    only: tuple[Name, ...] = ()
    """Metrics to estimate; empty: all six."""

    def restore(self, saved: Plain | None) -> ErrorModel:
        """Return the model of a saved state, or an empty one: without a reference nothing is estimated."""
        return ErrorModel() if saved is None else model_from(saved)

    def observe(self, state: ErrorModel, batch: Batch) -> Profile:
        """Sum up the errors expected of the rows that have an answer."""
        answer = batch.columns.get(PREDICTION)
        if batch.kind != "rows" or state.losses is None or not isinstance(answer, np.ndarray):
            return Profile()
        answered = np.isfinite(answer)
        codes = error_features.code(state.codings, {**batch.features, PREDICTION: answer}, batch.rows)[:, answered]
        counts = {}
        for name, loss in state.losses.items():
            counts[f"{name}/rows"], counts[f"{name}/sum"] = loss.count(codes)
        return Profile(counts)

    def step(self, state: ErrorModel, window: Window, profile: Profile) -> Step:  # noqa: ARG002 - an estimate needs no past
        """Return the estimates of a closed window."""
        return Step(state, tuple(self._scores(state, profile)))

    def _scores(self, state: ErrorModel, profile: Profile) -> Iterator[Score]:
        if "mae/rows" not in profile.counts:
            return
        yield Score(catalog.MODEL_PERFORMANCE_SAMPLES, float(profile.counts["mae/rows"].sum()), {"basis": "estimated"})
        for found in estimates(state, profile):
            if not self.only or found.metric in self.only:
                about = {"metric": found.metric, "basis": "estimated"}
                yield Score(catalog.MODEL_PERFORMANCE, found.value, about)
                yield Score(catalog.MODEL_PERFORMANCE_LOWER, found.lower, about)
                yield Score(catalog.MODEL_PERFORMANCE_UPPER, found.upper, about)


def estimates(state: ErrorModel, profile: Profile) -> Iterator[Estimate]:
    """Yield the estimated metrics of a window of at least LEAST_ROWS rows, with 95 % intervals of the realised value."""
    for metric in ALL:
        root = metric in _ROOTS
        name = _ROOTS.get(metric, metric)
        loss = (state.losses or {}).get(name)
        rows = profile.counts.get(f"{name}/rows")
        if loss is None or rows is None or rows.sum() < LEAST_ROWS:
            continue
        value, variance = loss.mean(rows, profile.counts[f"{name}/sum"])
        reach = Z95 * sqrt(variance)
        bounds = (value, max(value - reach, 0.0), value + reach)
        yield Estimate(metric, *(sqrt(bound) if root else bound for bound in bounds))
