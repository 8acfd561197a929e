"""A window has far fewer or far more rows than is usual."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import ClassVar

from alerts.rule import Observation, Reading
from alerts.rules.options import Loud, Span
from detectors import catalog
from detectors.catalog import Metric
from detectors.types import Finding, Level

KIND, FEATURE, REFERENCE = "quality", "rows", "rolling"
"""What marks the finding and the gauges it reads."""


def counts_rows(finding: Finding) -> bool:
    """Whether a finding is about the number of rows."""
    return (finding.kind, finding.feature) == (KIND, FEATURE)


@dataclass(frozen=True, slots=True)
class RowCount:
    """A window has far fewer or far more rows than others at its hour. A window without any is the business of source_stale."""

    name: ClassVar[str] = "row_count"
    metrics: ClassVar[tuple[Metric, ...]] = (catalog.DRIFT_SEVERITY, catalog.DATA_ROWS, catalog.DATA_ROWS_LOWER, catalog.DATA_ROWS_UPPER)

    enabled: bool = True
    """Whether the rule is read."""
    severity: Loud = "warning"
    """How loud it is. It is priced beside the alarm budget: as a page it would come on top of it."""
    hold: Span = timedelta(0)
    """How long a breach must last to fire."""
    keep_firing: Span = timedelta(days=1)
    """How long it must be clear to resolve: an hour of two days running is one incident."""

    @property
    def levels(self) -> tuple[Level, ...]:
        """Return the one severity it has."""
        return (self.severity,)

    def read(self, observation: Observation) -> Reading | None:
        """Return what is said of the window's rows; None where they are not judged."""
        severity = observation.value(catalog.DRIFT_SEVERITY, kind=KIND, feature=FEATURE, reference=REFERENCE)
        if severity is None:
            return None
        stream = observation.stream
        reading = Reading(self.name, stream, False, self.severity, catalog.DRIFT_SEVERITY, severity, 1.0, observation.window)
        found = next((one for one in observation.findings if counts_rows(one) and one.level == "warning"), None)
        if found is None:
            return reading
        low, high = (observation.value(metric) for metric in (catalog.DATA_ROWS_LOWER, catalog.DATA_ROWS_UPPER))
        shown = {"lower": low, "upper": high, "rows": float(found.samples), "severity": severity, "p_value": found.p_value}
        return replace(
            reading,
            breached=True,
            values={name: value for name, value in shown.items() if value is not None},
            details={"reference_status": found.status, "explanation": found.explanation},
            summary=f"{stream.endpoint}/{stream.deployment}: {found.explanation}",
        )
