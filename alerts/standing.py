"""Where one alert of one stream stands, and what one reading makes of it."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from alerts.rule import Reading
from alerts.state import State, Status, step
from detectors.types import Level, Plain

LOUDNESS: dict[Level, int] = {"information": 0, "warning": 1, "page": 2}


@dataclass(frozen=True, slots=True)
class Standing:
    """An alert's status with the severity of its incident. An incident lasts from the first breach until it is clear."""

    status: Status = field(default_factory=Status)
    severity: Level = "information"
    """Of the incident; while firing it only rises."""
    fired_at: datetime | None = None
    """When it fired; None unless firing."""
    summary: str = ""
    """What the newest breach said."""

    def plain(self) -> Plain:
        """Return the standing as data."""
        return {
            "status": self.status.plain(),
            "severity": self.severity,
            "fired_at": self.fired_at and self.fired_at.isoformat(),
            "summary": self.summary,
        }

    @classmethod
    def restore(cls, saved: Plain) -> "Standing":
        """Take back what `plain` returned.

        >>> Standing.restore(Standing().plain()) == Standing()
        True
        """
        fired_at = saved["fired_at"] and datetime.fromisoformat(saved["fired_at"])
        return cls(Status.restore(saved["status"]), saved["severity"], fired_at, saved["summary"])


def follow(
    standing: Standing,
    breached: bool | None,  # noqa: FBT001 - a reading, not a switch
    severity: Level,
    now: datetime,
    *,
    hold: timedelta,
    keep_firing: timedelta,
) -> Standing:
    """Return the standing after one reading: the status by the state machine, the severity by its loudest breach."""
    status = step(standing.status, breached, now, hold=hold, keep_firing=keep_firing)
    if status.state is State.INACTIVE:
        return Standing()
    if not breached:
        return replace(standing, status=status)
    firing = standing.status.state is State.FIRING
    loudest = max(severity, standing.severity, key=LOUDNESS.__getitem__) if firing else severity
    fired_at = standing.fired_at if firing else now if status.state is State.FIRING else None
    return replace(standing, status=status, severity=loudest, fired_at=fired_at)


def said(standing: Standing, reading: Reading) -> Standing:
    """Keep what the newest breach said."""
    return replace(standing, summary=reading.summary) if reading.breached else standing
