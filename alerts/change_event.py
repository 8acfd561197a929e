"""A change of what answers, as an event: it annotates boards and stands beside alerts, and wakes nobody."""

from datetime import UTC, datetime, timedelta

from alerts.event import Event
from detectors.usage.change import Change

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def change_event(change: Change) -> Event:
    """Return the event of a change; its id is the change's."""
    time = _EPOCH + timedelta(microseconds=change.time // 1000)
    stream = change.stream
    return Event(
        id=change.id,
        kind="change",
        name=change.what,
        state="changed",
        severity="information",
        time=time,
        started=time,
        attributes=stream._asdict(),
        details={"old": change.old, "new": change.new},
        summary=f"{stream.endpoint}/{stream.deployment}: {change.what} changed from {change.old} to {change.new}",
    )
