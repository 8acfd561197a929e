"""When a golden set is to be run again."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo


def due(last: datetime | None, now: datetime, every: timedelta, at: str | None, timezone: str) -> bool:
    """Return whether a run is due; `last` is when the last one began, both times aware.

    With a time of day a run begins at the first such moment, on the local clock, at least `every` less an hour after the
    last one: on the day of a change of clocks too.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    >>> due(None, noon, timedelta(days=1), None, "UTC"), due(noon, noon + timedelta(hours=23), timedelta(days=1), None, "UTC")
    (True, False)
    >>> due(noon, noon + timedelta(hours=14, minutes=29), timedelta(days=1), "02:30", "UTC")
    False
    >>> due(noon - timedelta(days=1), noon + timedelta(hours=14, minutes=30), timedelta(days=1), "02:30", "UTC")
    True
    """
    if at is None:
        return last is None or now - last >= every
    local = now.astimezone(ZoneInfo(timezone))
    hour, minute = map(int, at.split(":"))
    moment = datetime.combine(local.date(), time(hour, minute), local.tzinfo)
    if moment > local:
        moment = datetime.combine(local.date() - timedelta(days=1), time(hour, minute), local.tzinfo)
    # Never run: at the next such moment, not at once; an agent that was down at it makes up for it for an hour.
    if last is None:
        return local - moment < timedelta(hours=1)
    return moment > last and now - last >= every - timedelta(hours=1)
