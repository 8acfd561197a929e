"""Current values of every series: cumulative counters, histograms, and gauges that go stale."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from agent.point import Distribution, Point
from detectors.catalog import Metric
from detectors.types import Plain, Total

Key = tuple[Metric, tuple[tuple[str, str], ...]]

OTHER = "__other__"
"""What a label value becomes once a metric has its full number of series."""


class Series:
    """Thread-safe; bounded by `limit` series a metric, overflow goes to `__other__`."""

    def __init__(self, limit: int = 2000) -> None:
        self._lock = threading.Lock()
        self._limit = limit
        self._counters: dict[Key, float] = {}
        self._histograms: dict[Key, tuple[list[int], float]] = {}
        self._gauges: dict[Key, tuple[float, int, int | None]] = {}
        self._sizes: dict[Metric, int] = {}
        self._version = 0

    @property
    def version(self) -> int:
        """Changes whenever a counter or histogram does."""
        return self._version

    def add(self, metric: Metric, value: float = 1, /, **attributes: str) -> None:
        """Increase a counter."""
        if value:
            with self._lock:
                self._version += 1
                key = self._key(metric, attributes)
                self._counters[key] = self._counters.get(key, 0) + value

    def absorb(self, totals: Iterable[Total], common: Mapping[str, str]) -> None:
        """Increase counters and histograms by what a detector counted; `common` is added to the attributes."""
        with self._lock:
            self._version += 1
            for total in totals:
                key = self._key(total.metric, {**common, **total.attributes})
                if total.buckets is None:
                    self._counters[key] = self._counters.get(key, 0) + total.value
                else:
                    buckets, seen = self._histograms.get(key, ([0] * len(total.buckets), 0.0))
                    merged = [left + int(right) for left, right in zip(buckets, total.buckets, strict=True)]
                    # Sums come in whole microseconds: rounded to those, the total is the same however they were added up.
                    self._histograms[key] = (merged, round(seen + total.value, 6))

    def set(
        self, metric: Metric, value: float, time: datetime, until: datetime | None, /, **attributes: str
    ) -> tuple[tuple[str, str], ...]:
        """Set a gauge as of `time`; after `until` it is stale and yields nothing. Return the attributes it got within the limit."""
        expires = None if until is None else _nanoseconds(until)
        with self._lock:
            key = self._key(metric, attributes)
            self._gauges[key] = (value, _nanoseconds(time), expires)
        return key[1]

    def clear(self, metric: Metric, /, **attributes: str) -> None:
        """Drop every gauge of the metric whose attributes include these."""
        wanted = set(attributes.items())
        with self._lock:
            for key in [k for k in self._gauges if k[0] is metric and wanted <= set(k[1])]:
                del self._gauges[key]
                self._sizes[metric] -= 1

    def points(self, now: datetime) -> list[Point]:
        """Return everything that is not stale; counters and histograms are cumulative."""
        return [*self.totals(now), *self.gauges(now)]

    def totals(self, now: datetime) -> list[Point]:
        """Return counters and histograms, cumulative."""
        moment = _nanoseconds(now)
        with self._lock:
            found = [Point(metric, attributes, value, moment) for (metric, attributes), value in self._counters.items()]
            found += [
                Point(metric, attributes, Distribution(tuple(buckets), total), moment)
                for (metric, attributes), (buckets, total) in self._histograms.items()
            ]
        return found

    def gauges(self, now: datetime) -> list[Point]:
        """Return the gauges that are not stale; stale ones are forgotten and make room."""
        moment = _nanoseconds(now)
        with self._lock:
            for key in [key for key, (_, _, until) in self._gauges.items() if until is not None and moment > until]:
                del self._gauges[key]
                self._sizes[key[0]] -= 1
            return [Point(metric, attributes, value, time) for (metric, attributes), (value, time, _) in self._gauges.items()]

    def plain(self) -> Plain:
        """Return counters and histograms as data."""
        with self._lock:
            return {
                "counters": [[metric.name, list(map(list, names)), value] for (metric, names), value in self._counters.items()],
                "histograms": [
                    [metric.name, list(map(list, names)), list(buckets), total]
                    for (metric, names), (buckets, total) in self._histograms.items()
                ],
            }

    def plain_gauges(self) -> Plain:
        """Return the gauges as data: a restart must not blank what holds for another day."""
        with self._lock:
            return {"gauges": [[metric.name, list(map(list, names)), *state] for (metric, names), state in self._gauges.items()]}

    def restore(self, saved: Plain, metrics: Sequence[Metric]) -> None:
        """Take back what `plain` or `plain_gauges` returned; metrics the catalogue no longer has as they were are left out."""
        known = {metric.name: metric for metric in metrics}

        def key(name: str, names: Sequence[Sequence[str]]) -> Key | None:
            attributes = {pair[0]: pair[1] for pair in names}
            metric = known.get(name)
            return self._key(metric, attributes) if metric is not None and attributes.keys() == set(metric.attributes) else None

        with self._lock:
            for name, names, value in saved.get("counters", ()):
                if (found := key(name, names)) is not None:
                    self._counters[found] = value
            for name, names, buckets, total in saved.get("histograms", ()):
                if name in known and len(buckets) == len(known[name].boundaries) + 1 and (found := key(name, names)) is not None:
                    self._histograms[found] = (list(buckets), total)
            for name, names, value, time, until in saved.get("gauges", ()):
                if (found := key(name, names)) is not None:
                    self._gauges[found] = (value, time, until)

    def _key(self, metric: Metric, attributes: Mapping[str, str]) -> Key:
        if attributes.keys() != set(metric.attributes):
            message = f"{metric.name} takes {sorted(metric.attributes)}, not {sorted(attributes)}"
            raise ValueError(message)
        key = (metric, tuple(sorted(attributes.items())))
        if key in self._counters or key in self._histograms or key in self._gauges:
            return key
        # What cannot be written as UTF-8 would stop every page and every sink it comes to.
        key = (metric, tuple((name, value.encode("utf-8", "replace").decode()) for name, value in key[1]))
        if key in self._counters or key in self._histograms or key in self._gauges:
            return key
        if self._sizes.get(metric, 0) >= self._limit:
            key = (metric, tuple((name, OTHER) for name in sorted(attributes)))
            if key in self._counters or key in self._histograms or key in self._gauges:
                return key
        self._sizes[metric] = self._sizes.get(metric, 0) + 1
        return key


def _nanoseconds(time: datetime) -> int:
    return int(time.timestamp() * 1_000_000) * 1000
