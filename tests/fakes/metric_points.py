"""OTLP metric requests by hand: what no SDK would send, and what some do."""

from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from agent.config import Endpoint
from agent.sources.otlp.decode_metrics import decode_metrics
from agent.sources.otlp.decoded import Decoded

BOUNDS = tuple(0.01 * 2**k for k in range(14))
CUMULATIVE, DELTA = 2, 1
SECOND = 1_000_000_000
CALL = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt"}


class One:
    """One endpoint for all."""

    def route(self, _resource: dict[str, str], _host: str) -> Endpoint:
        """Return it."""
        return Endpoint("chat")


def attributes(values: Mapping[str, Any]) -> list[KeyValue]:
    """Return attributes with string values."""
    made = []
    for key, value in values.items():
        one = KeyValue(key=key)
        one.value.string_value = str(value)
        made.append(one)
    return made


class Request:
    """Grows point by point."""

    def __init__(self, resource: Mapping[str, str] | None = None, scope: str = "test") -> None:
        self.message = ExportMetricsServiceRequest()
        group = self.message.resource_metrics.add()
        group.resource.attributes.extend(attributes(resource or {"service.name": "bot"}))
        self._scope = group.scope_metrics.add()
        self._scope.scope.name = scope

    def histogram(
        self,
        counts: Sequence[int],
        *,
        name: str = "gen_ai.client.operation.duration",
        time: float = 60,
        start: float = 1,
        total: float | None = None,
        bounds: Sequence[float] = BOUNDS,
        temporality: int = CUMULATIVE,
        unit: str = "s",
        flags: int = 0,
        **more: str,
    ) -> "Request":
        """Add a point with bounds; counts are filled up with zeros, times are seconds."""
        metric = self._scope.metrics.add(name=name, unit=unit)
        metric.histogram.aggregation_temporality = temporality  # type: ignore[assignment]  # an enum is an int
        point = metric.histogram.data_points.add(
            time_unix_nano=int(time * SECOND), start_time_unix_nano=int(start * SECOND), count=sum(counts), flags=flags
        )
        if total is not None:
            point.sum = total
        point.bucket_counts.extend([*counts, *[0] * (len(bounds) + 1 - len(counts))])
        point.explicit_bounds.extend(bounds)
        point.attributes.extend(attributes({**CALL, **{key.replace("__", "."): value for key, value in more.items()}}))
        return self

    def exponential(
        self,
        counts: Sequence[int],
        *,
        scale: int,
        offset: int = 0,
        zeros: int = 0,
        name: str = "gen_ai.client.operation.duration",
        time: float = 60,
        start: float = 1,
        temporality: int = CUMULATIVE,
    ) -> "Request":
        """Add an exponential point."""
        metric = self._scope.metrics.add(name=name, unit="s")
        metric.exponential_histogram.aggregation_temporality = temporality  # type: ignore[assignment]  # an enum is an int
        point = metric.exponential_histogram.data_points.add(
            time_unix_nano=int(time * SECOND),
            start_time_unix_nano=int(start * SECOND),
            count=sum(counts) + zeros,
            scale=scale,
            zero_count=zeros,
        )
        point.positive.offset = offset
        point.positive.bucket_counts.extend(counts)
        point.attributes.extend(attributes(CALL))
        return self

    def counter(
        self,
        value: float,
        name: str,
        *,
        time: float = 60,
        start: float = 1,
        temporality: int = CUMULATIVE,
        monotonic: bool = True,
        **more: str,
    ) -> "Request":
        """Add a sum."""
        metric = self._scope.metrics.add(name=name)
        metric.sum.aggregation_temporality = temporality  # type: ignore[assignment]  # an enum is an int
        metric.sum.is_monotonic = monotonic
        point = metric.sum.data_points.add(time_unix_nano=int(time * SECOND), start_time_unix_nano=int(start * SECOND))
        point.as_double = value
        point.attributes.extend(attributes({**CALL, **{key.replace("__", "."): one for key, one in more.items()}}))
        return self

    def decoded(self) -> Decoded:
        """Read it."""
        return decode_metrics(ExportMetricsServiceRequest.FromString(self.message.SerializeToString()), One())
