"""From nothing to the first score: `init`, `run`, and an application that needs one environment variable."""

import os
import subprocess
import sys
from pathlib import Path

from tests.fakes.agent_process import AgentProcess, free_port

APPLICATION = """
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
tracer = provider.get_tracer("shop")
for number in range(60):
    with tracer.start_as_current_span("chat") as span:
        span.set_attributes({
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
            "gen_ai.usage.input_tokens": 20 + number % 7, "gen_ai.response.finish_reasons": ["stop"],
        })
provider.shutdown()
"""


def test_init_run_first_score(tmp_path: Path) -> None:
    """At most 12 lines of configuration, one environment variable in the application, and a score."""
    config = tmp_path / "driftline.yaml"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    ports = {"http": free_port(), "metrics": free_port()}
    made = subprocess.run(
        [sys.executable, "-P", "-m", "agent", "init", "--yes", "--kind", "otlp", "--endpoint", "shop", "-c", str(config)],
        capture_output=True, text=True, check=True, cwd=tmp_path, env=environment,
    )  # fmt: skip
    text = config.read_text()
    assert len(text.splitlines()) <= 12
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in made.stdout

    # Only what another agent on this machine could be in the way of is changed: ports, and a window nobody waits for.
    text = text.replace("127.0.0.1:4318", f"127.0.0.1:{ports['http']}").replace("127.0.0.1:4317", f"127.0.0.1:{free_port()}")
    text = text.replace("127.0.0.1:9464", f"127.0.0.1:{ports['metrics']}").replace("window: 15m", "window: 2s\n    allowed_lateness: 0s")
    agent = AgentProcess(tmp_path, text, ports["metrics"])
    agent.start()
    try:
        endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{ports['http']}"}
        subprocess.run([sys.executable, "-c", APPLICATION], check=True, env={**environment, **endpoint})
        stream = {"endpoint": "shop", "deployment": "gpt-4o"}
        agent.until(lambda: agent.total("driftline_requests_total", **stream) == 60)
        agent.until(lambda: agent.total("driftline_request_duration_p50_seconds", **stream) > 0)
        page = agent.scrape()
    finally:
        assert agent.stop() == 0

    assert (
        'driftline_reference_status{deployment="gpt-4o",endpoint="shop",reference="fixed",status="uncalibrated",traffic="live"} 1.0' in page
    )
