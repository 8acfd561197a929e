"""Labels of people beside the running agent: calls are asked for, labelled, sent in, and correct the next window."""

import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from tests.fakes.agent_process import AgentProcess, free_port

TOKEN = "a-token-of-many-letters"
SPAN = 2_000_000_000
CONFIG = """
version: 1
state: state
sources:
  otlp: {{http: "127.0.0.1:{port}"}}
  labels: {{token: "${{env:LABELS_TOKEN}}", http: "127.0.0.1:{labels}"}}
endpoints:
  shop:
    window: 2s
    allowed_lateness: 0s
    content: features
    labels: {{}}
sinks:
  prometheus: {{listen: "127.0.0.1:{metrics}"}}
"""
PLAIN, HIDDEN, HELPED = "I'm sorry, but I can't help with that.", "Perhaps another day, friend.", "It will be with you in two days."


def _messages(role: str, text: str) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


def _calls(port: int, truth: dict[str, int]) -> None:
    """Make 100 calls that end in the next window: 20 refuse in plain words, 20 in words no phrase knows."""
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"http://127.0.0.1:{port}/v1/traces")))
    tracer, moment = provider.get_tracer("shop"), (time.time_ns() // SPAN + 1) * SPAN + 1_000_000
    for call in range(100):
        answer = PLAIN if call < 20 else HIDDEN if call < 40 else HELPED
        span = tracer.start_span("chat", start_time=moment)
        span.set_attributes(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "gpt-4o",
                "gen_ai.response.finish_reasons": ["stop"],
                "gen_ai.input.messages": _messages("user", "Where is my parcel?"),
                "gen_ai.output.messages": _messages("assistant", answer),
            }
        )
        context = span.get_span_context()
        truth[f"{context.trace_id:032x}/{context.span_id:016x}"] = int(call < 40)
        span.end(moment + call)
    provider.shutdown()


def _driftline(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "agent", *words, "-c", "driftline.yaml"],
        cwd=folder,
        env={**os.environ, "LABELS_TOKEN": TOKEN, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_labels_of_people_correct_the_refused_share(tmp_path: Path) -> None:
    """A fifth by its phrases, two fifths by 80 labels of its calls; verdicts and labels outlive a kill -9."""
    ports = {"port": free_port(), "labels": free_port(), "metrics": free_port()}
    agent = AgentProcess(tmp_path, CONFIG.format(**ports), ports["metrics"], {"LABELS_TOKEN": TOKEN}, ports)
    agent.start()
    truth: dict[str, int] = {}

    def refused(calibrated: str, kind: str = "") -> float:
        return agent.total(f"driftline_safety_refusal_{kind}ratio", endpoint="shop", calibrated=calibrated)

    try:
        _calls(ports["port"], truth)
        agent.wait_for_line("refusal is uncalibrated: 0 labels, about 100 are wanted")
        assert round(refused("no"), 9) == 0.2
        assert refused("yes") == 0
        asked = _driftline(tmp_path, "labels", "ask", "shop", "-n", "80", "--out", "ask.csv")
        assert "80 calls by trace and span id" in asked
        with (tmp_path / "ask.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        with (tmp_path / "labelled.csv").open("w", encoding="utf-8") as file:
            file.write("id,evaluator,label\n")
            file.writelines(f"{row['id']},refusal,{truth[row['id']]}\n" for row in rows)
            file.write(f"{rows[0]['id']},refusal,7\n")
        assert "sent 81 labels" in _driftline(tmp_path, "labels", "import", "labelled.csv")
        agent.until(lambda: agent.total("driftline_labels_received_total", outcome="matched") == 80)
        assert "1 are not on the scale, 0 or 1" in agent.wait_for_line("labels of refusal not used")
        agent.kill()
        agent.start()
        _calls(ports["port"], truth)
        agent.until(lambda: refused("yes") > 0)
        assert refused("yes", "lower_") < 0.4 < refused("yes", "upper_")
        assert 0.3 < refused("yes") < 0.5
        assert agent.total("driftline_calibration_labels", endpoint="shop", evaluator="refusal") == 80
    finally:
        assert agent.stop() == 0
