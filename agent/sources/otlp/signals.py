"""The three OTLP services: paths, messages, and how a request of each is read."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest, ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse

from agent.sources import Router
from agent.sources.otlp import trace_message
from agent.sources.otlp.decode_logs import decode_logs
from agent.sources.otlp.decode_metrics import decode_metrics
from agent.sources.otlp.decode_traces import decode_traces
from agent.sources.otlp.decoded import Decoded


@dataclass(frozen=True, slots=True)
class Signal:
    """One of traces, logs, metrics."""

    path: str
    service: str
    request: type[Any]
    response: type[Any]
    rejected: str
    """Field of `partial_success` that counts what was refused."""
    parse: Callable[[bytes], Any]
    """Takes the bytes of a `request` apart. Raises DecodeError."""
    decode: Callable[[Any, Router], Decoded]
    """Reads what `parse` gave. Raises DecodeError."""


def _service(name: str) -> str:
    return f"opentelemetry.proto.collector.{name}"


SIGNALS = (
    Signal(
        "/v1/traces",
        _service("trace.v1.TraceService"),
        ExportTraceServiceRequest,
        ExportTraceServiceResponse,
        "rejected_spans",
        trace_message.parse,
        decode_traces,
    ),
    Signal(
        "/v1/logs",
        _service("logs.v1.LogsService"),
        ExportLogsServiceRequest,
        ExportLogsServiceResponse,
        "rejected_log_records",
        ExportLogsServiceRequest.FromString,
        decode_logs,
    ),
    Signal(
        "/v1/metrics",
        _service("metrics.v1.MetricsService"),
        ExportMetricsServiceRequest,
        ExportMetricsServiceResponse,
        "rejected_data_points",
        ExportMetricsServiceRequest.FromString,
        decode_metrics,
    ),
)
