"""Evidently's descriptors as a judge beside the running agent: its questions, in a worker that is gone once they are answered."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.agent_process import AgentProcess, free_port
from tests.fakes.judge_server import READ, WRITTEN, JudgeServer
from tests.fakes.talking_application import talk

CONFIG = """
version: 1
interval: 1s
sources:
  otlp: {{http: "127.0.0.1:{port}"}}
endpoints:
  shop:
    window: 3s
    allowed_lateness: 0s
    content: sampled
    judge:
      kind: evidently
      url: "http://127.0.0.1:{judge}/v1"
      model: judge
      key: hunter2
      evaluators: [toxicity, decline]
      calls: 12
      reasons: true
sinks:
  prometheus: {{listen: "127.0.0.1:{metrics}"}}
  json_lines: {{path: {lines}}}
"""
WINDOW = 3_000_000_000
RUDE = "You are a fool, and that is all there is to say about it."
MAIL = "anna.example@example.org"
KIND = "Your card is on its way, and will be with you tomorrow."


def _say(body: dict[str, Any]) -> str:
    """Classify as the question asks to, by the text in it."""
    asked = body["messages"][-1]["content"]
    toxic = "TOXICITY" in asked and RUDE in asked
    return json.dumps({"category": "TOXICITY" if toxic else "OK", "reasoning": f"So {MAIL} says."})


def _workers() -> list[Path]:
    """Return the processes that lend questions on this machine."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"agent.judges.lender" in process.read_bytes():
                found.append(process.parent)
        except OSError:
            continue
    return found


def test_evidentlys_questions_are_asked_within_our_budget_and_scored(tmp_path: Path) -> None:
    """Half of the answers are toxic and none declines; tokens are those that were billed; reasons are told redacted, where texts may be written."""
    before = set(_workers())
    with JudgeServer.serve(_say) as judge:
        port, metrics = free_port(), free_port()
        lines = tmp_path / "lines.jsonl"
        agent = AgentProcess(tmp_path, CONFIG.format(port=port, metrics=metrics, judge=judge.port, lines=lines), metrics)
        agent.start()
        try:
            made = talk(port, [(f"I am {MAIL}, where is card {call}?", KIND if call % 2 else RUDE) for call in range(12)], WINDOW)
            stream = {"endpoint": "shop", "deployment": "gpt-4o", "calibrated": "no"}
            agent.until(lambda: agent.total("driftline_evaluation_pass_ratio", evaluator="decline", **stream) == 1, 180)
            assert agent.total("driftline_evaluation_pass_ratio", evaluator="toxicity", **stream) == pytest.approx(0.5)
            assert agent.total("driftline_evaluation_score_mean", evaluator="toxicity", **stream) == 3
            agent.until(lambda: agent.total("driftline_agent_judge_tokens", endpoint="shop") == 2 * len(made) * (READ + WRITTEN))
            agent.until(lambda: set(_workers()) <= before)
        finally:
            assert agent.stop() == 0
        assert len(judge.bodies) == 2 * len(made)
        assert all(json.loads(body)["response_format"] == {"type": "json_object"} for body in judge.bodies)
        events = [line for line in map(json.loads, lines.read_text().splitlines()) if line.get("kind") == "evaluation"]
        labels = Counter((event["name"], event["details"]["gen_ai.evaluation.score.label"]) for event in events)
        assert labels == {("toxicity", "fail"): 6, ("toxicity", "pass"): 6, ("decline", "pass"): 12}
        assert {(event["details"]["trace_id"], event["details"]["span_id"]) for event in events} == made
        assert {event["details"]["gen_ai.evaluation.explanation"] for event in events} == {"So <email> says."}
        assert not [file for file in tmp_path.rglob("*") if file.is_file() and MAIL.encode() in file.read_bytes()]
