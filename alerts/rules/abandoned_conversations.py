"""Too many conversations end on a call that gave the person nothing."""

from dataclasses import dataclass
from typing import ClassVar

from alerts.rule import Observation, Reading
from alerts.rules.options import AT_ONCE, CALM, Count, Loud, Span, Threshold
from alerts.rules.worst import WorstShare
from detectors import catalog_serving as catalog
from detectors.catalog import Metric
from detectors.types import Level

_SHARE = WorstShare(
    "abandoned_conversations",
    "ending",
    catalog.CONVERSATION_ABANDONED_SAMPLES,
    catalog.CONVERSATION_ABANDONED,
    catalog.CONVERSATION_ABANDONED_LOWER,
    "conversations ended there ({})",
)


@dataclass(frozen=True, slots=True)
class AbandonedConversations:
    """After too large a share of conversations nothing comes once a call failed, was throttled, filtered or cut off, or asked for a tool."""

    name: ClassVar[str] = _SHARE.alert
    metrics: ClassVar[tuple[Metric, ...]] = (_SHARE.samples, _SHARE.ratio, _SHARE.lower)

    enabled: bool = True
    """Whether the rule is read."""
    threshold: Threshold = 0.2
    """Breached where the lower 95 % bound of an ending's share is above this."""
    min_samples: Count = 10
    """Fewer conversations that fell silent in the window say nothing."""
    at_least: Count = 3
    """Abandoned conversations in the window it takes to breach."""
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
        """Return whether conversations are abandoned."""
        return _SHARE.read(observation, self.threshold, self.min_samples, self.at_least, self.severity)
