"""An application that talks to a model, as OpenTelemetry's SDK tells of it."""

import json
import time

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor


def talk(port: int, exchanges: list[tuple[str, str]], window: int) -> set[tuple[str, str]]:
    """Make calls with these prompts and answers that end in the next window (nanoseconds); return their trace and span ids."""
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"http://127.0.0.1:{port}/v1/traces")))
    tracer, moment = provider.get_tracer("shop"), (time.time_ns() // window + 1) * window + 1_000_000
    made = set()
    for number, (prompt, answer) in enumerate(exchanges):
        span = tracer.start_span("chat", start_time=moment)
        span.set_attributes(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "gpt-4o",
                "gen_ai.response.finish_reasons": ["stop"],
                "gen_ai.input.messages": _messages("user", prompt),
                "gen_ai.output.messages": _messages("assistant", answer),
            }
        )
        span.end(moment + number)
        context = span.get_span_context()
        made.add((f"{context.trace_id:032x}", f"{context.span_id:016x}"))
    provider.shutdown()
    return made


def _messages(role: str, text: str) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])
