"""Too large a share of calls fails."""

from dataclasses import dataclass
from typing import ClassVar

from alerts.rule import Observation, Reading
from alerts.rules.one_share import OneShare
from alerts.rules.options import AT_ONCE, CALM, Count, Loud, Span, Threshold
from detectors import catalog
from detectors.catalog import Metric
from detectors.types import Level

_SHARE = OneShare("error_share", catalog.REQUEST_SAMPLES, catalog.REQUEST_ERROR_RATIO, catalog.REQUEST_ERROR_LOWER, "calls failed", "error")


@dataclass(frozen=True, slots=True)
class ErrorShare:
    """Too large a share of calls fail. Throttled calls and calls a content filter refused are no failures."""

    name: ClassVar[str] = _SHARE.alert
    metrics: ClassVar[tuple[Metric, ...]] = (_SHARE.ratio, _SHARE.lower, _SHARE.samples)

    enabled: bool = True
    """Whether the rule is read."""
    threshold: Threshold = 0.05
    """Breached where the lower 95 % bound of the failed share is above this."""
    min_samples: Count = 5
    """Fewer answered calls in the window say nothing."""
    at_least: Count = 3
    """Failed calls in the window it takes to breach."""
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
        """Return whether calls fail."""
        return _SHARE.read(observation, self.threshold, self.min_samples, self.at_least, self.severity)
