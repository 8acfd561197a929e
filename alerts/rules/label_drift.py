"""The truth itself is mixed otherwise than it was, as labels tell."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import ClassVar

from alerts.grouping import group
from alerts.rule import Observation, Reading
from alerts.rules.options import AT_ONCE, Span
from detectors import catalog
from detectors.catalog import Metric
from detectors.decay.words import LABEL
from detectors.types import Level


@dataclass(frozen=True, slots=True)
class LabelDrift:
    """The labels of a stream are spread otherwise than in the reference. A warning: what the model does is told by `decay`."""

    name: ClassVar[str] = "label_drift"
    metrics: ClassVar[tuple[Metric, ...]] = (catalog.DRIFT_SEVERITY,)
    levels: ClassVar[tuple[Level, ...]] = ("warning",)

    enabled: bool = True
    """Whether the rule is read."""
    hold: Span = AT_ONCE
    """How long a breach must last to fire; the drift rule itself already waits for what matters."""
    keep_firing: Span = timedelta(days=1)
    """How long it must be clear to resolve."""

    def read(self, observation: Observation) -> Reading | None:
        """Return what the labels of a window say of their mix; None for a window without labels."""
        findings = [finding for finding in observation.findings if finding.kind == LABEL]
        if not findings:
            return None
        found, stream = group(findings), observation.stream
        judged = any(finding.status != "insufficient" for finding in findings)
        statistic = max((finding.severity for finding in findings if finding.severity >= 0), default=float("nan"))
        reading = Reading(
            self.name, stream, False if judged else None, "warning", catalog.DRIFT_SEVERITY, statistic, 1.0, observation.window
        )
        if found is None:
            return reading
        worst = found.worst
        return replace(
            reading,
            breached=True,
            statistic=worst.severity,
            values={"severity": worst.severity, "samples": worst.samples, "p_value": worst.p_value},
            details={"feature": worst.feature, "kind": worst.kind, "reference": worst.reference, "explanation": worst.explanation},
            summary=f"{stream.endpoint}/{stream.deployment}: the mix of the labels moved ({worst.explanation})",
        )
