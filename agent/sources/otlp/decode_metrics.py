"""Metrics: accepted, so that clients need no second exporter, and counted; nothing is read from them yet."""

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from agent.sources import Router
from agent.sources.otlp.decoded import Decoded


def decode_metrics(request: ExportMetricsServiceRequest, _router: Router) -> Decoded:
    """Count the data points of a request as `metric`."""
    decoded = Decoded()
    for group in request.resource_metrics:
        for scope in group.scope_metrics:
            for metric in scope.metrics:
                kind = metric.WhichOneof("data")
                if kind is not None:
                    decoded.dropped["metric"] += len(getattr(metric, kind).data_points)
    return decoded
