"""A judge gives no verdicts: its scores are a gap, and nobody would see one."""

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
class JudgeStalled:
    """Answers wait for a verdict for too long. A day's budget that is used up is no stall: the judge is not asked."""

    name: ClassVar[str] = "judge_stalled"
    metrics: ClassVar[tuple[Metric, ...]] = (catalog.AGENT_JUDGE_LAG,)

    enabled: bool = True
    """Whether the rule is read."""
    windows: Annotated[float, Gt(0)] = 1.0
    """Breached when a window still waits so many window lengths after its end."""
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
        """Return whether the oldest waiting window waits longer than the limit."""
        lag = observation.value(catalog.AGENT_JUDGE_LAG)
        if lag is None:
            return None
        limit = self.windows * observation.length
        endpoint = observation.stream.endpoint
        return Reading(
            self.name,
            observation.stream,
            lag > limit.total_seconds(),
            self.severity,
            catalog.AGENT_JUDGE_LAG,
            lag,
            limit.total_seconds(),
            observation.window,
            {"lag": lag},
            {},
            f"{endpoint}: no verdict of its judge for {span(timedelta(seconds=lag))} (limit {span(limit)}); its quality scores are a gap",
        )
