"""A detector whose verdict stands in the rows: what decides on its findings is tried without teaching it a distribution."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from detectors.catalog import MODEL_DECAY_SEVERITY, MODEL_PERFORMANCE, Metric
from detectors.types import Batch, Finding, Level, Plain, Profile, Score, Step, Window

NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Weather:
    """`drift` of the rows: 2 is a window that pages, 1 an ordinary one, 0 nothing can be said. `error`: how far errors rose, NaN unknown."""

    metrics: ClassVar[tuple[Metric, ...]] = (MODEL_DECAY_SEVERITY, MODEL_PERFORMANCE)

    def restore(self, saved: Plain | None) -> "Weather":  # noqa: ARG002 - the protocol of a detector
        """There is nothing to keep."""
        return self

    def plain(self) -> Plain:
        """There is nothing to keep."""
        return {}

    def observe(self, state: "Weather", batch: Batch) -> Profile:  # noqa: ARG002 - the protocol of a detector
        """Keep the largest of each, in hundredths, as tallies."""
        tallies = {}
        for name in ("drift", "error"):
            column = batch.features.get(name)
            if isinstance(column, np.ndarray) and not np.isnan(column.astype(np.float64)).all():
                tallies[name] = {str(round(float(np.nanmax(column.astype(np.float64))) * 100)): 1}
        return Profile({}, tallies)

    def step(self, state: "Weather", window: Window, profile: Profile) -> Step:  # noqa: ARG002 - the protocol of a detector
        """Say what the rows said."""
        drift, error = (max((int(text) / 100 for text in profile.tallies.get(name, {})), default=NAN) for name in ("drift", "error"))
        level: Level | None = "page" if drift >= 2 else None
        status = "calibrated" if drift >= 1 else "insufficient"
        finding = Finding("data", "amount", "fixed", drift, 1.0, drift, 0.01, 100, NAN, "sd", level, status, {}, "as the rows say")
        named = {"metric": "error", "basis": "realised"}
        scores = (
            ()
            if np.isnan(error)
            else (
                Score(MODEL_DECAY_SEVERITY, error, {**named, "method": "cusum"}),
                Score(MODEL_PERFORMANCE, 1 - error / 10, {"metric": "accuracy", "basis": "realised"}),
            )
        )
        return Step(self, scores, (finding,))
