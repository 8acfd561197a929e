"""What a stranger sends: spans and rows, fine ones and damaged ones."""

import gzip
import json
import zlib
from typing import Any

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json"}
_USUAL = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "gen_ai.completion.0.finish_reason": "stop"}
"""A whole call: nothing about it is waited for."""


def spans(
    attributes: list[dict[str, Any]], start: int, *, service: str = "chat", name: str = "chat", age: int = 1_000_000
) -> ExportTraceServiceRequest:
    """Return one call for each mapping of attributes; `start` is the first one's time, and makes its id, in nanoseconds."""
    request = ExportTraceServiceRequest()
    one = request.resource_spans.add()
    one.resource.attributes.add(key="service.name").value.string_value = service
    kept = one.scope_spans.add().spans
    for number, given in enumerate(attributes):
        moment = start + number
        span = kept.add(
            trace_id=moment.to_bytes(16, "big"),
            span_id=moment.to_bytes(8, "big"),
            name=name,
            kind=Span.SPAN_KIND_CLIENT,
            start_time_unix_nano=moment - age,
            end_time_unix_nano=moment,
        )
        for key, value in {**_USUAL, **given}.items():
            held = span.attributes.add(key=key).value
            if isinstance(value, float):
                held.double_value = value
            elif isinstance(value, int):
                held.int_value = value
            else:
                held.string_value = value
    return request


def empty_spans(count: int) -> bytes:
    """Return a request of so many empty spans, zipped: 2 kB for a million."""
    scope = b"\x12\x00" * count
    inner = _field(2, scope)
    return gzip.compress(_field(1, inner))


def bomb() -> bytes:
    """Return 100 kB that unpack to 100 MiB."""
    packer = zlib.compressobj(wbits=31)
    return b"".join(packer.compress(bytes(1024 * 1024)) for _ in range(100)) + packer.flush()


def nested(depth: int) -> bytes:
    """Return JSON lists in lists."""
    return b"[" * depth + b"]" * depth


def _field(number: int, content: bytes) -> bytes:
    size, length = b"", len(content)
    while length > 127:
        size += bytes([length & 127 | 128])
        length >>= 7
    return bytes([number << 3 | 2]) + size + bytes([length]) + content


class Client:
    """Posts to one port."""

    def __init__(self, port: int) -> None:
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30)

    def post(self, path: str, body: Any, headers: dict[str, str]) -> httpx.Response:
        """Send bytes, or chunks of them without a length."""
        return self._client.post(path, content=body, headers=headers)

    def get(self, path: str) -> httpx.Response:
        """Ask."""
        return self._client.get(path)

    def spans(self, request: ExportTraceServiceRequest, *, zipped: bool = False) -> httpx.Response:
        """Send spans as an SDK does."""
        body = request.SerializeToString()
        headers = {**PROTOBUF, "Content-Encoding": "gzip"} if zipped else PROTOBUF
        return self.post("/v1/traces", gzip.compress(body, 1) if zipped else body, headers)

    def rows(self, kind: str, correlation: str, rows: list[dict[str, Any]]) -> httpx.Response:
        """Send rows as `azureml-ai-monitoring` does."""
        headers = {**JSON, "ce-type": f"azureml.inference.{kind}", "ce-x-request-id": correlation, "ce-specversion": "1.0"}
        return self.post("/modeldata/log", json.dumps(rows).encode(), headers)

    def close(self) -> None:
        """Let connections go."""
        self._client.close()
