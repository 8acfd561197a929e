"""What a client may send over gRPC, and what it gets back."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]  # the package ships no types
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # the same
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse

SAMPLES = Path(__file__).parents[2] / "data" / "otlp"
SERVICE = "/opentelemetry.proto.collector.{}Service/Export"
TRACE, LOGS, METRICS = (SERVICE.format(name) for name in ("trace.v1.Trace", "logs.v1.Logs", "metrics.v1.Metrics"))
TRACES = (SAMPLES / "openai-v2-latest-events.grpc.traces.pb").read_bytes()
Listen = Callable[..., Any]


def _call(on: Any, method: str, body: bytes, compression: grpc.Compression = grpc.Compression.NoCompression) -> bytes:
    with grpc.insecure_channel(on.grpc, options=[("grpc.max_send_message_length", -1)]) as channel:
        stub: Any = channel.unary_unary(method)
        answer: bytes = stub(body, timeout=10, compression=compression)
        return answer


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
@pytest.mark.parametrize(
    ("method", "name", "rows"),
    [
        (TRACE, "openai-v2-latest-events.grpc.traces.pb", 8),
        (LOGS, "openai-v2-latest-events.grpc.logs.pb", 7),
        (METRICS, "openai-v2-latest.http.metrics.pb", 10),
    ],
)
def test_all_signals_are_taken(listening: Any, method: str, name: str, rows: int, compression: grpc.Compression) -> None:
    """Export of traces, logs and metrics, plain or gzip, answers with an empty success."""
    on, before = listening, listening.memory.rows
    assert _call(on, method, (SAMPLES / name).read_bytes(), compression) == b""
    assert on.memory.rows - before == rows


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(b"\xff\x00 random", grpc.StatusCode.INVALID_ARGUMENT, id="random bytes"),
        pytest.param(b"\x0a\x7f\x00", grpc.StatusCode.INVALID_ARGUMENT, id="truncated"),
        pytest.param(bytes(17 * 2**20), grpc.StatusCode.RESOURCE_EXHAUSTED, id="too large"),
        pytest.param(gzip.compress(TRACES), grpc.StatusCode.INVALID_ARGUMENT, id="compressed twice"),
    ],
)
def test_bad_requests_are_refused_for_good(listening: Any, body: bytes, code: grpc.StatusCode) -> None:
    """Bad data gets a code that exporters do not retry, without a trace of our insides; the listener stays well."""
    on = listening
    with pytest.raises(grpc.RpcError) as caught:
        _call(on, TRACE, body)
    assert caught.value.code() is code
    assert "Traceback" not in str(caught.value.details())
    assert _call(on, TRACE, TRACES) == b""


def test_a_bomb_is_not_inflated_past_the_limit(listen: Listen) -> None:
    """100 MiB of zeros in 100 kB: RESOURCE_EXHAUSTED."""
    on = listen()
    with pytest.raises(grpc.RpcError) as caught:
        _call(on, TRACE, bytes(100 * 2**20), grpc.Compression.Gzip)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_an_unknown_service_is_unimplemented(listen: Listen) -> None:
    """A method nobody serves: UNIMPLEMENTED."""
    on = listen()
    with pytest.raises(grpc.RpcError) as caught:
        _call(on, "/opentelemetry.proto.collector.profiles.v1.ProfilesService/Export", b"")
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_bad_ids_are_a_partial_success(listen: Listen) -> None:
    """Spans with ids of zeros are rejected by number; the others are taken."""
    on = listen()
    request = ExportTraceServiceRequest.FromString(TRACES)
    request.resource_spans.add().scope_spans.add().spans.add(trace_id=bytes(16), span_id=b"12345678")
    partial = ExportTraceServiceResponse.FromString(_call(on, TRACE, request.SerializeToString())).partial_success
    assert (partial.rejected_spans, on.memory.rows) == (1, 8)


def test_a_full_spool_says_when_to_come_back(listen: Listen) -> None:
    """UNAVAILABLE, with the pause in both trailers that clients read."""
    on = listen()
    on.memory.full = 1
    with pytest.raises(grpc.RpcError) as caught:
        _call(on, TRACE, TRACES)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    trailers: dict[str, Any] = {item.key: item.value for item in caught.value.trailing_metadata()}
    assert RetryInfo.FromString(trailers["google.rpc.retryinfo-bin"]).retry_delay.seconds == 1
    (detail,) = Status.FromString(trailers["grpc-status-details-bin"]).details
    info = RetryInfo()
    assert detail.Unpack(info)
    assert info.retry_delay.seconds == 1
