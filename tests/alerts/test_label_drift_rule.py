"""The mix of the labels has an alert of its own, which warns; the alert of drift leaves it out."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from alerts.rule import Observation
from alerts.rules.drift import Drift
from alerts.rules.label_drift import LabelDrift
from detectors.types import Finding, Level, Stream, Window

STREAM = Stream("loans", "blue", "live")
WINDOW = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
FINDING = Finding("label", "label", "fixed", 3.0, 2.0, 1.5, 0.01, 300, 0.2, "PSI", "warning", "calibrated", {}, "'1' 30 % -> 49 %")
NAN = float("nan")


@pytest.mark.parametrize(
    ("level", "severity", "status", "breached"),
    [
        ("warning", 1.5, "calibrated", True),
        (None, 0.4, "calibrated", False),
        ("information", 1.5, "uncalibrated", False),
        (None, NAN, "insufficient", None),
    ],
)
def test_it_is_read_from_findings(level: Level | None, severity: float, status: str, breached: bool | None) -> None:  # noqa: FBT001 # a table's column
    """A warning breaches; what is shown only does not; too few labels say nothing."""
    finding = replace(FINDING, level=level, severity=severity, status=status)

    reading = LabelDrift().read(Observation(STREAM, (), (finding,), WINDOW))

    assert reading is not None
    assert (reading.breached, reading.severity) == (breached, "warning")
    assert not breached or reading.summary == "loans/blue: the mix of the labels moved ('1' 30 % -> 49 %)"


def test_the_two_alerts_do_not_meddle() -> None:
    """Label drift is known days later, of another window: it neither fires nor resolves the alert of drift."""
    features = replace(FINDING, kind="data", feature="income")

    assert Drift().read(Observation(STREAM, (), (FINDING,), WINDOW)) is None
    assert LabelDrift().read(Observation(STREAM, (), (features,), WINDOW)) is None
    both = Drift().read(Observation(STREAM, (), (FINDING, features), WINDOW))
    assert both is not None
    assert both.details["top_features"] == "income"
