"""Our points as OpenTelemetry metric data, handed to exporters without a meter provider in between."""

from collections.abc import Sequence
from importlib.metadata import version
from itertools import groupby

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from agent.point import Distribution, Point

SCOPE = InstrumentationScope("driftline", version("driftline"))


def metrics_data(points: Sequence[Point], resource: Resource) -> MetricsData:
    """Return points as OTLP-shaped data, in the same order, each with its own time."""
    metrics = [_metric(list(run)) for _, run in groupby(points, key=lambda point: point.metric)]
    scope = ScopeMetrics(SCOPE, metrics, "")
    return MetricsData([ResourceMetrics(resource, [scope], "")])


def _metric(points: Sequence[Point]) -> Metric:
    metric = points[0].metric
    if metric.kind == "histogram":
        data: Gauge | Sum | Histogram = Histogram([_histogram(point) for point in points], AggregationTemporality.DELTA)
    else:
        numbers = [_number(point) for point in points]
        data = Sum(numbers, AggregationTemporality.DELTA, is_monotonic=True) if metric.kind == "counter" else Gauge(numbers)
    return Metric(metric.name, metric.description, metric.unit, data)


def _number(point: Point) -> NumberDataPoint:
    if isinstance(point.value, Distribution):
        raise TypeError(f"{point.metric.name} is a {point.metric.kind}, its value is a number")
    return NumberDataPoint(dict(point.attributes), point.start or point.time, point.time, point.value)


def _histogram(point: Point) -> HistogramDataPoint:
    value = point.value
    if not isinstance(value, Distribution):
        raise TypeError(f"{point.metric.name} is a histogram, its value is a distribution")
    # The observations themselves are not kept, so their extremes are left out rather than guessed from the buckets.
    return HistogramDataPoint(
        dict(point.attributes),
        point.start or point.time,
        point.time,
        value.count,
        value.sum,
        value.buckets,
        point.metric.boundaries,
        None,  # type: ignore[arg-type] # the exporters leave out what is None
        None,  # type: ignore[arg-type] # as above
    )
