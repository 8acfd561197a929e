"""Which window a moment belongs to: tumbling spans of local clock time, in any IANA time zone."""

from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from agent.clock import from_nanoseconds, to_nanoseconds
from detectors.types import Window

_DAY = 86_400_000_000_000
_QUARTER = 900_000_000_000
"""Zone offsets change on quarter hours at most."""
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - local clock time, the zone is applied afterwards


def window_starts(times: NDArray[np.int64], length: timedelta, zone: str) -> NDArray[np.int64]:
    """Return the start of the window each moment falls into; both in nanoseconds since 1970 UTC, shape (n,).

    Windows count from local midnight on the local clock: one-day windows are calendar days, and 3-hour windows
    begin at 00, 03, 06 … also on the days the clocks change, when one of them is an hour shorter or longer.
    """
    quarters, which = np.unique(times // _QUARTER, return_inverse=True)
    offsets = np.array([_offset(quarter, zone) for quarter in quarters.tolist()], np.int64)
    local = times + offsets[which]
    span = int(length / timedelta(microseconds=1)) * 1000
    if span >= _DAY:
        begin = local // span * span
    else:
        midnight = local // _DAY * _DAY
        begin = midnight + (local - midnight) // span * span
    distinct, back = np.unique(begin, return_inverse=True)
    return np.array([_to_utc(moment, zone) for moment in distinct.tolist()], np.int64)[back]


def window_of(start: int, length: timedelta, zone: str) -> Window:
    """Return the window that starts at `start` (nanoseconds), its ends in local time.

    >>> window_of(1_362_891_600_000_000_000, timedelta(days=1), "America/New_York").end.isoformat()
    '2013-03-11T00:00:00-04:00'
    """
    local = start + _offset(start // _QUARTER, zone)
    span = int(length / timedelta(microseconds=1)) * 1000
    # A length that does not divide the day leaves a shorter window before midnight.
    end = local + span if span >= _DAY else min(local + span, local // _DAY * _DAY + _DAY)
    zone_info = ZoneInfo(zone)
    return Window(from_nanoseconds(start).astimezone(zone_info), from_nanoseconds(_to_utc(end, zone)).astimezone(zone_info))


@lru_cache(maxsize=65536)
def _offset(quarter: int, zone: str) -> int:
    moment = from_nanoseconds(quarter * _QUARTER).astimezone(ZoneInfo(zone))
    offset = moment.utcoffset() or timedelta()
    return int(offset / timedelta(microseconds=1)) * 1000


@lru_cache(maxsize=65536)
def _to_utc(local: int, zone: str) -> int:
    clock = _EPOCH + timedelta(microseconds=local // 1000)
    return to_nanoseconds(clock.replace(tzinfo=ZoneInfo(zone)))
