"""Turns timestamps of every usual spelling into nanoseconds since 1970, UTC; 0 where there is none."""

import re
from datetime import UTC, date, datetime, time, tzinfo
from typing import Any

import numpy as np
from numpy.typing import NDArray

NANOSECOND = 1
MICROSECOND = 1_000
MILLISECOND = 1_000_000
SECOND = 1_000_000_000

_SLOT = 900 * SECOND
"""Every change of a clock falls on a quarter of an hour."""

_LAST = 2**63 - 2**32
"""The year 2262; later moments do not fit."""

_LONG_NUMBER = re.compile(r"\d{9,}(\.\d*)?")
"""More digits than a date has: `fromisoformat` would take the ninth for the letter between date and time."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def epoch(numbers: NDArray[np.float64] | NDArray[np.int64]) -> NDArray[np.int64]:
    """Return nanoseconds for counts of seconds, milliseconds, microseconds or nanoseconds, told apart by their size.

    Below 1e11 are seconds (to the year 5138), below 1e14 milliseconds, below 1e17 microseconds. NaN and what is not
    after 1970 give 0.

    >>> epoch(np.array([1.7e9, 1.7e12, 1.7e15, 1.7e18, np.nan])).tolist()
    [1700000000000000000, 1700000000000000000, 1700000000000000000, 1700000000000000000, 0]
    """
    with np.errstate(invalid="ignore"):
        steps = [numbers < 1e11, numbers < 1e14, numbers < 1e17]
        unit = np.select(steps, [SECOND, MILLISECOND, MICROSECOND], NANOSECOND)
        usable = (numbers > 0) & (numbers * (unit * 1.0) < _LAST)
    return np.where(usable, numbers, 0).astype(np.int64) * unit if numbers.dtype == np.int64 else _scaled(numbers, unit, usable)


def _scaled(numbers: NDArray[Any], unit: NDArray[np.int64], usable: NDArray[np.bool_]) -> NDArray[np.int64]:
    # Whole part and fraction apart: a float of today's nanoseconds would be exact to 256 ns only.
    safe = np.where(usable, numbers, 0.0)
    whole = np.floor(safe)
    return whole.astype(np.int64) * unit + np.rint((safe - whole) * unit).astype(np.int64)


def localised(moments: NDArray[np.int64], zone: tzinfo) -> NDArray[np.int64]:
    """Return UTC for nanoseconds that were read off a clock in `zone`; 0 stays 0.

    An hour that comes twice is its first; one that never comes is taken with the offset before it.
    """
    if zone is UTC or getattr(zone, "key", None) == "UTC":
        return moments
    slots, where = np.unique(moments // _SLOT, return_inverse=True)
    offsets = np.array([_offset(int(slot), zone) for slot in slots], np.int64)
    return np.where(moments == 0, 0, moments - offsets[where])


def _offset(slot: int, zone: tzinfo) -> int:
    clock = datetime.fromtimestamp(slot * 900, UTC).replace(tzinfo=zone)
    shift = clock.utcoffset()
    return 0 if shift is None else int(shift.total_seconds()) * SECOND


def instant(value: object, zone: tzinfo) -> int:
    """Return the nanoseconds of one ISO 8601 text, epoch number (or its text), date or datetime; 0 for anything else.

    >>> instant("2024-03-05T18:16:25Z", UTC)
    1709662585000000000
    >>> instant("1709662585", UTC), instant("soon", UTC), instant(True, UTC)
    (1709662585000000000, 0, 0)
    """
    if isinstance(value, bool):
        return 0
    if isinstance(value, int):
        return int(epoch(np.array([value], np.int64))[0]) if abs(value) < _LAST else 0
    if isinstance(value, float):
        return int(epoch(np.array([value]))[0])
    if isinstance(value, str):
        return _text(value.strip(), zone)
    if isinstance(value, datetime):
        return _nanoseconds(value, zone)
    return _nanoseconds(datetime.combine(value, time()), zone) if isinstance(value, date) else 0


def _text(text: str, zone: tzinfo) -> int:
    if not _LONG_NUMBER.fullmatch(text):
        try:
            return _nanoseconds(datetime.fromisoformat(text), zone)
        except (ValueError, OverflowError):
            pass
    try:
        return instant(int(text) if text.isdigit() else float(text), zone)
    except ValueError:
        return 0


def _nanoseconds(moment: datetime, zone: tzinfo) -> int:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    since = moment - _EPOCH
    whole = (since.days * 86_400 + since.seconds) * SECOND + since.microseconds * MICROSECOND
    return whole if 0 < whole < _LAST else 0
