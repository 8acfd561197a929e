"""Azure AI Content Safety finds too large a share of calls unsafe, as its sample tells."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from alerts.category_share import CategoryShare, reading_of
from alerts.rule import Observation, Reading
from alerts.rules.options import AT_ONCE, CALM, Count, Loud, Span, Threshold
from alerts.rules.safety_rate import ATTACKS
from alerts.share import Share
from detectors import catalog_attacks as catalog
from detectors.metric import Metric
from detectors.types import Level, Score


@dataclass(frozen=True, slots=True)
class ContentSafetyShare:
    """Azure AI Content Safety finds too large a share of calls unsafe, in some category and direction: an estimate from the sample."""

    name: ClassVar[str] = "content_safety"
    metrics: ClassVar[tuple[Metric, ...]] = (
        catalog.SAFETY_CONTENT_SAFETY,
        catalog.SAFETY_CONTENT_SAFETY_LOWER,
        catalog.SAFETY_CONTENT_SAFETY_SAMPLES,
    )

    enabled: bool = True
    """Whether the rule is read."""
    threshold: Threshold = 0.05
    """Breached where the lower 95 % bound of a category's share is above this."""
    thresholds: Mapping[str, Threshold] = field(default_factory=dict)
    """Category to a threshold of its own; left out, jailbreak and indirect_attack have 0.02."""
    least_severity: Literal["low", "medium", "high"] = "medium"
    """From which severity on a call counts, where the category has severities."""
    at_least: Count = 3
    """Unsafe calls it takes in the sample to breach."""
    severity: Loud = "warning"
    """How loud it is. The platform's own filter counts all calls, and pages (safety_rate)."""
    hold: Span = AT_ONCE
    """How long a breach must last to fire."""
    keep_firing: Span = CALM
    """How long it must be clear to resolve."""

    @property
    def levels(self) -> tuple[Level, ...]:
        """Return the one severity it has."""
        return (self.severity,)

    def read(self, observation: Observation) -> Reading | None:
        """Return the worst category; None where nothing was checked, or too little for a share."""
        samples = {
            (score.attributes["category"], score.attributes["direction"]): score.value
            for score in observation.scores
            if score.metric is catalog.SAFETY_CONTENT_SAFETY_SAMPLES
        }
        found = [
            self._category(observation, score, samples[score.attributes["category"], score.attributes["direction"]])
            for score in observation.scores
            if score.metric is catalog.SAFETY_CONTENT_SAFETY and score.attributes["least_severity"] in {self.least_severity, "detected"}
        ]
        lower = catalog.SAFETY_CONTENT_SAFETY_LOWER
        return reading_of(found, self.name, self.severity, observation, lower, "sampled calls were unsafe by Content Safety")

    def _category(self, observation: Observation, share: Score, samples: float) -> CategoryShare:
        category, direction = share.attributes["category"], share.attributes["direction"]
        lower = observation.value(catalog.SAFETY_CONTENT_SAFETY_LOWER, **share.attributes) or 0.0
        threshold = {**ATTACKS, **self.thresholds}.get(category, self.threshold)
        return CategoryShare.judged(category, direction, Share(share.value, lower, samples), threshold, 1, self.at_least)
