"""A judge gives no verdicts: its scores are a gap, and nobody would see one."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Gt

from alerts.rule import Observation, Reading
from alerts.rules.options import AT_ONCE, Loud, Span
from alerts.rules.stalled import Stall
from detectors import catalog
from detectors.catalog import Metric
from detectors.types import Level

_STALL = Stall("judge_stalled", catalog.AGENT_JUDGE_LAG, "no verdict of its judge for {}; its quality scores are a gap")


@dataclass(frozen=True, slots=True)
class JudgeStalled:
    """Answers wait for a verdict for too long. A day's budget that is used up is no stall: the judge is not asked."""

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
