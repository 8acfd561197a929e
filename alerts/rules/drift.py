"""Features, predictions or data quality moved: one alert for all of them."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import ClassVar

from alerts.grouping import group
from alerts.rule import Observation, Reading
from alerts.rules.options import AT_ONCE, Span
from alerts.rules.row_count import counts_rows
from detectors import catalog
from detectors.catalog import Metric
from detectors.decay.words import LABEL
from detectors.quality.regression import GOLDEN
from detectors.types import Level


@dataclass(frozen=True, slots=True)
class Drift:
    """Features, predictions or data quality of a stream moved away from the reference: one alert for all of them."""

    name: ClassVar[str] = "drift"
    metrics: ClassVar[tuple[Metric, ...]] = (catalog.DRIFT_SEVERITY,)
    levels: ClassVar[tuple[Level, ...]] = ("warning", "page")

    enabled: bool = True
    """Whether the rule is read."""
    hold: Span = AT_ONCE
    """How long a breach must last to fire; the drift rule itself already waits for what matters."""
    keep_firing: Span = timedelta(days=1)
    """How long it must be clear to resolve: days of alarm at most two apart are one episode of the alarm budget."""

    def read(self, observation: Observation) -> Reading | None:
        """Return what the findings say together; the detector has decided which of them are a warning or a page."""
        # The mix of the labels has a rule of its own: it may be known days later, of another window. So have the number of rows and golden sets.
        findings = [finding for finding in observation.findings if finding.kind not in {LABEL, GOLDEN} and not counts_rows(finding)]
        if not findings:
            return None
        found, stream = group(findings), observation.stream
        judged = any(finding.status != "insufficient" for finding in findings)
        reading = Reading(
            self.name, stream, False if judged else None, "warning", catalog.DRIFT_SEVERITY, float("nan"), 1.0, observation.window
        )
        if found is None:
            severities = [finding.severity for finding in findings if finding.severity >= 0]
            return replace(reading, statistic=max(severities, default=float("nan")))
        worst, count = found.worst, len(found.features)
        return replace(
            reading,
            breached=True,
            severity=found.level,
            statistic=worst.severity,
            values={
                "severity": worst.severity,
                "features": count,
                "samples": worst.samples,
                "p_value": worst.p_value,
                "mde": worst.mde,
                "feature_statistic": worst.statistic,
                "feature_threshold": worst.threshold,
            },
            details={
                "feature": worst.feature,
                "top_features": found.named,
                "kind": worst.kind,
                "reference": worst.reference,
                "reference_status": worst.status,
                "explanation": worst.explanation,
            },
            summary=f"{stream.endpoint}/{stream.deployment}: {count} {'feature' if count == 1 else 'features'} drifted, "
            f"worst {worst.feature} ({worst.explanation})",
        )
