"""A golden set passes less often than in its last accepted run."""

from dataclasses import dataclass, replace
from datetime import timedelta
from math import inf, isnan
from typing import ClassVar

from alerts.rule import Observation, Reading
from alerts.rules.options import AT_ONCE, Loud, Span
from detectors import catalog
from detectors.catalog import Metric
from detectors.quality.regression import GOLDEN
from detectors.types import Level


@dataclass(frozen=True, slots=True)
class GoldenRegression:
    """Questions with known answers pass less often than in the last accepted run, beyond what flake explains: in one run, or doubtfully in two."""

    name: ClassVar[str] = "golden_regression"
    metrics: ClassVar[tuple[Metric, ...]] = (catalog.CANARY_LOSS, catalog.CANARY_PASS, catalog.CANARY_PASS_LOWER, catalog.CANARY_PASS_UPPER)

    enabled: bool = True
    """Whether the rule is read."""
    severity: Loud = "page"
    """How loud it is."""
    hold: Span = AT_ONCE
    """How long a breach must last to fire; the test already waits for what chance would not bring."""
    keep_firing: Span = timedelta(0)
    """How long it must be clear to resolve."""

    @property
    def levels(self) -> tuple[Level, ...]:
        """Return the one severity it has."""
        return (self.severity,)

    def read(self, observation: Observation) -> Reading | None:
        """Return what the newest runs of a stream's golden sets say; None where it has none."""
        found = [one for one in observation.findings if one.kind == GOLDEN]
        if not found:
            return None
        lost = [one for one in found if one.level is not None and one.severity > 1]
        unknown = not lost and any(isnan(one.severity) for one in found)
        worst = max(lost or found, key=lambda one: -inf if isnan(one.statistic) else one.statistic)
        reading = Reading(
            self.name,
            observation.stream,
            breached=None if unknown else bool(lost),
            severity=self.severity,
            metric=catalog.CANARY_LOSS,
            statistic=worst.statistic,
            threshold=worst.threshold,
            window=observation.window,
        )
        if not lost:
            return reading
        stream, names = observation.stream, ", ".join(one.feature for one in lost)
        return replace(
            reading,
            values={"loss": worst.statistic, "p_value": worst.p_value, "samples": float(worst.samples)},
            details={"dataset": names, "explanation": worst.explanation},
            summary=f"{stream.endpoint}/{stream.deployment}: golden set {worst.feature}: {worst.explanation}",
        )
