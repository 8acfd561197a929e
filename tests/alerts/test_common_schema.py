"""Events as Azure's common alert schema."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from alerts.change_event import change_event
from alerts.common_schema import payload
from alerts.event import Event
from detectors.types import Level, Stream
from detectors.usage.change import Change

FIRED = Event(
    id="e1",
    kind="alert",
    name="drift",
    state="fired",
    severity="page",
    time=datetime(2026, 3, 1, 12, tzinfo=UTC),
    started=datetime(2026, 3, 1, 11, 45, tzinfo=UTC),
    attributes={"endpoint": "delay-model", "deployment": "blue", "traffic": "live"},
    values={"statistic": 2.5, "threshold": 1.0, "features": 3},
    details={
        "incident": "i1",
        "metric": "driftline.drift.severity",
        "feature": "distance",
        "window_start": "2026-03-01T06:45:00-05:00",
        "window_end": "2026-03-01T07:00:00-05:00",
        "fired_at": "2026-03-01T12:00:00+00:00",
    },
    summary="delay-model/blue: 3 features drifted, worst distance",
)


def test_a_fired_alert_has_the_schemas_fields() -> None:
    """Names, types and the text threshold are those of Microsoft's page on the schema (facts/azure.md 8.1)."""
    assert json.loads(json.dumps(payload(FIRED, ("/subscriptions/s/x",)), allow_nan=False)) == {
        "schemaId": "azureMonitorCommonAlertSchema",
        "data": {
            "essentials": {
                "alertId": "/providers/driftline/alerts/i1",
                "alertRule": "driftline alert drift",
                "severity": "Sev1",
                "signalType": "Metric",
                "monitorCondition": "Fired",
                "monitoringService": "driftline",
                "alertTargetIDs": ["/subscriptions/s/x"],
                "configurationItems": ["delay-model"],
                "originAlertId": "e1",
                "firedDateTime": "2026-03-01T12:00:00.000Z",
                "description": "delay-model/blue: 3 features drifted, worst distance",
                "essentialsVersion": "1.0",
                "alertContextVersion": "1.0",
            },
            "alertContext": {
                "properties": None,
                "conditionType": "SingleResourceMultipleMetricCriteria",
                "condition": {
                    "windowSize": "PT900S",
                    "allOf": [
                        {
                            "metricName": "driftline.drift.severity",
                            "metricNamespace": "driftline",
                            "operator": "GreaterThan",
                            "threshold": "1",
                            "timeAggregation": "Maximum",
                            "dimensions": [
                                {"name": "endpoint", "value": "delay-model"},
                                {"name": "deployment", "value": "blue"},
                                {"name": "traffic", "value": "live"},
                            ],
                            "metricValue": 2.5,
                        }
                    ],
                    "windowStartTime": "2026-03-01T11:45:00.000Z",
                    "windowEndTime": "2026-03-01T12:00:00.000Z",
                },
            },
            "customProperties": {
                "endpoint": "delay-model",
                "deployment": "blue",
                "traffic": "live",
                "feature": "distance",
                "features": "3",
                "statistic": "2.5",
                "threshold": "1",
            },
        },
    }


@pytest.mark.parametrize(("level", "severity"), [("page", "Sev1"), ("warning", "Sev2"), ("information", "Sev4")])
def test_severities(level: Level, severity: str) -> None:
    """A page is Sev1, a warning Sev2, information Sev4."""
    assert payload(replace(FIRED, severity=level))["data"]["essentials"]["severity"] == severity


def test_a_resolved_alert_keeps_its_identity_and_says_when() -> None:
    """Fired and resolved share alertId and firedDateTime."""
    resolved = replace(FIRED, id="e2", state="resolved", time=datetime(2026, 3, 1, 13, tzinfo=UTC))
    essentials = payload(resolved)["data"]["essentials"]

    assert (essentials["monitorCondition"], essentials["alertId"], essentials["originAlertId"]) == (
        "Resolved",
        "/providers/driftline/alerts/i1",
        "e2",
    )
    assert (essentials["firedDateTime"], essentials["resolvedDateTime"]) == ("2026-03-01T12:00:00.000Z", "2026-03-01T13:00:00.000Z")


def test_only_listed_details_leave() -> None:
    """A detail nobody listed, such as text of a call, is not in the payload; listed ones are cut."""
    text = json.dumps(payload(replace(FIRED, details={**FIRED.details, "prompt": "my secret", "explanation": "x" * 5000})))

    assert "my secret" not in text
    assert len(text) < 4000


def test_a_change_is_information() -> None:
    """A model change fits the same schema."""
    data = payload(change_event(Change("abc", Stream("chat", "gpt", "live"), "model", "a", "b", 1_772_323_200_000_000_000)))["data"]

    assert (data["essentials"]["severity"], data["essentials"]["monitorCondition"]) == ("Sev4", "Fired")
    assert data["alertContext"]["condition"]["allOf"][0]["metricName"] == "driftline.changes"
    assert (data["customProperties"]["old"], data["customProperties"]["new"]) == ("a", "b")
