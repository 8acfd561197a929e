"""The time as the agent sees it: the wall's, or the data's own."""

from datetime import UTC, datetime


class WallClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the time, UTC."""
        return datetime.now(UTC)


class EventClock:
    """Follows the data: the newest event time seen so far. For replays, where days pass in milliseconds."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """Return the newest event time."""
        return self._now

    def advance(self, time: datetime) -> None:
        """Move on to `time`; never back."""
        self._now = max(self._now, time)


def from_nanoseconds(time: int) -> datetime:
    """Return an aware UTC datetime, to the microsecond.

    >>> from_nanoseconds(1_000_000_000).isoformat()
    '1970-01-01T00:00:01+00:00'
    """
    seconds, rest = divmod(time, 1_000_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)


def to_nanoseconds(time: datetime) -> int:
    """Return nanoseconds since 1970 of an aware datetime.

    >>> to_nanoseconds(from_nanoseconds(1_700_000_000_123_456_000))
    1700000000123456000
    """
    return (int(time.timestamp()) * 1_000_000 + time.microsecond) * 1000
