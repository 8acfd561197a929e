"""Errors of a model rose for good, as labels tell."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import ClassVar

from alerts.rule import Observation, Reading
from alerts.rules.options import AT_ONCE, Span
from detectors import catalog
from detectors.catalog import Metric
from detectors.decay.words import ERRORS
from detectors.types import Level, Score

PROVISIONAL = "adwin"
"""The method that speaks as long as the usual error is not known."""
_SHOWN = ("accuracy", "f1", "auc", "mae", "rmse")
"""Metrics that stand in the message, where the model has them."""


@dataclass(frozen=True, slots=True)
class Decay:
    """The answers of a model are wrong more often, or by more, than usual. Told by labels; a warning before the usual error, and how much it varies, is known."""

    name: ClassVar[str] = "decay"
    metrics: ClassVar[tuple[Metric, ...]] = (
        catalog.MODEL_DECAY_SEVERITY,
        catalog.MODEL_PERFORMANCE,
        catalog.MODEL_ESTIMATE_TRUST,
        catalog.REFERENCE_STATUS,
    )
    levels: ClassVar[tuple[Level, ...]] = ("warning", "page")

    enabled: bool = True
    """Whether the rule is read."""
    hold: Span = AT_ONCE
    """How long a breach must last to fire; the tests already wait for what chance would not bring."""
    keep_firing: Span = timedelta(days=1)
    """How long it must be clear to resolve."""

    def read(self, observation: Observation) -> Reading | None:
        """Return what the labels of a window say of the errors; None where they say nothing."""
        found = [score for score in observation.scores if score.metric is catalog.MODEL_DECAY_SEVERITY and _believed(observation, score)]
        if not found:
            return None
        worst = max(found, key=lambda score: score.value)
        reading = Reading(
            self.name,
            observation.stream,
            breached=worst.value > 1,
            severity="page" if _sure(observation, worst) else "warning",
            metric=catalog.MODEL_DECAY_SEVERITY,
            statistic=worst.value,
            threshold=1.0,
            window=observation.window,
        )
        if worst.value <= 1:
            return reading
        stream, shown = observation.stream, _shown(observation, worst)
        numbers = ", ".join(f"{name} {value:.4g}" for name, value in shown.items())
        what = "are wrong more often" if worst.attributes["metric"] == "error" else "are wrong by more"
        return replace(
            reading,
            values={"severity": worst.value, **shown},
            details={**worst.attributes, "explanation": f"answers {what} than usual ({worst.attributes['method']})"},
            summary=f"{stream.endpoint}/{stream.deployment}: answers {what} than usual: {numbers}",
        )


def _sure(observation: Observation, worst: Score) -> bool:
    """Whether it rests on labels, and on a usual error of which it is known how much it varies. An estimate wakes nobody."""
    provisional = observation.value(catalog.REFERENCE_STATUS, reference=ERRORS, status="provisional")
    return worst.attributes["basis"] == "realised" and worst.attributes["method"] != PROVISIONAL and not provisional


def _believed(observation: Observation, score: Score) -> bool:
    """Whether labels bear it out, where it is an estimate: one that they contradict says nothing."""
    if score.attributes["basis"] != "estimated":
        return True
    return not any(
        one.metric is catalog.MODEL_ESTIMATE_TRUST
        and one.value
        and (one.attributes["metric"], one.attributes["status"]) == (score.attributes["metric"], "not_trustworthy")
        for one in observation.scores
    )


def _shown(observation: Observation, worst: Score) -> dict[str, float]:
    """Return the metrics of the window that stand in the message."""
    basis = worst.attributes["basis"]
    found = {
        score.attributes["metric"]: score.value
        for score in observation.scores
        if score.metric is catalog.MODEL_PERFORMANCE and score.attributes["basis"] == basis
    }
    return {name: found[name] for name in _SHOWN if name in found}
