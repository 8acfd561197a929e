"""The alert state machine: a pure function of the state before, whether the condition is breached, and the time."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from detectors.types import Plain


class State(StrEnum):
    """Where an alert stands."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"


@dataclass(frozen=True, slots=True)
class Status:
    """An alert's state and the times it rests on."""

    state: State = State.INACTIVE
    active_at: datetime | None = None
    """When the breach began; None while inactive."""
    clear_at: datetime | None = None
    """When a firing alert's breach ended; None while it lasts."""

    def plain(self) -> Plain:
        """Return the status as data."""
        times = {"active_at": self.active_at, "clear_at": self.clear_at}
        return {"state": str(self.state), **{name: time and time.isoformat() for name, time in times.items()}}

    @classmethod
    def restore(cls, saved: Plain) -> "Status":
        """Take back what `plain` returned.

        >>> Status.restore(Status().plain()) == Status()
        True
        """
        times = {name: saved[name] and datetime.fromisoformat(saved[name]) for name in ("active_at", "clear_at")}
        return cls(State(saved["state"]), **times)


def step(status: Status, breached: bool | None, now: datetime, *, hold: timedelta, keep_firing: timedelta) -> Status:  # noqa: FBT001 - a reading, not a switch
    """Return the status after one reading.

    A breach that lasts `hold` fires; time without data counts. None, too little data, changes nothing: silence is not health.
    A pending alert that clears vanishes. A firing one resolves when it was clear for `keep_firing`; a breach starts that anew.
    A clock that went back never shortens a wait: the wait starts again from the earlier time.

    >>> noon = datetime.fromisoformat("2026-03-01T12:00:00+00:00")
    >>> step(Status(), True, noon, hold=timedelta(minutes=5), keep_firing=timedelta(0)).state
    <State.PENDING: 'pending'>
    """
    if breached is None:
        return status
    if breached:
        if status.state is State.FIRING:
            return Status(State.FIRING, status.active_at)
        active_at = min(status.active_at or now, now)
        return Status(State.FIRING if now - active_at >= hold else State.PENDING, active_at)
    if status.state is State.FIRING:
        clear_at = min(status.clear_at or now, now)
        if now - clear_at < keep_firing:
            return replace(status, clear_at=clear_at)
    return Status()
