"""Azure AI Content Safety does not answer: its shares are a gap, and nobody would see one."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Gt

from alerts.rule import Observation, Reading
from alerts.rules.options import AT_ONCE, Loud, Span
from alerts.rules.stalled import Stall
from detectors import catalog_attacks as catalog
from detectors.metric import Metric
from detectors.types import Level

_STALL = Stall("content_safety_stalled", catalog.AGENT_CONTENT_SAFETY_LAG, "Content Safety gave no answer for {}; its shares are a gap")


@dataclass(frozen=True, slots=True)
class ContentSafetyStalled:
    """Calls wait too long to be checked. A day's budget that is used up is no stall: nobody is asked."""

    name: ClassVar[str] = _STALL.alert
    metrics: ClassVar[tuple[Metric, ...]] = (_STALL.lag,)

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
        return _STALL.read(observation, self.windows, self.severity)
