"""Searches that find nothing, tools that fail and tool calls that cannot be run: from the application's spans to the alert."""

import json
import time
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import StatusCode
from scipy.stats import binomtest  # type: ignore[import-untyped]  # SciPy ships no types

from tests.fakes.agent_process import AgentProcess, free_port

SECRET = "xylophone-4711"
SEARCHES, EMPTY, FAILED, INVALID = 60, 30, 20, 15
ANSWERS = 256
SPAN = 3_000_000_000
DAY = 86_400

CONFIG = """
version: 1
sources:
  otlp: {{http: "127.0.0.1:{port}"}}
endpoints:
  shop: {{window: 3s, allowed_lateness: 0s}}
  desk: {{window: 3s, allowed_lateness: 0s, content: features, conversation_idle: 1s, match: {{service.name: desk}}}}
sinks:
  prometheus: {{listen: "127.0.0.1:{metrics}"}}
"""


def _serve(port: int) -> None:
    """Answer questions as an application with a search and a tool does, all in the next window."""
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"http://127.0.0.1:{port}/v1/traces")))
    tracer = provider.get_tracer("shop")
    moment = (time.time_ns() // SPAN + 1) * SPAN + 1_000_000
    old = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment / 1e9 - 3 * DAY))
    for number in range(SEARCHES):
        search = tracer.start_span("retrieval handbook", start_time=moment)
        documents = [] if number < EMPTY else [{"id": "a", "score": 0.75, "content": SECRET, "metadata": {"last_modified": old}}]
        search.set_attributes(
            {
                "gen_ai.operation.name": "retrieval",
                "gen_ai.data_source.id": "handbook",
                "gen_ai.retrieval.query.text": SECRET,
                "gen_ai.retrieval.documents": json.dumps(documents),
            }
        )
        search.end(moment + 250_000_000)
        tool = tracer.start_span("execute_tool book", start_time=moment)
        tool.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "book", "gen_ai.tool.call.arguments": SECRET})
        if number < FAILED:
            tool.set_status(StatusCode.ERROR, f"KeyError: {SECRET}")
        tool.end(moment + 500_000_000)
        call = tracer.start_span("chat", start_time=moment)
        arguments = f'{{"who": "{SECRET}"' + ("" if number < INVALID else "}")
        call.set_attributes(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "gpt-4o",
                "gen_ai.response.finish_reasons": ["tool_calls"],
                "gen_ai.tool.definitions": json.dumps([{"type": "function", "name": "book"}]),
                "gen_ai.output.messages": json.dumps(
                    [{"role": "assistant", "parts": [{"type": "tool_call", "name": "book", "arguments": arguments}]}]
                ),
            }
        )
        call.end(moment + 700_000_000)
    provider.shutdown()


def _answer(port: int) -> None:
    """Answer 256 questions in 64 conversations of four turns; three of four answers stand in what was found for them.

    The last call of every other conversation fails.
    """
    provider = TracerProvider(resource=Resource.create({"service.name": "desk"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"http://127.0.0.1:{port}/v1/traces")))
    tracer = provider.get_tracer("desk")
    moment = (time.time_ns() // SPAN + 1) * SPAN + 1_000_000
    for number in range(ANSWERS):
        around = tracer.start_span("workflow", start_time=moment)
        with trace.use_span(around, end_on_exit=False):
            search = tracer.start_span("retrieve", start_time=moment)
            search.set_attributes(
                {
                    "openinference.span.kind": "RETRIEVER",
                    "retrieval.documents.0.document.content": f"{SECRET} The card arrives within two days and costs nothing at all.",
                    "retrieval.documents.0.document.score": 0.5,
                }
            )
            search.end(moment + 1_000)
            answer = "The card arrives within two days." if number % 4 else "Three umbrellas come by pigeon next spring."
            call = tracer.start_span("chat", start_time=moment)
            call.set_attributes(
                {
                    "gen_ai.operation.name": "chat",
                    "gen_ai.provider.name": "openai",
                    "gen_ai.request.model": "gpt-4o",
                    "gen_ai.conversation.id": f"conversation-{SECRET}-{number // 4}",
                    "gen_ai.response.finish_reasons": ["stop"],
                    "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": f"{SECRET}?"}]}]),
                    "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": answer}]}]),
                }
            )
            if number % 8 == 7:
                call.set_status(StatusCode.ERROR, "TimeoutError: no answer")
            call.end(moment + number)
        around.end(moment + number)
    provider.shutdown()


