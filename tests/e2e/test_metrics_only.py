"""An application that sends metrics and no spans, against the real agent: each call counts once, also when it is killed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpExporter
from opentelemetry.sdk.metrics.export import MetricExporter

from tests.fakes.agent_process import AgentProcess, free_port
from tests.fakes.metered_application import AGGREGATION, TEMPORALITY, MeteredApplication

CONFIG = """
version: 1
interval: 1s
sources:
  otlp: {{http: "127.0.0.1:{http}", grpc: "127.0.0.1:{grpc}"}}
endpoints:
  waiting:
    match: {{service.name: waiting}}
    window: 1h
  metered:
    match: {{service.name: metered}}
    input: metrics
    window: 2s
    allowed_lateness: 0s
sinks:
  prometheus: {{listen: "127.0.0.1:{metrics}"}}
"""


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[AgentProcess]:
    """An agent with two endpoints, started."""
    ports = {"http": free_port(), "grpc": free_port(), "metrics": free_port()}
    process = AgentProcess(tmp_path, CONFIG.format(**ports), ports["metrics"], ports=ports)
    process.start()
    yield process
    process.stop()


def counted(agent: AgentProcess, endpoint: str) -> dict[str, float]:
    """Return what the agent's page says, in the words of the application."""
    stream = {"endpoint": endpoint, "deployment": "gpt-4o", "traffic": "live"}
    found = {
        "requests": agent.total("driftline_requests_total", **stream),
        **{name: agent.total("driftline_request_errors_total", error_type=name, **stream) for name in ("timeout", "429")},
        **{name: agent.total("driftline_tokens_total", token_type=name, **stream) for name in ("input", "output")},
    }
    return {name: value for name, value in found.items() if value}


@pytest.mark.parametrize("temporality", TEMPORALITY)
def test_a_kill_neither_loses_nor_doubles(agent: AgentProcess, temporality: str) -> None:
    """Killed behind every other export, some of them before the first checkpoint: the counters are what was measured."""
    options: dict[str, Any] = {"preferred_temporality": TEMPORALITY[temporality], "preferred_aggregation": AGGREGATION["exponential"]}
    exporter: MetricExporter = GrpcExporter(endpoint=f"http://127.0.0.1:{agent.ports['grpc']}", insecure=True, timeout=20, **options)
    application = MeteredApplication(exporter, seed=1, service="metered")
    for round_ in range(5):
        application.call(40)
        application.export()
        if round_ % 2 == 0:
            agent.kill()
            agent.start()
    agent.until(lambda: counted(agent, "metered") == dict(application.measured))
    application.call(40)
    application.export()
    agent.until(lambda: counted(agent, "metered") == dict(application.measured))
    agent.until(lambda: agent.total("driftline_request_time_per_token_p50_seconds", endpoint="metered") > 0)
    application.end()


def test_metrics_count_by_themselves_where_no_spans_come(agent: AgentProcess) -> None:
    """Nothing configured: ten seconds after the metrics came without a span of the endpoint, they count."""
    application = MeteredApplication(HttpExporter(endpoint=f"http://127.0.0.1:{agent.ports['http']}/v1/metrics"), seed=2, service="waiting")
    application.call(100)
    application.end()
    assert not counted(agent, "waiting")
    agent.until(lambda: counted(agent, "waiting") == dict(application.measured))
    assert agent.total("driftline_agent_received_total", source="otlp") == 5
