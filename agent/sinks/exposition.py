"""Points as the text Prometheus scrapes, through prometheus_client's own writer."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.exposition import choose_encoder

from agent.point import Distribution, Point
from detectors.catalog import Metric


class _Collector:
    """What prometheus_client asks of a registry."""

    def __init__(self, points: Sequence[Point]) -> None:
        self._points = points

    def collect(self) -> Iterator[Family]:
        """Yield one family a metric, in catalogue spelling made of letters, digits and underscores."""
        ordered = sorted(self._points, key=lambda point: (point.metric.name, point.attributes))
        for metric, points in groupby(ordered, key=lambda point: point.metric):
            yield _family(metric, points)

    def restricted_registry(self, names: Iterable[str]) -> "_Collector":
        """Return the part with these sample names, as `?name[]=` asks for."""
        wanted = set(names)
        families = {family.name: family for family in self.collect() if wanted & {sample.name for sample in family.samples}}
        return _Collector([point for point in self._points if spelling(point.metric) in families])


def expose(points: Sequence[Point], accept: str) -> tuple[bytes, str]:
    """Return the page and its content type, in the format the scraper accepts."""
    encode, content_type = choose_encoder(accept)
    return encode(_Collector(points)), content_type


def spelling(metric: Metric) -> str:
    """Return the Prometheus name without the suffixes that belong to samples (`_total`, `_bucket`).

    >>> from detectors.catalog import REQUEST_DURATION, DATA_MISSING
    >>> spelling(REQUEST_DURATION), spelling(DATA_MISSING)
    ('driftline_request_duration_seconds', 'driftline_data_missing_ratio')
    """
    unit = {"s": "_seconds", "By": "_bytes"}.get(metric.unit, "")
    return metric.name.replace(".", "_") + unit


def _family(metric: Metric, points: Iterable[Point]) -> Family:
    name, text, labels = spelling(metric), metric.description, sorted(metric.attributes)
    if metric.kind == "histogram":
        histogram = HistogramMetricFamily(name, text, labels=labels)
        for point in points:
            if isinstance(point.value, Distribution):
                histogram.add_metric([value for _, value in point.attributes], _buckets(metric, point.value), point.value.sum)
        return histogram
    numbers = (CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily)(name, text, labels=labels)
    for point in points:
        if not isinstance(point.value, Distribution):
            numbers.add_metric([value for _, value in point.attributes], point.value)
    return numbers


def _buckets(metric: Metric, value: Distribution) -> list[tuple[str, float]]:
    seen = 0
    cumulative: list[tuple[str, float]] = []
    for bound, count in zip([*(repr(bound) for bound in metric.boundaries), "+Inf"], value.buckets, strict=True):
        seen += count
        cumulative.append((bound, seen))
    return cumulative
