"""Recorded clients against the real agent: the counters it shows are what the service they spoke to had sent."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from agent.captures import Captures
from tests.fakes.agent_process import AgentProcess, free_port
from tests.fakes.filtering_azure import SENT

FOLDER = Path(__file__).parents[1] / "data" / "otlp"
CONFIG = """
version: 1
interval: 1s
sources:
  otlp: {{http: "127.0.0.1:{http}", grpc: null}}
endpoints:
  support-chat:
    match: {{service.name: shop-bot}}
    window: 1h
sinks:
  prometheus: {{listen: "127.0.0.1:{metrics}"}}
"""
WHOLE = ("openinference-azure-twelve.http", "prompt-flow.http", "mlflow-azure.http")
"""Clients that carry every result of answered calls, and of the blocked prompt nothing but that."""


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[AgentProcess]:
    """An agent with one endpoint, started."""
    ports = {"http": free_port(), "metrics": free_port()}
    process = AgentProcess(tmp_path, CONFIG.format(**ports), ports["metrics"], ports=ports)
    process.start()
    yield process
    process.stop()


def test_counters_are_what_was_sent(agent: AgentProcess) -> None:
    """Each call of three clients once: checked and filtered by category, direction, severity and action; filters that failed apart."""
    captures = Captures.of(FOLDER)
    checked: Counter[tuple[str, str]] = Counter()
    filtered: Counter[tuple[str, str, str, str]] = Counter()
    failed: Counter[str] = Counter()
    for name in WHOLE:
        for call in captures.captures[name].calls:
            told = {"prompt": {"unknown": {"filtered": True}}} if call == "blocked" else SENT[call]
            for direction, verdicts in told.items():
                for category, verdict in verdicts.items():
                    if category == "error":
                        failed[direction] += 1
                        continue
                    checked[direction, category] += 1
                    if verdict["filtered"] or verdict.get("detected"):
                        action = "blocked" if verdict["filtered"] else "annotated"
                        filtered[direction, category, str(verdict.get("severity", "none")), action] += 1

    for name in WHOLE:
        body = (FOLDER / f"{name}.traces.pb").read_bytes()
        with httpx.Client(trust_env=False) as client:
            answer = client.post(
                f"http://127.0.0.1:{agent.ports['http']}/v1/traces", content=body, headers={"content-type": "application/x-protobuf"}
            )
        assert answer.status_code == 200
    calls = sum(len(captures.captures[name].calls) for name in WHOLE)
    agent.until(lambda: agent.total("driftline_requests_total", endpoint="support-chat") == calls)

    found = agent.samples()
    assert _by(found, "driftline_safety_checked_total", "direction", "category") == checked
    assert _by(found, "driftline_safety_filtered_total", "direction", "category", "filter_severity", "action") == filtered
    assert _by(found, "driftline_safety_not_run_total", "direction") == {(direction,): count for direction, count in failed.items()}


def _by(samples: dict[tuple[str, frozenset[tuple[str, str]]], float], metric: str, *labels: str) -> dict[tuple[str, ...], float]:
    """Add a metric up by some of its labels."""
    sums: Counter[tuple[str, ...]] = Counter()
    for (name, found), value in samples.items():
        if name == metric:
            told = dict(found)
            sums[tuple(told[label] for label in labels)] += int(value)
    return dict(sums)
