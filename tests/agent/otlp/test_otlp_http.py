"""What a client may send over HTTP, and what it gets back."""

import gzip
import socket
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]  # the package ships no types
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse

SAMPLES = Path(__file__).parents[2] / "data" / "otlp"
TRACES = (SAMPLES / "openai-v2-default.http.traces.pb").read_bytes()
PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}
GZIP = {**PROTOBUF, "content-encoding": "gzip"}
Listen = Callable[..., Any]


def _span(trace: bytes = b"\1" * 16, span: bytes = b"\2" * 8, count: int = 1) -> bytes:
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for _ in range(count):
        spans.add(trace_id=trace, span_id=span)
    return request.SerializeToString()


@pytest.mark.parametrize("signal", ["traces", "logs", "metrics"])
@pytest.mark.parametrize("encoding", ["pb", "json"])
@pytest.mark.parametrize("zipped", [True, False])
def test_every_encoding_is_answered_in_kind(listening: Any, signal: str, encoding: str, *, zipped: bool) -> None:
    """Protobuf and JSON, gzip or plain: 200, the same content type, and an empty success."""
    on, before = listening, listening.memory.rows
    body = (SAMPLES / f"openai-v2-latest.http.{signal}.{encoding}").read_bytes()
    headers = dict(PROTOBUF if encoding == "pb" else JSON)
    if zipped:
        body, headers = gzip.compress(body), {**headers, "content-encoding": "gzip"}
    answer = httpx.post(f"{on.http}/v1/{signal}", content=body, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, headers["content-type"])
    assert answer.content == (b"" if encoding == "pb" else b"{}")
    assert on.memory.rows - before == {"traces": 8, "logs": 7, "metrics": 10}[signal]


def _attribute(encoded: bytes) -> bytes:
    """Return a request with one span that has this attribute."""
    body = b"\x0a\x10" + b"\1" * 16 + b"\x12\x08" + b"\2" * 8 + b"\x4a" + bytes([len(encoded)]) + encoded
    for tag in (b"\x12", b"\x12", b"\x0a"):
        body = tag + bytes([len(body)]) + body
    return body


def _endless() -> Iterator[bytes]:
    while True:
        yield bytes(65_536)


