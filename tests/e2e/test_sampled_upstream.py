"""Clients that send a sample of their calls, beside the running agent: totals of all calls, marked as estimates."""

import time
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace._sampling_experimental import composable_always_on, composable_traceid_ratio_based, composite_sampler
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import Sampler, TraceIdRatioBased

from agent.cli import main
from tests.fakes.agent_process import AgentProcess, free_port

CONFIG = """
version: 1
interval: 1s
state: state
sources:
  otlp: {{http: "127.0.0.1:{port}"}}
endpoints:
  told: {{match: {{service.name: told}}, window: 3s, allowed_lateness: 0s}}
  silent: {{match: {{service.name: silent}}, window: 3s, allowed_lateness: 0s, sampled_upstream: 0.5}}
  whole: {{match: {{service.name: whole}}, window: 3s, allowed_lateness: 0s}}
sinks:
  prometheus: {{listen: "127.0.0.1:{metrics}"}}
paging: prometheus
"""
SPAN = 3_000_000_000


def _calls(port: int, service: str, sampler: Sampler, number: int, moment: int) -> None:
    provider = TracerProvider(sampler=sampler, resource=Resource({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"http://127.0.0.1:{port}/v1/traces")))
    tracer = provider.get_tracer("test")
    for call in range(number):
        span = tracer.start_span("chat", start_time=moment)
        span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt", "gen_ai.response.finish_reasons": ["stop"]})
        span.end(moment + call + 1)
    provider.shutdown()


def test_totals_of_sampled_clients_are_estimates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One in four of a client that says so and all of one beside it in the same endpoint; a configured half; nothing where all comes."""
    port, metrics = free_port(), free_port()
    agent = AgentProcess(tmp_path, CONFIG.format(port=port, metrics=metrics), metrics)
    agent.start()
    try:
        moment = (time.time_ns() // SPAN + 1) * SPAN + 1_000_000
        _calls(port, "told", composite_sampler(composable_traceid_ratio_based(0.25)), 300, moment)
        _calls(port, "told", composite_sampler(composable_always_on()), 50, moment + 1_000_000)
        _calls(port, "silent", TraceIdRatioBased(0.5), 100, moment)
        _calls(port, "whole", TraceIdRatioBased(1.0), 20, moment)
        agent.until(
            lambda: (
                agent.total("driftline_request_estimate", endpoint="told") > 0
                and agent.total("driftline_requests_total", endpoint="whole") == 20
            )
        )
        came = agent.total("driftline_requests_total", endpoint="told")
        thinned = came - 50
        assert 30 < thinned < 130
        assert agent.total("driftline_requests_estimated_total", endpoint="told") == pytest.approx(4 * thinned + 50)
        assert agent.total("driftline_agent_upstream_probability", endpoint="told") == pytest.approx(came / (4 * thinned + 50))
        lower, upper = (agent.total(f"driftline_request_estimate_{bound}", endpoint="told") for bound in ("lower", "upper"))
        assert came < lower < 4 * thinned + 50 < upper
        halves = agent.total("driftline_requests_total", endpoint="silent")
        assert agent.total("driftline_requests_estimated_total", endpoint="silent") == 2 * halves
        assert agent.total("driftline_requests_estimated_total", endpoint="whole") == 0
        line = agent.wait_for_line("sampled upstream")
        assert "totals are estimates" in line
    finally:
        assert agent.stop() == 0
    main(["doctor", "-c", str(tmp_path / "driftline.yaml")])
    said = capsys.readouterr().out
    assert "told (gpt): sampled upstream, about one call in 4 comes (tracestate)" in said or "(tracestate): totals are estimates" in said
    assert "silent (gpt): sampled upstream, about one call in 2 comes (configured)" in said
    assert "whole (gpt): sampled" not in said
