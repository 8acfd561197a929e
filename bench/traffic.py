"""Model calls as OTLP requests that no agent has seen before: new ids, and event times that the caller chooses."""

import gzip
import random
from collections.abc import Iterator

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench.otlp_receive import PAYLOADS, SPANS, payload

HEADERS = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}


def requests(seed: int = 0) -> Iterator[ExportTraceServiceRequest]:
    """Yield requests of 100 calls with messages of 1.8 KB without end. Ids are new each time; every call took under 10 s."""
    chance = random.Random(seed)  # noqa: S311 - made-up traffic
    templates = [ExportTraceServiceRequest.FromString(payload(number)) for number in range(PAYLOADS)]
    while True:
        for request in templates:
            for span in request.resource_spans[0].scope_spans[0].spans:
                span.trace_id, span.span_id = chance.randbytes(16), chance.randbytes(8)
                for attribute in span.attributes:
                    if attribute.key == "gen_ai.response.id":
                        attribute.value.string_value = f"chatcmpl-{chance.getrandbits(64):x}"
            yield request


def body(request: ExportTraceServiceRequest, ended: int | None = None) -> bytes:
    """Return a request as it goes over the wire, gzip level 6; with `ended` (nanoseconds), all its calls end then."""
    if ended is not None:
        for span in request.resource_spans[0].scope_spans[0].spans:
            took = span.end_time_unix_nano - span.start_time_unix_nano
            span.start_time_unix_nano, span.end_time_unix_nano = ended - took, ended
    return gzip.compress(request.SerializeToString(), 6)


__all__ = ["HEADERS", "SPANS", "body", "requests"]
