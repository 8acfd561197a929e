"""An event as JSON in Azure Monitor's common alert schema, which action-group receivers already understand."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from alerts.event import Event
from detectors.catalog import CHANGES
from detectors.types import Level

SEVERITIES: dict[Level, str] = {"page": "Sev1", "warning": "Sev2", "information": "Sev4"}
CONDITIONS = {"fired": "Fired", "changed": "Fired", "requested": "Fired", "resolved": "Resolved"}

SHOWN = (
    "began",
    "category",
    "direction",
    "ending",
    "explanation",
    "feature",
    "kind",
    "new",
    "old",
    "paged_by",
    "raised_from",
    "reason",
    "reference",
    "reference_status",
    "tool",
    "top_categories",
    "top_features",
)
"""Details that may leave the process in a notification; anything else stays, so that no text of a call can slip out."""

_LONGEST = 1000


def payload(event: Event, targets: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the payload; `targets` are Azure resource ids of what is watched, where they are known.

    Schema: learn.microsoft.com, alerts-common-schema, essentials 1.0 with the context of a metric alert. Fired, raised and
    resolved events of one incident share `alertId`; `originAlertId` is the event's own.
    """
    incident = event.details.get("incident", event.id)
    essentials = {
        "alertId": f"/providers/driftline/alerts/{incident}",
        "alertRule": f"driftline {event.kind} {event.name}",
        "severity": SEVERITIES[event.severity],
        "signalType": "Metric",
        "monitorCondition": CONDITIONS[event.state],
        "monitoringService": "driftline",
        "alertTargetIDs": list(targets),
        "configurationItems": [event.attributes.get("endpoint", "")],
        "originAlertId": event.id,
        "firedDateTime": _utc(_time(event.details, "fired_at") or event.time),
        "description": event.summary[:_LONGEST],
        "essentialsVersion": "1.0",
        "alertContextVersion": "1.0",
    }
    if event.state == "resolved":
        essentials["resolvedDateTime"] = _utc(event.time)
    shown = {name: event.details[name][:_LONGEST] for name in SHOWN if name in event.details}
    numbers = {name: _number(value) for name, value in sorted(event.values.items())}
    return {
        "schemaId": "azureMonitorCommonAlertSchema",
        "data": {"essentials": essentials, "alertContext": _context(event), "customProperties": {**event.attributes, **shown, **numbers}},
    }


def _context(event: Event) -> dict[str, Any]:
    change = event.kind == "change"
    start, end = _time(event.details, "window_start"), _time(event.details, "window_end")
    criterion = {
        "metricName": CHANGES.name if change else event.details.get("metric", ""),
        "metricNamespace": "driftline",
        "operator": "GreaterThan",
        # The schema wants thresholds as text and values as numbers.
        "threshold": "0" if change else _number(event.values.get("threshold", 0.0)),
        "timeAggregation": "Maximum",
        "dimensions": [{"name": name, "value": value} for name, value in event.attributes.items()],
        "metricValue": 1.0 if change else event.values.get("statistic"),
    }
    seconds = int((end - start).total_seconds()) if start and end else 0
    return {
        "properties": None,
        "conditionType": "SingleResourceMultipleMetricCriteria",
        "condition": {
            "windowSize": f"PT{seconds}S",
            "allOf": [criterion],
            "windowStartTime": _utc(start or event.started),
            "windowEndTime": _utc(end or event.time),
        },
    }


def _time(details: Mapping[str, str], name: str) -> datetime | None:
    return datetime.fromisoformat(details[name]) if details.get(name) else None


def _utc(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _number(value: float) -> str:
    return f"{value:.12g}"