def test_what_stands_around_calls_is_counted_and_alerted_on(tmp_path: Path) -> None:
    """Every share is the true one with its interval, under `content: off`; each of the four alerts fires on its own stream."""
    port, metrics = free_port(), free_port()
    agent = AgentProcess(tmp_path, CONFIG.format(port=port, metrics=metrics), metrics)
    agent.start()
    handbook = {"endpoint": "shop", "deployment": "handbook"}
    tools = {"endpoint": "shop", "deployment": "__tools__", "tool": "book"}
    model = {"endpoint": "shop", "deployment": "gpt-4o"}
    grounding = {"endpoint": "desk", "deployment": "gpt-4o", "evaluator": "retrieved_grounding"}
    try:
        _serve(port)
        _answer(port)
        wanted = (
            ("empty_retrieval", "handbook"),
            ("tool_failures", "__tools__"),
            ("invalid_tool_calls", "gpt-4o"),
            ("abandoned_conversations", "gpt-4o"),
        )
        for alert, deployment in wanted:
            agent.until(
                lambda alert=alert, deployment=deployment: (
                    agent.total(  # type: ignore[misc]  # a lambda with defaults
                        "driftline_alert_active", alert=alert, deployment=deployment, alert_severity="warning"
                    )
                    == 1
                )
            )
        agent.until(lambda: agent.total("driftline_text_samples", **grounding) > 0)
        share, lower, upper = (agent.total(f"driftline_text_share{bound}_ratio", **grounding) for bound in ("", "_lower", "_upper"))
        desk = {"endpoint": "desk", "deployment": "gpt-4o"}
        abandoned = agent.total("driftline_conversation_abandoned_ratio", ending="failed", **desk)
        conversations = {ending: agent.total("driftline_conversations_total", ending=ending, **desk) for ending in ("failed", "answered")}
        page = agent.scrape()
        found = {
            name: agent.total(f"driftline_{name}", **where)
            for name, where in (
                ("retrievals_total", handbook),
                ("retrieval_empty_ratio", handbook),
                ("retrieval_empty_lower_ratio", handbook),
                ("retrieval_empty_upper_ratio", handbook),
                ("retrieval_score_p50", handbook),
                ("retrieval_freshness_p50_seconds", handbook),
                ("retrieval_duration_p50_seconds", handbook),
                ("tool_runs_total", tools),
                ("tool_failed_ratio", tools),
                ("tool_duration_p95_seconds", tools),
                ("tool_requested_total", model),
                ("tool_invalid_ratio", {**model, "reason": "arguments"}),
                ("requests_total", model),
            )
        }
        offered = agent.total("driftline_tool_invalid_ratio", **model, reason="not_offered")
        requests = agent.total("driftline_requests_total", endpoint="shop")
        held = [file.name for file in tmp_path.rglob("*") if file.is_file() and SECRET.encode() in file.read_bytes()]
    finally:
        assert agent.stop() == 0

    assert found["retrievals_total"] == found["tool_runs_total"] == found["tool_requested_total"] == found["requests_total"] == SEARCHES
    assert requests == SEARCHES
    assert found["retrieval_empty_ratio"] == EMPTY / SEARCHES
    bounds = binomtest(EMPTY, SEARCHES).proportion_ci(method="wilson")
    assert (found["retrieval_empty_lower_ratio"], found["retrieval_empty_upper_ratio"]) == pytest.approx((bounds.low, bounds.high))
    assert found["retrieval_score_p50"] == 0.75
    assert found["retrieval_freshness_p50_seconds"] == pytest.approx(3 * DAY, rel=0.01)
    assert found["retrieval_duration_p50_seconds"] == pytest.approx(0.25, rel=0.02)
    assert found["tool_failed_ratio"] == FAILED / SEARCHES
    assert found["tool_duration_p95_seconds"] == pytest.approx(0.5, rel=0.02)
    assert found["tool_invalid_ratio"] == INVALID / SEARCHES
    assert offered == 0
    assert abandoned == 0.5
    assert conversations == {"failed": 32, "answered": 32}
    # Every conversation has three grounded answers of four: they do not differ, so neither do the bounds.
    assert (share, lower, upper) == pytest.approx((0.75, 0.75, 0.75))
    assert held == []
    assert SECRET not in page
