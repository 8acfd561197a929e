"""Which window a moment belongs to: tumbling spans of local clock time, in any IANA time zone."""

from collections.abc import Iterator
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
    begin at 00, 03, 06 … also on the days the clocks change, when one of them is an hour shorter or longer. Where an
    hour comes twice, the quarters of an hour in it come twice as well.
    """
    if len(times) > 1:
        # A window is one span of time, and most batches lie within one.
        first = int(window_starts(times[[times.argmin()]], length, zone)[0])
        if int(times.max()) < window_end(first, length, zone):
            return np.full(len(times), first, np.int64)
    quarters, which = np.unique(times // _QUARTER, return_inverse=True)
    offsets = np.array([_offset(quarter, zone) for quarter in quarters.tolist()], np.int64)[which]
    span = _span(length)
    local = times + offsets
    begin = local // span * span if span >= _DAY else local // _DAY * _DAY + local % _DAY // span * span
    distinct, back = np.unique(np.stack([begin, offsets]), axis=1, return_inverse=True)
    return np.array([_start(floor, offset, span, zone) for floor, offset in distinct.T.tolist()], np.int64)[back.reshape(-1)]


def in_turn(starts: NDArray[np.int64]) -> Iterator[NDArray[np.intp] | None]:
    """Yield the rows of each window in order of time; None where all rows are in one.

    >>> [rows.tolist() for rows in in_turn(np.array([7, 3, 7]))]
    [[1], [0, 2]]
    """
    if bool((starts == starts[0]).all()):
        yield None
        return
    order = np.argsort(starts, kind="stable")
    yield from np.split(order, np.flatnonzero(np.diff(starts[order])) + 1)


def window_of(start: int, length: timedelta, zone: str) -> Window:
    """Return the window that starts at `start` (nanoseconds), its ends in local time.

    >>> window_of(1_362_891_600_000_000_000, timedelta(days=1), "America/New_York").end.isoformat()
    '2013-03-11T00:00:00-04:00'
    """
    zone_info = ZoneInfo(zone)
    return Window(from_nanoseconds(start).astimezone(zone_info), from_nanoseconds(window_end(start, length, zone)).astimezone(zone_info))


def window_end(start: int, length: timedelta, zone: str) -> int:
    """Return the end of the window that starts at `start`; both in nanoseconds."""
    return _end(start, _span(length), zone)


def _span(length: timedelta) -> int:
    return int(length / timedelta(microseconds=1)) * 1000


def _floor(local: int, span: int) -> int:
    """Return where the window of a local moment begins on the local clock."""
    return local // span * span if span >= _DAY else local // _DAY * _DAY + local % _DAY // span * span


@lru_cache(maxsize=65536)
def _start(floor: int, offset: int, span: int, zone: str) -> int:
    """Return when the window began that a moment of this offset lies in, whose local start is `floor`.

    A window is the longest span of time without a gap in which the local clock rounds down to the same start.
    """
    if span >= _DAY:
        return _to_utc(floor, zone)
    start = floor - offset
    change = start if _at(start, zone) == offset else _change(start, floor + span - offset, zone)
    before = _at(change - 1, zone)
    return floor - before if before != offset and _floor(change - 1 + before, span) == floor else change


@lru_cache(maxsize=65536)
def _end(start: int, span: int, zone: str) -> int:
    offset = _at(start, zone)
    floor = _floor(start + offset, span)
    if span >= _DAY:
        return _to_utc(floor + span, zone)
    # A length that does not divide the day leaves a shorter window before midnight.
    following = min(floor + span, floor // _DAY * _DAY + _DAY)
    end = following - offset
    change = end if _at(end - 1, zone) == offset else _change(start, end, zone)
    after = _at(change, zone)
    return following - after if after != offset and _floor(change + after, span) == floor else change


def _change(first: int, last: int, zone: str) -> int:
    """Return when the clocks changed between two moments that lie less than a day apart and differ in their offset."""
    low, high = first // _QUARTER, last // _QUARTER
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(middle, zone) == _offset(low, zone) else (low, middle)
    return high * _QUARTER


def _at(moment: int, zone: str) -> int:
    return _offset(moment // _QUARTER, zone)


@lru_cache(maxsize=65536)
def _offset(quarter: int, zone: str) -> int:
    moment = from_nanoseconds(quarter * _QUARTER).astimezone(ZoneInfo(zone))
    offset = moment.utcoffset() or timedelta()
    return int(offset / timedelta(microseconds=1)) * 1000


@lru_cache(maxsize=65536)
def _to_utc(local: int, zone: str) -> int:
    clock = _EPOCH + timedelta(microseconds=local // 1000)
    return to_nanoseconds(clock.replace(tzinfo=ZoneInfo(zone)))