BAD: list[tuple[str, str, str, dict[str, str], Any, int]] = [
    ("get", "GET", "/v1/traces", PROTOBUF, b"", 405),
    ("unknown path", "POST", "/v1/other", PROTOBUF, b"", 404),
    ("text", "POST", "/v1/traces", {"content-type": "text/plain"}, b"hi", 415),
    ("no type", "POST", "/v1/traces", {}, b"hi", 415),
    ("brotli", "POST", "/v1/traces", {**PROTOBUF, "content-encoding": "br"}, b"hi", 415),
    ("gzip twice", "POST", "/v1/traces", {**PROTOBUF, "content-encoding": "gzip, gzip"}, b"hi", 415),
    ("gzip header, garbage", "POST", "/v1/traces", GZIP, b"\x1f\x8b\x08" + b"garbage" * 9, 400),
    ("gzip truncated", "POST", "/v1/traces", GZIP, gzip.compress(TRACES)[:-12], 400),
    ("gzip bad crc", "POST", "/v1/traces", GZIP, gzip.compress(TRACES)[:-8] + bytes(8), 400),
    ("gzip trailing bytes", "POST", "/v1/traces", GZIP, gzip.compress(TRACES) + b"x", 400),
    ("gzip two members", "POST", "/v1/traces", GZIP, gzip.compress(TRACES) * 2, 400),
    ("deflate as gzip", "POST", "/v1/traces", GZIP, zlib.compress(TRACES), 400),
    ("gzip bomb by ratio", "POST", "/v1/traces", GZIP, gzip.compress(bytes(8_000_000)), 413),
    ("gzip bomb by size", "POST", "/v1/traces", GZIP, gzip.compress(bytes(100 * 2**20)), 413),
    ("too long", "POST", "/v1/traces", PROTOBUF, bytes(5 * 2**20), 413),
    ("random bytes", "POST", "/v1/traces", PROTOBUF, b"\xff\x00\xfe\x01 random", 400),
    ("length beyond the body", "POST", "/v1/traces", PROTOBUF, b"\x0a\x7f\x00", 400),
    ("varint of 11 bytes", "POST", "/v1/traces", PROTOBUF, b"\x08" + b"\xff" * 11, 400),
    ("group", "POST", "/v1/traces", PROTOBUF, b"\x0b\x0c\x0b", 400),
    ("invalid UTF-8", "POST", "/v1/traces", PROTOBUF, b"\x0a\x06\x12\x04\x1a\x02\xff\xfe", 400),
    ("invalid UTF-8 in a name", "POST", "/v1/traces", PROTOBUF, _attribute(b"\x0a\x02\xff\xfe"), 400),
    ("invalid UTF-8 in a value nobody reads", "POST", "/v1/traces", PROTOBUF, _attribute(b"\x0a\x01a\x12\x04\x0a\x02\xff\xfe"), 400),
    ("an attribute that ends amid a value", "POST", "/v1/traces", PROTOBUF, _attribute(b"\x0a\x01a\x12\x04\x0a"), 400),
    ("span bomb", "POST", "/v1/traces", GZIP, gzip.compress(_span(b"", b"", 400_000)), 413),
    ("JSON NaN", "POST", "/v1/traces", JSON, b'{"resourceSpans":[{"x":NaN}]}', 400),
    ("JSON too deep", "POST", "/v1/traces", JSON, b"[" * 100_000, 400),
    ("JSON BOM", "POST", "/v1/traces", JSON, b"\xef\xbb\xbf{}", 400),
    ("JSON list", "POST", "/v1/traces", JSON, b"[]", 400),
    ("JSON lone surrogate", "POST", "/v1/traces", JSON, rb'{"resourceSpans":[{"schemaUrl":"\ud800"}]}', 400),
    ("JSON of the wrong shape", "POST", "/v1/traces", JSON, b'{"resourceSpans":{"a":1}}', 400),
    ("rebinding host", "POST", "/v1/traces", {**PROTOBUF, "host": "evil.example"}, TRACES, 403),
    ("a browser", "POST", "/v1/traces", {**PROTOBUF, "origin": "http://evil.example"}, TRACES, 403),
]


@pytest.mark.parametrize(("method", "path", "headers", "body", "status"), [pytest.param(*row[1:], id=row[0]) for row in BAD])
def test_bad_requests_are_told_what_is_wrong(
    listening: Any, method: str, path: str, headers: dict[str, str], body: bytes, status: int
) -> None:
    """Every bad request gets its status and a `google.rpc.Status` in its own encoding, is counted, and leaves the listener well."""
    on, before = listening, sum(listening.counted("driftline.agent.dropped").values())
    answer = httpx.request(method, on.http + path, content=body, headers=headers)
    assert answer.status_code == status
    if answer.headers["content-type"] == "application/json":
        message = answer.json()["message"]
    else:
        message = Status.FromString(answer.content).message
    assert message
    assert "Traceback" not in message
    assert "evil" not in message
    if status == 405:
        assert answer.headers["allow"] == "POST"
    assert sum(on.counted("driftline.agent.dropped").values()) == before + 1
    assert httpx.post(f"{on.http}/v1/traces", content=TRACES, headers=PROTOBUF).status_code == 200


def test_a_body_without_end_is_cut_off(listen: Listen) -> None:
    """A chunked body that never ends is refused at the limit."""
    on = listen()
    try:
        answer = httpx.post(f"{on.http}/v1/traces", content=_endless(), headers=PROTOBUF)
    except (httpx.WriteError, httpx.ReadError):
        pass  # the connection was closed while the client still wrote
    else:
        assert answer.status_code == 413
    assert on.counted("driftline.agent.dropped") == {"request_too_large": 1}


