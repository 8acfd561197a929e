"""The real OpenTelemetry SDK as the client."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter
from opentelemetry.util.types import AttributeValue

Listen = Callable[..., Any]
EXPORTERS: dict[str, Callable[[Any], SpanExporter]] = {
    "http": lambda on: HttpExporter(f"{on.http}/v1/traces"),
    "http+gzip": lambda on: HttpExporter(f"{on.http}/v1/traces", compression=Compression.Gzip),
    "grpc": lambda on: GrpcExporter(f"http://{on.grpc}", insecure=True),
}


def _send(exporter: SpanExporter, calls: int) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    for number in range(calls):
        attributes: dict[str, AttributeValue] = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.usage.input_tokens": 10 + number,
            "gen_ai.response.finish_reasons": ["stop"],
        }
        with tracer.start_as_current_span("chat gpt-4o", attributes=attributes):
            pass
    provider.shutdown()


@pytest.mark.parametrize("transport", EXPORTERS)
def test_what_is_sent_arrives(listen: Listen, transport: str) -> None:
    """Every call the SDK exports is in the spool, with its numbers."""
    on = listen()
    _send(EXPORTERS[transport](on), 3)
    tokens = np.concatenate([batch.columns["input_tokens"] for batch in on.memory.batches])
    ids = np.concatenate([batch.columns["id"] for batch in on.memory.batches])
    assert tokens.tolist() == [10, 11, 12]
    assert len(set(ids.tolist())) == 3


@pytest.mark.parametrize("transport", EXPORTERS)
def test_a_full_spool_is_tried_again_by_the_client(listen: Listen, transport: str) -> None:
    """Refused once, the exporter waits as long as it was told and sends the same again: nothing is lost or doubled."""
    on = listen()
    on.memory.full = 1
    _send(EXPORTERS[transport](on), 1)
    assert (on.memory.full, on.memory.rows) == (0, 1)
