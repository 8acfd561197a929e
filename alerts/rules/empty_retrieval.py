"""Too large a share of searches for documents finds none."""

from dataclasses import dataclass
from typing import ClassVar

from alerts.rule import Observation, Reading
from alerts.rules.one_share import OneShare
from alerts.rules.options import AT_ONCE, CALM, Count, Loud, Span, Threshold
from detectors import catalog_serving as catalog
from detectors.catalog import Metric
from detectors.types import Level

_SHARE = OneShare(
    "empty_retrieval", catalog.RETRIEVAL_SAMPLES, catalog.RETRIEVAL_EMPTY, catalog.RETRIEVAL_EMPTY_LOWER, "searches found nothing"
)


@dataclass(frozen=True, slots=True)
class EmptyRetrieval:
    """Too large a share of searches finds no document: what answers then rests on nothing."""

    name: ClassVar[str] = _SHARE.alert
    metrics: ClassVar[tuple[Metric, ...]] = (_SHARE.ratio, _SHARE.lower, _SHARE.samples)

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
        return _SHARE.read(observation, self.threshold, self.min_samples, self.at_least, self.severity)
