"""Turns cumulative counters into increases since the last time, for sinks that want deltas."""

from collections.abc import Sequence
from dataclasses import replace

from agent.point import Distribution, Point
from detectors.types import Plain

_Key = tuple[str, tuple[tuple[str, str], ...]]


class Increments:
    """Remembers what was sent; the memory is saved with the points it led to, so nothing is sent twice."""

    def __init__(self) -> None:
        self._sent: dict[_Key, float | Distribution] = {}
        self._since = 0

    def take(self, points: Sequence[Point]) -> list[Point]:
        """Return the increases of counters and histograms since the last call; gauges pass as they are.

        A value below the last one means the counter began anew, and counts from zero.
        """
        found: list[Point] = []
        for point in points:
            if point.metric.kind == "gauge":
                found.append(point)
                continue
            key = (point.metric.name, point.attributes)
            increase = _increase(point.value, self._sent.get(key))
            self._sent[key] = point.value
            if increase is not None:
                found.append(replace(point, value=increase, start=self._since or point.time))
        if points:
            self._since = max(point.time for point in points)
        return found

    def plain(self) -> Plain:
        """Return the memory as data."""
        return {
            "since": self._since,
            "sent": [
                [name, [list(pair) for pair in attributes], [list(value.buckets), value.sum] if isinstance(value, Distribution) else value]
                for (name, attributes), value in self._sent.items()
            ],
        }

    def restore(self, saved: Plain) -> None:
        """Take back what `plain` returned."""
        self._since = saved["since"]
        for name, pairs, value in saved["sent"]:
            key = (name, tuple((pair[0], pair[1]) for pair in pairs))
            self._sent[key] = Distribution(tuple(value[0]), value[1]) if isinstance(value, list) else value


def _increase(now: float | Distribution, before: float | Distribution | None) -> float | Distribution | None:
    if isinstance(now, Distribution):
        if not isinstance(before, Distribution) or len(before.buckets) != len(now.buckets) or before.count > now.count:
            before = Distribution((0,) * len(now.buckets), 0.0)
        buckets = tuple(left - right for left, right in zip(now.buckets, before.buckets, strict=True))
        return Distribution(buckets, now.sum - before.sum) if any(buckets) else None
    base = before if isinstance(before, float | int) and before <= now else 0.0
    return now - base or None
