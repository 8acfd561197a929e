"""Durations and byte sizes as people write them: `15m`, `56d`, `512MB`, `64MiB`."""

import re
from datetime import timedelta

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])")
DURATION_PATTERN = r"^(\d+(\.\d+)?(ms|[smhdw]))+$"
"""What a duration looks like, for the JSON Schema."""

_BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([KMGT]?I?B)", re.IGNORECASE)
SIZE_PATTERN = r"^\d+(\.\d+)? ?[KkMmGgTt]?[Ii]?[Bb]$"
"""What a byte size looks like, for the JSON Schema."""


def duration(text: str) -> timedelta:
    """Return the time span of `1h30m`, `15m`, `90s`, `500ms`, `56d`, `8w`. Raises ValueError.

    >>> duration("1h30m")
    datetime.timedelta(seconds=5400)
    """
    if not re.fullmatch(DURATION_PATTERN, text):
        message = "is no duration; write 30s, 15m, 1h or 56d"
        raise ValueError(message)
    try:
        return timedelta(seconds=sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text)))
    except OverflowError as error:
        message = "is longer than a duration can be"
        raise ValueError(message) from error


def size(text: str) -> int:
    """Return the bytes of `512MB` (powers of ten) or `64MiB` (powers of two). Raises ValueError.

    >>> size("64MiB"), size("1.5 kB")
    (67108864, 1500)
    """
    match = _SIZE.fullmatch(text)
    if match is None or match[2].upper() not in _BYTES:
        message = "is no size; write 512MB or 64MiB"
        raise ValueError(message)
    return int(float(match[1]) * _BYTES[match[2].upper()])
