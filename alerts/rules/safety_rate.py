"""The content filter finds too large a share of calls unsafe."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from alerts.category_share import CategoryShare, reading_of
from alerts.rule import Observation, Reading
from alerts.rules.options import AT_ONCE, CALM, Count, Loud, Span, Threshold
from alerts.share import Share
from detectors import catalog
from detectors.catalog import Metric
from detectors.types import Level, Score

ATTACKS = {"jailbreak": 0.02, "indirect_attack": 0.02}
"""Attempts on the application itself: fewer of them are worth an alert."""


@dataclass(frozen=True, slots=True)
class SafetyRate:
    """The content filter annotates or blocks too large a share of calls, in some category and direction."""

    name: ClassVar[str] = "safety_rate"
    metrics: ClassVar[tuple[Metric, ...]] = (catalog.SAFETY_UNSAFE, catalog.SAFETY_UNSAFE_LOWER, catalog.SAFETY_SAMPLES)

    enabled: bool = True
    """Whether the rule is read."""
    threshold: Threshold = 0.05
    """Breached where the lower 95 % bound of a category's unsafe share is above this."""
    thresholds: Mapping[str, Threshold] = field(default_factory=dict)
    """Category to a threshold of its own; left out, jailbreak and indirect_attack have 0.02."""
    min_samples: Count = 5
    """Fewer checked calls in the window say nothing."""
    at_least: Count = 3
    """Unsafe calls in the window it takes to breach."""
    severity: Loud = "page"
    """How loud it is."""
    hold: Span = AT_ONCE
    """How long a breach must last to fire."""
    keep_firing: Span = CALM
    """How long it must be clear to resolve."""

    @property
    def levels(self) -> tuple[Level, ...]:
        """Return the one severity it has."""
        return (self.severity,)

    def read(self, observation: Observation) -> Reading | None:
        """Return the worst category: by its verdict, then by how far the bound is above its threshold."""
        found = [self._category(observation, score) for score in observation.scores if score.metric is catalog.SAFETY_SAMPLES]
        # `any` mixes categories with thresholds of their own.
        told = [one for one in found if one.category != "any"]
        return reading_of(told, self.name, self.severity, observation, catalog.SAFETY_UNSAFE_LOWER, "calls were unsafe")

    def _category(self, observation: Observation, samples: Score) -> CategoryShare:
        category, direction = samples.attributes["category"], samples.attributes["direction"]
        ratio, lower = (
            observation.value(metric, **samples.attributes) or 0.0 for metric in (catalog.SAFETY_UNSAFE, catalog.SAFETY_UNSAFE_LOWER)
        )
        threshold = {**ATTACKS, **self.thresholds}.get(category, self.threshold)
        return CategoryShare.judged(category, direction, Share(ratio, lower, samples.value), threshold, self.min_samples, self.at_least)
