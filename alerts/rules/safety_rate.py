"""The content filter finds too large a share of calls unsafe."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

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
        found = [one for one in found if one.category != "any"]
        if not found:
            return None
        worst, stream = max(found), observation.stream
        names = [f"{one.category} in the {one.direction}" for one in sorted(found, reverse=True) if one.breached]
        return Reading(
            self.name,
            stream,
            worst.breached,
            self.severity,
            catalog.SAFETY_UNSAFE_LOWER,
            worst.share.lower,
            worst.threshold,
            observation.window,
            {**worst.share.values, "categories": len(names)},
            {"category": worst.category, "direction": worst.direction, **({"top_categories": ", ".join(names)} if names else {})},
            worst.share.said(f"calls were unsafe, {worst.category} in the {worst.direction}", stream, worst.threshold),
        )

    def _category(self, observation: Observation, samples: Score) -> "_Category":
        category, direction = samples.attributes["category"], samples.attributes["direction"]
        ratio, lower = (
            observation.value(metric, **samples.attributes) or 0.0 for metric in (catalog.SAFETY_UNSAFE, catalog.SAFETY_UNSAFE_LOWER)
        )
        share, threshold = Share(ratio, lower, samples.value), {**ATTACKS, **self.thresholds}.get(category, self.threshold)
        breached, above = share.breached(threshold, self.min_samples, self.at_least), lower - threshold
        # Clear categories do not speak for one that is high on too few calls; those merely too rare to judge hold up nothing.
        rank = 3 if breached else 2 if breached is None and above > 0 else 1 if breached is False else 0
        return _Category(rank, above, category, direction, breached, share, threshold)


class _Category(NamedTuple):
    """One category in one direction; the greatest is what the rule says."""

    rank: int
    above: float
    category: str
    direction: str
    breached: bool | None
    share: Share
    threshold: float
