"""Real OTel exporters against the real agent: every call is counted once, also when the agent is killed under them."""

import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from tests.fakes.agent_process import AgentProcess, free_port

CONFIG = """
version: 1
interval: 1s
sources:
  otlp: {{http: "127.0.0.1:{http}", grpc: "127.0.0.1:{grpc}"}}
endpoints:
  support-chat:
    match: {{service.name: support-bot}}
    window: 1h
sinks:
  prometheus: {{listen: "127.0.0.1:{metrics}"}}
"""

_SAFE = {"filtered": False, "severity": "safe"}


class Traffic:
    """Makes spans of model calls and remembers what was in them."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.sent: Counter[str] = Counter()
        self._memory = InMemorySpanExporter()
        provider = TracerProvider(resource=Resource({"service.name": "support-bot"}))
        provider.add_span_processor(SimpleSpanProcessor(self._memory))
        self._tracer = provider.get_tracer("test")

    def batch(self, calls: int) -> Sequence[ReadableSpan]:
        """Return so many ended spans."""
        for _ in range(calls):
            self._call()
        spans = self._memory.get_finished_spans()
        self._memory.clear()
        return spans

    def _call(self) -> None:
        kind = self.random.choices(["fine", "error", "throttled", "filtered"], [80, 5, 5, 10])[0]
        tokens = self.random.randrange(1, 500)
        with self._tracer.start_as_current_span("chat gpt", kind=SpanKind.CLIENT) as span:
            span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.request.model": "gpt-4o"})
            self.sent["requests"] += 1
            if kind in {"error", "throttled"}:
                name = "APITimeoutError" if kind == "error" else "RateLimitError"
                span.set_attribute("error.type", name)
                span.set_status(StatusCode.ERROR, "Error code: 429" if kind == "throttled" else "timed out")
                self.sent[kind] += 1
                return
            span.set_attributes({"gen_ai.usage.input_tokens": tokens, "gen_ai.response.model": "gpt-4o-2024-08-06"})
            span.set_attribute("gen_ai.response.finish_reasons", ["stop"])
            jailbreak = {"filtered": False, "detected": kind == "filtered"}
            results = [{"prompt_index": 0, "content_filter_results": {"hate": _SAFE, "jailbreak": jailbreak}}]
            span.set_attribute("gen_ai.prompt.prompt_filter_results", json.dumps(results))
            self.sent["tokens"] += tokens
            self.sent["checked"] += 1
            self.sent["filtered"] += kind == "filtered"


def counted(agent: AgentProcess) -> dict[str, float]:
    """Return what the agent's page says, in the words of `Traffic.sent`."""
    stream = {"endpoint": "support-chat", "deployment": "gpt-4o", "traffic": "live"}
    return {
        "requests": agent.total("driftline_requests_total", **stream),
        "error": agent.total("driftline_request_errors_total", error_type="timeout", **stream),
        "throttled": agent.total("driftline_request_throttled_total", **stream),
        "tokens": agent.total("driftline_tokens_total", token_type="input", **stream),
        "checked": agent.total("driftline_safety_checked_total", category="jailbreak", **stream),
        "filtered": agent.total("driftline_safety_filtered_total", category="jailbreak", action="annotated", **stream),
    }


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[AgentProcess]:
    """An agent with one endpoint, not started."""
    ports = {"http": free_port(), "grpc": free_port(), "metrics": free_port()}
    process = AgentProcess(tmp_path, CONFIG.format(**ports), ports["metrics"], ports=ports)
    yield process
    process.stop()


def exporters(agent: AgentProcess) -> dict[str, Callable[[], SpanExporter]]:
    """Return the three ways a stock SDK sends."""
    url = f"http://127.0.0.1:{agent.ports['http']}/v1/traces"
    return {
        "http": lambda: HttpExporter(endpoint=url),
        "http+gzip": lambda: HttpExporter(endpoint=url, compression=Compression.Gzip),
        "grpc": lambda: GrpcExporter(endpoint=f"127.0.0.1:{agent.ports['grpc']}", insecure=True, timeout=2),
    }


@pytest.mark.parametrize("transport", ["http", "http+gzip", "grpc"])
def test_what_was_sent_is_what_is_counted(agent: AgentProcess, transport: str) -> None:
    """Calls, tokens, errors and filter results, over every transport of the stock SDK."""
    agent.start()
    traffic, exporter = Traffic(1), exporters(agent)[transport]()

    for _ in range(10):
        assert exporter.export(traffic.batch(50)) is SpanExportResult.SUCCESS
    exporter.shutdown()

    agent.until(lambda: counted(agent) == dict(traffic.sent))


def test_a_kill_neither_loses_nor_doubles(agent: AgentProcess) -> None:
    """Killed four times while a client sends and retries: the counters are what was sent, once."""
    agent.start()
    traffic = Traffic(2)
    exporter = exporters(agent)["http+gzip"]()
    done = threading.Event()
    failures: list[str] = []

    def send() -> None:
        try:
            for _ in range(120):
                batch = traffic.batch(20)
                for _ in range(200):
                    if exporter.export(batch) is SpanExportResult.SUCCESS:
                        break
                else:
                    failures.append("never taken")
        finally:
            done.set()

    client = threading.Thread(target=send, daemon=True)
    client.start()
    chance = random.Random(3)
    for _ in range(4):
        done.wait(chance.uniform(0.2, 1.0))
        agent.kill()
        agent.start()
    assert done.wait(60)
    assert not failures

    agent.until(lambda: counted(agent) == dict(traffic.sent))
    duplicates = agent.total("driftline_agent_dropped_total", reason="duplicate")
    assert agent.total("driftline_agent_received_total", source="otlp") == traffic.sent["requests"] + duplicates
