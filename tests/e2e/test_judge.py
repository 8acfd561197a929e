"""A judge beside the running agent: scores of real traffic, and an alert when it stalls."""

import json
import sqlite3
from pathlib import Path
from typing import Any

from tests.fakes.agent_process import AgentProcess, free_port
from tests.fakes.breeze import Breeze
from tests.fakes.judge_server import JudgeServer
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
    content: transient
    judge: {{url: "http://127.0.0.1:{judge}/v1", model: judge, key: k, timeout: 2, evaluators: [relevance, fluency], calls: 20}}
sinks:
  prometheus: {{listen: "127.0.0.1:{metrics}"}}
  azure_monitor: {{connection_string: "{azure}"}}
  json_lines: {{path: lines.jsonl}}
"""
SPAN = 3_000_000_000
MAIL = "anna.example@example.org"


def _say(_: object) -> str:
    return json.dumps({name: {"reason": "It does.", "score": 4} for name in ("relevance", "fluency")})


def _calls(port: int, number: int) -> set[tuple[str, str]]:
    return talk(port, [(f"I am {MAIL}, where is parcel {call}?", "It will be with you in two days.") for call in range(number)], SPAN)


def _evaluations(envelopes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in envelopes if one["data"]["baseData"].get("name") == "gen_ai.evaluation.result"]


def test_answers_are_judged_and_a_stalled_judge_is_told_of(tmp_path: Path) -> None:
    """Means of the judge on the page, redacted texts on its wire, none on disk; without verdicts a gap and an alert."""
    with JudgeServer.serve(_say) as judge, Breeze().serve() as breeze:
        port, metrics = free_port(), free_port()
        config = CONFIG.format(port=port, metrics=metrics, judge=judge.port, azure=breeze.connection_string)
        agent = AgentProcess(tmp_path, config, metrics)
        agent.start()
        try:
            estimate = agent.wait_for_line("judging 20 answers a window takes about")
            assert "never more than 1,000,000 tokens a day" in estimate
            stream = {"endpoint": "shop", "deployment": "gpt-4o"}
            made = _calls(port, 30)
            agent.until(lambda: agent.total("driftline_evaluation_score_mean", evaluator="relevance", calibrated="no", **stream) == 4)
            assert agent.total("driftline_evaluation_samples", evaluator="fluency", **stream) == 20
            agent.until(lambda: agent.total("driftline_agent_judge_tokens", endpoint="shop") == 20 * 330)
            told = _evaluations(breeze.wait_for(lambda envelopes: len(_evaluations(envelopes)) >= 40))
            judge.well = False
            _calls(port, 30)
            agent.until(lambda: agent.total("driftline_alert_active", alert="judge_stalled", endpoint="shop") == 1)
            held = [file.name for file in tmp_path.rglob("*") if file.is_file() and MAIL.encode() in file.read_bytes()]
            judge.well = True
            agent.until(lambda: agent.total("driftline_alert_active", alert="judge_stalled", endpoint="shop") == 0, 60)
        finally:
            assert agent.stop() == 0
        assert held == []
        # One event an answer and evaluator, each at the span of its call; the judge's words are not in it.
        places = {(one["tags"]["ai.operation.id"], one["tags"]["ai.operation.parentId"]) for one in told}
        assert (len(told), len(places), places - made) == (40, 20, set())
        assert {one["data"]["baseData"]["measurements"]["gen_ai.evaluation.score.value"] for one in told} == {4.0}
        assert "It does." not in json.dumps(told)
        lines = [json.loads(line) for line in (tmp_path / "lines.jsonl").read_text().splitlines()]
        written = {(line["details"]["trace_id"], line["details"]["span_id"]) for line in lines if line.get("kind") == "evaluation"}
        assert written >= places
        assert judge.bodies
        assert not [body for body in judge.bodies if MAIL in body]
        assert "<email>" in judge.bodies[0]
        with sqlite3.connect(next(tmp_path.rglob("store.sqlite"))) as store:
            assert not [line for line in store.iterdump() if "parcel" in line]
