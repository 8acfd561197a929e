"""Too large a share of searches for documents finds none."""

from dataclasses import dataclass
from typing import ClassVar

from alerts.rule import Observation, Reading
from alerts.rules.options import AT_ONCE, CALM, Count, Loud, Span, Threshold
from alerts.share import Share
from detectors import catalog_serving as catalog
from detectors.catalog import Metric
from detectors.types import Level


@dataclass(frozen=True, slots=True)
class EmptyRetrieval:
    """Too large a share of searches finds no document: what answers then rests on nothing."""

    name: ClassVar[str] = "empty_retrieval"
    metrics: ClassVar[tuple[Metric, ...]] = (catalog.RETRIEVAL_EMPTY, catalog.RETRIEVAL_EMPTY_LOWER, catalog.RETRIEVAL_SAMPLES)

    enabled: bool = True
    """Whether the rule is read."""
    threshold: Threshold = 0.2
    """Breached where the lower 95 % bound of the empty share is above this."""
    min_samples: Count = 10
    """Fewer searches in the window say nothing."""
    at_least: Count = 3
    """Empty searches in the window it takes to breach."""
    severity: Loud = "warning"
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
        """Return whether searches find nothing; None where there were none."""
        samples = observation.value(catalog.RETRIEVAL_SAMPLES)
        if samples is None:
            return None
        ratio, lower = (observation.value(metric) or 0.0 for metric in (catalog.RETRIEVAL_EMPTY, catalog.RETRIEVAL_EMPTY_LOWER))
        share = Share(ratio, lower, samples)
        return Reading(
            self.name,
            observation.stream,
            share.breached(self.threshold, self.min_samples, self.at_least),
            self.severity,
            catalog.RETRIEVAL_EMPTY_LOWER,
            share.lower,
            self.threshold,
            observation.window,
            share.values,
            {},
            share.said("searches found nothing", observation.stream, self.threshold),
        )
