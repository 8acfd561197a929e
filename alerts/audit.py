"""The record of one transition of an alert: everything needed to compute it again, years later."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.share import span
from alerts.standing import Standing, follow
from detectors.types import Level, Plain, Stream


@dataclass(frozen=True, slots=True)
class Record:
    """A change of an alert's state or severity, with what it rested on."""

    time: datetime
    alert: str
    stream: Stream
    window: tuple[str, str] | None
    """Start and end of the window judged, ISO 8601."""
    breached: bool | None
    severity: Level
    """Of the reading."""
    metric: str
    statistic: float
    threshold: float
    values: Mapping[str, float]
    details: Mapping[str, str]
    before: Standing
    after: Standing
    hold: timedelta
    keep_firing: timedelta
    config: str
    """Hash of the configuration that was in force."""
    event: str
    """Id of the event it led to; empty where nobody was told."""

    def plain(self) -> Plain:
        """Return the record as data that JSON can carry; NaN is None."""
        return {
            "time": self.time.isoformat(),
            "alert": self.alert,
            **self.stream._asdict(),
            "window": list(self.window) if self.window else None,
            "breached": self.breached,
            "severity": self.severity,
            "metric": self.metric,
            "statistic": _number(self.statistic),
            "threshold": _number(self.threshold),
            "values": {name: _number(value) for name, value in self.values.items()},
            "details": dict(self.details),
            "before": self.before.plain(),
            "after": self.after.plain(),
            "hold": self.hold.total_seconds(),
            "keep_firing": self.keep_firing.total_seconds(),
            "config": self.config,
            "event": self.event,
        }

    @classmethod
    def restore(cls, saved: Plain) -> "Record":
        """Take back what `plain` returned."""
        return cls(
            time=datetime.fromisoformat(saved["time"]),
            alert=saved["alert"],
            stream=Stream(saved["endpoint"], saved["deployment"], saved["traffic"]),
            window=(saved["window"][0], saved["window"][1]) if saved["window"] else None,
            breached=saved["breached"],
            severity=saved["severity"],
            metric=saved["metric"],
            statistic=_float(saved["statistic"]),
            threshold=_float(saved["threshold"]),
            values={name: _float(value) for name, value in saved["values"].items()},
            details=dict(saved["details"]),
            before=Standing.restore(saved["before"]),
            after=Standing.restore(saved["after"]),
            hold=timedelta(seconds=saved["hold"]),
            keep_firing=timedelta(seconds=saved["keep_firing"]),
            config=saved["config"],
            event=saved["event"],
        )


def recompute(record: Record) -> Standing:
    """Return the standing that follows from what the record says went in; it equals `record.after` up to the summary."""
    return follow(record.before, record.breached, record.severity, record.time, hold=record.hold, keep_firing=record.keep_firing)


def explain(record: Record) -> tuple[str, ...]:
    """Say in sentences why the alert went where it went, and whether computing it again agrees."""
    computed, after = recompute(record), record.after
    agrees = (computed.status, computed.severity) == (after.status, after.severity)
    window = f"window {record.window[0]} to {record.window[1]}" if record.window else "no window"
    verdict = {True: "breached", False: "clear", None: "too little data"}[record.breached]
    held, clear = (span(record.time - (since or record.time)) for since in (record.before.status.active_at, record.before.status.clear_at))
    severity = after.severity if after.status.active_at else record.before.severity
    who, moved = " / ".join(record.stream), f"{record.before.status.state} -> {after.status.state}"
    return (
        f"{record.alert} on {who} at {record.time.isoformat()}: {moved} ({severity})",
        f"read: {record.metric} = {record.statistic:g} against {record.threshold:g}, {window}: {verdict}",
        f"held for {held} (hold {span(record.hold)}), clear for {clear} (keep_firing {span(record.keep_firing)})",
        *(f"{name}: {value}" for name, value in sorted(record.details.items())),
        *(f"{name}: {value:g}" for name, value in sorted(record.values.items())),
        f"event: {record.event or 'none'}; configuration: {record.config or 'unknown'}",
        "computed again: the same"
        if agrees
        else f"computed again: {computed.status.state}, {computed.severity}: the record does not agree",
    )


def _number(value: float) -> float | None:
    return value if abs(value) < float("inf") else None


def _float(value: float | None) -> float:
    return float("nan") if value is None else value
