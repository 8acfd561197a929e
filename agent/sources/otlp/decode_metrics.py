"""Metrics to counts of calls: the histograms and counters of model calls, one row a filled bucket."""

from dataclasses import replace
from hashlib import blake2b
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from agent.config import Endpoint
from agent.series import OTHER
from agent.sources import Router
from agent.sources.otlp import buckets
from agent.sources.otlp.clients import client_of
from agent.sources.otlp.columns import LATEST
from agent.sources.otlp.decoded import Decoded
from agent.sources.otlp.point_labels import Memory
from agent.sources.otlp.points import Points, Told
from agent.sources.otlp.quantities import QUANTITIES, SECONDS, UNREAD, Quantity
from agent.sources.otlp.values import name, strings

_DELTA, _CUMULATIVE = 1, 2
_NO_VALUE = 1
_MEMORY = Memory()
_WATCHED = ("gen_ai.", "llm.")
_HISTOGRAMS = ("histogram", "exponential_histogram")
_LONGEST_NAME = 100
MOST_POINTS = 20_000
"""Data points read of a request: the limit of `max_items` counts metrics, and one may hold any number of points."""


def decode_metrics(request: ExportMetricsServiceRequest, router: Router) -> Decoded:
    """Read a request: counts as they were told, cumulative or not; `CountJoin` makes increases of them.

    Metrics that say nothing of calls are counted as `metric`, those of `gen_ai.` and `llm.` nobody reads also by name.
    """
    decoded = Decoded()
    found: dict[str, Points] = {}
    for group in request.resource_metrics:
        resource = strings(group.resource.attributes)
        for scope in group.scope_metrics:
            reader = _Scope(resource, scope.scope.name, router, found, decoded)
            for metric in scope.metrics:
                reader.metric(metric)
    decoded.batches = [points.batch() for points in found.values() if points.told]
    return decoded


class _Scope:
    """Reads the metrics of one scope into the points of their endpoints."""

    def __init__(self, resource: dict[str, str], scope: str, router: Router, found: dict[str, Points], decoded: Decoded) -> None:
        self._resource = resource
        self._sender = _hash(sorted(resource.items()))
        self._client = client_of(resource)
        self._scope = scope
        self._version = name(resource.get("service.version"))
        self._router = router
        self._by_host: dict[str, Endpoint] = {}
        self._found = found
        self._decoded = decoded

    def metric(self, metric: Metric) -> None:
        """Add the data points of a metric, or count them."""
        kind = metric.WhichOneof("data")
        if kind is None:
            return
        data = getattr(metric, kind)
        quantity = QUANTITIES.get(metric.name)
        if quantity is None:
            self._decoded.dropped["metric"] += len(data.data_points)
            if metric.name.startswith(_WATCHED) and metric.name not in UNREAD:
                known = (
                    len(metric.name) <= _LONGEST_NAME and metric.name.isascii() and metric.name.replace("_", ".").replace(".", "").isalnum()
                )
                self._decoded.unmapped[metric.name if known else OTHER] += len(data.data_points)
            return
        if kind not in (("sum",) if quantity.counter else _HISTOGRAMS) or (quantity.counter and not data.is_monotonic):
            self._decoded.dropped["metric_kind"] += len(data.data_points)
            return
        if data.aggregation_temporality not in {_DELTA, _CUMULATIVE}:
            self._decoded.rejected["temporality"] += len(data.data_points)
            return
        room = max(MOST_POINTS - sum(len(points.told) for points in self._found.values()), 0)
        if len(data.data_points) > room:
            self._decoded.rejected["too_many_points"] += len(data.data_points) - room
        for point in data.data_points[:room]:
            try:
                self._point(metric, quantity, point, kind, cumulative=data.aggregation_temporality == _CUMULATIVE)
            except ValueError:
                self._decoded.rejected["invalid_point"] += 1
            except Exception as error:  # noqa: BLE001 - one poison point must not stop the others
                self._decoded.failed(error)

    def _point(self, metric: Metric, quantity: Quantity, point: Any, kind: str, *, cumulative: bool) -> None:
        if point.flags & _NO_VALUE:
            self._decoded.dropped["no_value"] += 1
            return
        if not 0 < point.time_unix_nano <= LATEST or point.start_time_unix_nano > point.time_unix_nano:
            self._decoded.rejected["invalid_time"] += 1
            return
        labels = _MEMORY.labels(point.attributes)
        self._decoded.unmapped.update(labels.unmapped)
        measured = labels.measures(quantity)
        if measured is None or not labels.is_call:
            self._decoded.dropped["not_a_call"] += 1
            return
        seconds = not (quantity.counter or measured.endswith("tokens"))
        scale = SECONDS.get(metric.unit.lower(), 1.0) if seconds else 1.0
        if kind == "sum":
            held, total = buckets.ONE, float(getattr(point, point.WhichOneof("value") or "as_double"))
            if not 0 <= total <= buckets.MOST:
                raise ValueError("a count")
        else:
            held = (
                buckets.exponential(point) if kind == "exponential_histogram" else buckets.explicit(point, seconds=seconds and scale == 1.0)
            )
            total = point.sum if point.HasField("sum") and 0 <= point.sum <= buckets.MOST else float("nan")
            held, total = replace(held, value=held.value * scale), total * scale
        told = Told(
            time=point.time_unix_nano,
            start=point.start_time_unix_nano,
            sender=self._sender,
            series=_hash(self._sender, self._scope, metric.name, labels.all),
            call=_hash(self._sender, labels.of_call),
            quantity=measured,
            rank=quantity.rank,
            counter=quantity.counter,
            cumulative=cumulative,
            total=total,
            names={**labels.names, "version": self._version, "client": self._client},
        )
        endpoint = self._endpoint(labels.host)
        points = self._found.setdefault(endpoint.name, Points(endpoint.name))
        points.told.append(told)
        points.buckets.append(held)

    def _endpoint(self, host: str) -> Endpoint:
        endpoint = self._by_host.get(host)
        if endpoint is None:
            endpoint = self._by_host[host] = self._router.route(self._resource, host)
        return endpoint


def _hash(*parts: Any) -> int:
    return int.from_bytes(blake2b(repr(parts).encode("utf-8", "replace"), digest_size=8).digest(), "little")
