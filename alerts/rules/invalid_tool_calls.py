"""Models ask for tool calls that cannot be run."""

from dataclasses import dataclass
from typing import ClassVar

from alerts.rule import Observation, Reading
from alerts.rules.options import AT_ONCE, CALM, Count, Loud, Span, Threshold
from alerts.rules.worst import WorstShare
from detectors import catalog_serving as catalog
from detectors.catalog import Metric
from detectors.types import Level

_SHARE = WorstShare(
    "invalid_tool_calls",
    "reason",
    catalog.TOOL_INVALID_SAMPLES,
    catalog.TOOL_INVALID_RATIO,
    catalog.TOOL_INVALID_LOWER,
    "tool calls cannot be run ({})",
)


@dataclass(frozen=True, slots=True)
class InvalidToolCalls:
    """Too large a share of the tool calls a model asks for cannot be run: arguments that are no JSON object, or tools nobody offered."""

    name: ClassVar[str] = _SHARE.alert
    metrics: ClassVar[tuple[Metric, ...]] = (_SHARE.samples, _SHARE.ratio, _SHARE.lower)

    enabled: bool = True
    """Whether the rule is read."""
    threshold: Threshold = 0.05
    """Breached where the lower 95 % bound of a reason's share is above this."""
    min_samples: Count = 5
    """Fewer checked tool calls in the window say nothing."""
    at_least: Count = 3
    """Invalid tool calls in the window it takes to breach."""
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
        """Return whether tool calls are invalid."""
        return _SHARE.read(observation, self.threshold, self.min_samples, self.at_least, self.severity)
