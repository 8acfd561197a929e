"""Counts the items of a protobuf request without building them, so that a bomb is refused before it costs memory."""

from collections.abc import Iterator

import numpy as np

from agent.sources.otlp.fault import Fault, Refused

_SMALL = 16
_MANY = 4_000_000
_ITEM = 2 << 3 | 2
"""How a message in field 2 begins; the highest bit of the byte says whether the number goes on in the next."""


def check_density(body: bytes) -> None:
    """Raise Refused(TOO_LARGE) for a body that is made of millions of tiny messages.

    Every embedded message has a length; where messages are tiny those bytes are small. 16 MiB of empty attributes would
    become 430 MB once parsed, of empty span events 500 MB; what passes stays under half of that. Telemetry with text in
    it has one small byte in eight at the most.
    """
    if len(body) > _MANY and np.count_nonzero(np.frombuffer(body, np.uint8) < _SMALL) > _MANY:
        raise Refused(Fault.TOO_LARGE, "the body holds too many tiny values")


def check_items(body: bytes, limit: int) -> None:
    """Raise Refused: TOO_LARGE when there are more than `limit` spans, log records or metrics, MALFORMED if unreadable.

    They stand in the same place in all three requests: field 1 of the request, field 2 of that, field 2 of that. Every
    item begins with the same seven bits, so a body that has them seldom needs no walk.
    """
    if np.count_nonzero(np.frombuffer(body, np.uint8) & 127 == _ITEM) <= limit:
        return
    count = 0
    for start, end in _children(body, 0, len(body), 1):
        for scope_start, scope_end in _children(body, start, end, 2):
            for _ in _children(body, scope_start, scope_end, 2):
                count += 1
                if count > limit:
                    raise Refused(Fault.TOO_LARGE, f"more than {limit} records in one request")


def _children(body: bytes, position: int, end: int, field: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of each embedded message of a field between two positions."""
    wanted = field << 3 | 2
    while position < end:
        tag, position = _varint(body, position, end)
        kind = tag & 7
        if kind == 2:
            size, position = _varint(body, position, end)
            if position + size > end:
                raise _malformed()
            if tag == wanted:
                yield position, position + size
            position += size
        elif kind == 0:
            _, position = _varint(body, position, end)
        elif kind in {1, 5}:
            position += 8 if kind == 1 else 4
        else:
            raise _malformed()


def _varint(body: bytes, position: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while position < end and shift < 70:
        byte = body[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7
    raise _malformed()


def _malformed() -> Refused:
    return Refused(Fault.MALFORMED, "the body is not valid protobuf")
