"""Metrics to counts of calls: the histograms and counters of model calls, one row a filled bucket."""

from collections.abc import Iterable
from dataclasses import replace
from hashlib import blake2b
from typing import Any
from urllib.parse import urlsplit

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric

from agent.series import OTHER
from agent.sources import Router
from agent.sources.otlp import azure, buckets
from agent.sources.otlp.call import finish_reason, operation
from agent.sources.otlp.decode_traces import LATEST, strings
from agent.sources.otlp.decoded import Decoded
from agent.sources.otlp.dialects import PROVIDERS
from agent.sources.otlp.failure import failure
from agent.sources.otlp.points import Points, Told
from agent.sources.otlp.quantities import FINISH_REASON, QUANTITIES, SPLITTING, TOKEN_TYPE, TOKEN_TYPES, TOKENS, UNREAD, Quantity
from agent.sources.otlp.rules import read
from agent.sources.otlp.values import name, plain

_DELTA, _CUMULATIVE = 1, 2
_NO_VALUE = 1
_WATCHED = ("gen_ai.", "llm.")
_HISTOGRAMS = ("histogram", "exponential_histogram")
_MILLI = 1e-3
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
        self._scope = scope
        self._version = name(resource.get("service.version"))
        self._router = router
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
        measured = self._measured(quantity, point.attributes)
        found, ranks = read((item for item in point.attributes if item.key not in SPLITTING), self._decoded.unmapped)
        called = operation(found, ranks)
        if measured is None or ("operation" in found and called is None):
            self._decoded.dropped["not_a_call"] += 1
            return
        scale = _MILLI if metric.unit == "ms" else 1.0
        if kind == "sum":
            held, total = buckets.ONE, float(getattr(point, point.WhichOneof("value") or "as_double"))
            if not 0 <= total <= buckets.MOST:
                raise ValueError("a count")
        else:
            held = buckets.exponential(point) if kind == "exponential_histogram" else buckets.explicit(point, seconds=metric.unit == "s")
            total = point.sum if point.HasField("sum") and 0 <= point.sum <= buckets.MOST else float("nan")
            held, total = replace(held, value=held.value * scale), total * scale
        host = _host(azure.host(found))
        shared = sorted((item.key, str(plain(item.value))) for item in point.attributes)
        told = Told(
            time=point.time_unix_nano,
            start=point.start_time_unix_nano,
            sender=self._sender,
            series=_hash(self._sender, self._scope, metric.name, shared),
            call=_hash(self._sender, [pair for pair in shared if pair[0] not in SPLITTING]),
            quantity=measured,
            rank=quantity.rank,
            counter=quantity.counter,
            cumulative=cumulative,
            total=total,
            names=self._names(found, called, host, point.attributes),
        )
        endpoint = self._router.route(self._resource, host)
        points = self._found.setdefault(endpoint.name, Points(endpoint.name))
        points.told.append(told)
        points.buckets.append(held)

    @staticmethod
    def _measured(quantity: Quantity, attributes: Iterable[KeyValue]) -> str | None:
        """Return what a data point measures; None for tokens of no known type, and for choices that do not say how they ended."""
        if quantity.name == TOKENS:
            told = next((plain(item.value) for item in attributes if item.key == TOKEN_TYPE), None)
            return TOKEN_TYPES.get(told) if isinstance(told, str) else None
        if quantity.name == "choices" and not any(item.key in FINISH_REASON for item in attributes):
            return None
        return quantity.name

    def _names(self, found: dict[str, Any], called: str | None, host: str, attributes: Iterable[KeyValue]) -> dict[str, Any]:
        claimed = found["provider"].lower() if "provider" in found else None
        error = found.get("error")
        finish = [plain(item.value) for item in attributes if item.key in FINISH_REASON]
        status = found.get("http_status")
        return {
            "deployment": azure.deployment(found),
            "traffic": found.get("traffic"),
            "operation": called,
            "provider": azure.provider(PROVIDERS.get(claimed, claimed) if claimed else None, found, host, filtered=False),
            "request_model": found.get("request_model"),
            "model": found.get("model"),
            "fingerprint": found.get("fingerprint"),
            "version": self._version,
            "finish_reason": finish_reason(finish),
            "error_type": failure(error, "", int(status) if status else None).error_type if error else None,
        }


def _host(address: str) -> str:
    """Return the host of an address that may be a whole URL."""
    if "://" not in address:
        return address
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _hash(*parts: Any) -> int:
    return int.from_bytes(blake2b(repr(parts).encode("utf-8", "replace"), digest_size=8).digest(), "little")
