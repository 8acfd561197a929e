"""Nothing has been seen of an endpoint for too long."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, ClassVar

from annotated_types import Gt

from alerts.rule import Observation, Reading
from alerts.rules.options import AT_ONCE, Loud, Span
from alerts.share import span
from detectors import catalog
from detectors.catalog import Metric
from detectors.types import Level


@dataclass(frozen=True, slots=True)
class SourceStale:
    """Nothing has been seen of an endpoint for too long. It must have had traffic before: no traffic ever is no alert."""

    name: ClassVar[str] = "source_stale"
    metrics: ClassVar[tuple[Metric, ...]] = (catalog.AGENT_WINDOW_AGE,)

    enabled: bool = True
    """Whether the rule is read."""
    windows: Annotated[float, Gt(0)] = 3.0
    """Breached after so many windows of silence …"""
    at_least: Span = timedelta(minutes=10)
    """… and never before this."""
    severity: Loud = "warning"
    """How loud it is."""
    hold: Span = AT_ONCE
    """How long a breach must last to fire."""
    keep_firing: Span = AT_ONCE
    """How long it must be clear to resolve."""

    @property
    def levels(self) -> tuple[Level, ...]:
        """Return the one severity it has."""
        return (self.severity,)

    def read(self, observation: Observation) -> Reading | None:
        """Return whether the age of the newest record is above the limit."""
        age = observation.value(catalog.AGENT_WINDOW_AGE)
        if age is None:
            return None
        limit = max(self.windows * observation.length, self.at_least)
        silence, endpoint = span(timedelta(seconds=age)), observation.stream.endpoint
        return Reading(
            self.name,
            observation.stream,
            age > limit.total_seconds(),
            self.severity,
            catalog.AGENT_WINDOW_AGE,
            age,
            limit.total_seconds(),
            observation.window,
            {"age": age},
            {},
            f"{endpoint}: nothing seen for {silence} (limit {span(limit)}); its other alerts keep their last state",
        )
