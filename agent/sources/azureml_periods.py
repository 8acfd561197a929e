"""Folders of collected data in a container: one for each hour (or other period), named by its UTC time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal

Rate = Literal["minute", "hour", "day", "month", "year"]
"""How often the data collector starts a new folder: its setting `rolling_rate`."""

_DEPTH: dict[Rate, int] = {"year": 1, "month": 2, "day": 3, "hour": 4, "minute": 5}


def start_of(moment: datetime, rate: Rate) -> datetime:
    """Return the beginning of the period a moment lies in.

    >>> start_of(datetime(2026, 11, 20, 8, 30, tzinfo=UTC), "month").isoformat()
    '2026-11-01T00:00:00+00:00'
    """
    given = moment.astimezone(UTC)
    return _moment([given.year, given.month, given.day, given.hour, given.minute][: _DEPTH[rate]])


def end_of(start: datetime, rate: Rate) -> datetime:
    """Return where the period that starts there ends."""
    steps = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1), "month": timedelta(days=32)}
    return start_of(start + steps.get(rate, timedelta(days=367)), rate)


def folders(first: datetime, last: datetime, rate: Rate) -> Iterator[str]:
    """Yield the folders to list for the periods from `first` to `last`: whole days at once, else hour by hour.

    >>> list(folders(datetime(2026, 11, 19, 23, tzinfo=UTC), datetime(2026, 11, 21, 0, 5, tzinfo=UTC), "hour"))
    ['2026/11/19/23/', '2026/11/20/', '2026/11/21/00/']
    """
    step: Rate = "hour" if rate == "minute" else rate
    start = start_of(first, step)
    while start <= last:
        if step == "hour" and start.hour == 0 and end_of(start, "day") <= last:
            yield f"{start:%Y/%m/%d}/"
            start = end_of(start, "day")
        else:
            yield "/".join([f"{start:%Y}", f"{start:%m}", f"{start:%d}", f"{start:%H}"][: _DEPTH[step]]) + "/"
            start = end_of(start, step)


def period_of(path: str, rate: Rate) -> datetime | None:
    """Return the period of a path below a collection, or None for a path that is not of its kind.

    >>> period_of("2026/11/20/08/instance-1.jsonl", "hour").isoformat()
    '2026-11-20T08:00:00+00:00'
    """
    *parts, name = path.split("/")
    if len(parts) != _DEPTH[rate] or not name.endswith(".jsonl") or not all(part.isdigit() for part in parts):
        return None
    try:
        return _moment([int(part) for part in parts])
    except ValueError:
        return None


def _moment(parts: list[int]) -> datetime:
    year, month, day, hour, minute = parts + [1, 1, 1, 0, 0][len(parts) :]
    return datetime(year, month, day, hour, minute, tzinfo=UTC)
