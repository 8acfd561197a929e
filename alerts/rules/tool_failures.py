"""Too large a share of the runs of a tool fails."""

from dataclasses import dataclass
from typing import ClassVar

from alerts.rule import Observation, Reading
from alerts.rules.options import AT_ONCE, CALM, Count, Loud, Span, Threshold
from alerts.rules.worst import WorstShare
from detectors import catalog_serving as catalog
from detectors.catalog import Metric
from detectors.types import Level

_SHARE = WorstShare(
    "tool_failures",
    "tool",
    catalog.TOOL_SAMPLES,
    catalog.TOOL_FAILED,
    catalog.TOOL_FAILED_LOWER,
    "runs of {} failed",
)


@dataclass(frozen=True, slots=True)
class ToolFailures:
    """Too large a share of the runs of some tool fails."""

    name: ClassVar[str] = _SHARE.alert
    metrics: ClassVar[tuple[Metric, ...]] = (_SHARE.samples, _SHARE.ratio, _SHARE.lower)

    enabled: bool = True
    """Whether the rule is read."""
    threshold: Threshold = 0.1
    """Breached where the lower 95 % bound of a tool's failed share is above this."""
    min_samples: Count = 5
    """Fewer runs of a tool in the window say nothing."""
    at_least: Count = 3
    """Failed runs in the window it takes to breach."""
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
        """Return whether a tool fails."""
        return _SHARE.read(observation, self.threshold, self.min_samples, self.at_least, self.severity)