def test_a_declared_length_is_refused_before_it_is_sent(listen: Listen) -> None:
    """Content-Length over the limit: 413 without waiting for a byte of the body."""
    on = listen()
    with socket.create_connection(on.http.removeprefix("http://").split(":"), 5) as client:
        client.sendall(b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 413")


def test_a_slow_body_is_given_up(listen: Listen) -> None:
    """A client that stops in the middle of its body gets 408."""
    on = listen(body_timeout=0.2)
    with socket.create_connection(on.http.removeprefix("http://").split(":"), 5) as client:
        client.sendall(b"POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{")
        assert client.recv(100).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize(("trace", "span"), [(b"\1" * 3, b"\2" * 8), (bytes(16), b"\2" * 8), (b"\1" * 16, b"\2"), (b"\1" * 16, bytes(8))])
def test_spans_with_bad_ids_are_a_partial_success(listen: Listen, trace: bytes, span: bytes) -> None:
    """Ids of a wrong length or of zeros: 200, and the stock response class says how many were rejected."""
    on = listen()
    body = _span(trace, span) + TRACES
    answer = httpx.post(f"{on.http}/v1/traces", content=body, headers=PROTOBUF)
    partial = ExportTraceServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, partial.rejected_spans) == (200, 1)
    assert "invalid_id" in partial.error_message
    assert on.memory.rows == 8
    assert on.counted("driftline.agent.dropped") == {"invalid_id": 1}


def test_ids_in_base64_are_rejected_in_json(listen: Listen) -> None:
    """OTLP/JSON wants hex: a base64 id is a partial success, in JSON's own spelling."""
    on = listen()
    body = b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"AQEBAQEBAQEBAQEBAQEBAQ==","spanId":"0202020202020202"}]}]}]}'
    answer = httpx.post(f"{on.http}/v1/traces", content=body, headers=JSON)
    assert answer.json()["partialSuccess"]["rejectedSpans"] == "1"


@pytest.mark.parametrize("headers", [PROTOBUF, JSON])
def test_an_empty_request_is_fine(listen: Listen, headers: dict[str, str]) -> None:
    """An empty body is a valid request without records."""
    on = listen()
    assert httpx.post(f"{on.http}/v1/traces", content=b"", headers=headers).status_code == 200


def test_a_full_spool_asks_the_client_to_come_back(listen: Listen) -> None:
    """Nothing was taken: 503 with Retry-After, and nothing is counted as dropped."""
    on = listen()
    on.memory.full = 1
    answer = httpx.post(f"{on.http}/v1/traces", content=TRACES, headers=PROTOBUF)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert Status.FromString(answer.content).code == 14
    assert on.counted("driftline.agent.dropped") == {}
    assert httpx.post(f"{on.http}/v1/traces", content=TRACES, headers=PROTOBUF).status_code == 200


def test_a_broken_disk_asks_the_client_to_come_back(listen: Listen) -> None:
    """An error of the spool is 503 too, and its text stays inside."""
    on = listen()
    on.memory.fails_with = OSError(28, "No space left on /secret/path")
    answer = httpx.post(f"{on.http}/v1/traces", content=TRACES, headers=PROTOBUF)
    assert answer.status_code == 503
    assert b"secret" not in answer.content


def test_an_unforeseen_error_shows_nothing(listen: Listen) -> None:
    """Whatever happens inside, a client gets a Status without a word of it."""
    on = listen()
    on.memory.fails_with = ZeroDivisionError("user said: my name is Ann")
    answer = httpx.post(f"{on.http}/v1/traces", content=TRACES, headers=PROTOBUF)
    assert answer.status_code == 500
    assert b"Ann" not in answer.content


@pytest.mark.parametrize("prefix", ["/api/public/otel", "/otel"])
def test_clients_of_other_products_find_their_path(listening: Any, prefix: str) -> None:
    """Langfuse's and LangSmith's exporters append to the host what they would there; their credentials are of no interest."""
    on, before = listening, listening.memory.rows
    headers = {**GZIP, "authorization": "Basic bWFkZTp1cA=="}
    answer = httpx.post(
        f"{on.http}{prefix}/v1/traces", content=gzip.compress((SAMPLES / "langfuse.http.traces.pb").read_bytes()), headers=headers
    )
    assert (answer.status_code, on.memory.rows - before) == (200, 12)
