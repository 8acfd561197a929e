"""One entry of the outbox as bytes: a run of points, or an event."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeAlias
from zlib import compress, decompress

from agent.plain import pack, unpack
from agent.point import Distribution, Point
from alerts.event import Event
from detectors.catalog import Metric

Item: TypeAlias = tuple[Point, ...] | Event


def encode(item: Item) -> bytes:
    """Return an entry as bytes; metrics go by name."""
    if isinstance(item, Event):
        plain: list[Any] = ["event", _event(item)]
    else:
        plain = ["points", [_point(point) for point in item]]
    return compress(pack(plain), 1)


def decode(data: bytes, metric: Callable[[str], Metric | None]) -> tuple[Item, int]:
    """Return the entry and how many of its points the present catalogue has no place for, which are left out."""
    kind, plain = unpack(decompress(data))
    if kind == "event":
        return _to_event(plain), 0
    points = [_to_point(each, metric) for each in plain]
    known = tuple(point for point in points if point is not None)
    return known, len(points) - len(known)


def _point(point: Point) -> list[Any]:
    value = point.value
    plain = [value.buckets, value.sum] if isinstance(value, Distribution) else value
    return [point.metric.name, point.attributes, plain, point.time, point.start]


def _to_point(plain: Sequence[Any], metric: Callable[[str], Metric | None]) -> Point | None:
    name, pairs, value, time, start = plain
    found = metric(name)
    attributes = tuple((key, text) for key, text in pairs)
    if found is None or {key for key, _ in attributes} != set(found.attributes):
        return None
    if isinstance(value, list):
        if found.kind != "histogram" or len(value[0]) != len(found.boundaries) + 1:
            return None
        return Point(found, attributes, Distribution(tuple(value[0]), value[1]), time, start)
    return None if found.kind == "histogram" else Point(found, attributes, value, time, start)


def _event(event: Event) -> list[Any]:
    return [
        event.id,
        event.kind,
        event.name,
        event.state,
        event.severity,
        event.time.isoformat(),
        event.started.isoformat(),
        event.attributes,
        event.values,
        event.details,
        event.summary,
        event.data,
    ]


def _to_event(plain: Sequence[Any]) -> Event:
    name, kind, rule, state, severity, time, started, *rest = plain
    return Event(name, kind, rule, state, severity, datetime.fromisoformat(time), datetime.fromisoformat(started), *rest)
