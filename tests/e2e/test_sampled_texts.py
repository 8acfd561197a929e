"""`content: sampled` beside the running agent: redacted texts on disk, a judge that goes on after a kill, and texts deleted on command."""

import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from agent.cli import main
from tests.fakes.agent_process import AgentProcess, free_port
from tests.fakes.judge_server import JudgeServer
from tests.fakes.talking_application import talk

CONFIG = """
version: 1
interval: 1s
state: state
sources:
  otlp: {{http: "127.0.0.1:{port}"}}
endpoints:
  shop:
    window: 3s
    allowed_lateness: 0s
    content: {content}
    judge: {{url: "http://127.0.0.1:{judge}/v1", model: judge, key: k, timeout: 2, evaluators: [relevance], calls: 20}}
sinks:
  prometheus: {{listen: "127.0.0.1:{metrics}"}}
paging: prometheus
"""
SPAN = 3_000_000_000
MAIL = "anna.example@example.org"


class _Tired:
    """A judge that answers eight, and then hangs until it may go on."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.stuck, self.on = threading.Event(), threading.Event()

    def __call__(self, body: dict[str, Any]) -> str:
        """Answer, or hang."""
        if len(self.asked) >= 8 and not self.on.is_set():
            self.stuck.set()
            self.on.wait(60)
            return ""
        self.asked.append(json.loads(body["messages"][1]["content"])["question"])
        return json.dumps({"relevance": {"reason": "It does.", "score": 4}})


def _files_with(folder: Path, text: str) -> list[str]:
    return [
        file.name for file in folder.rglob("*") if file.is_file() and file.name != "driftline.yaml" and text.encode() in file.read_bytes()
    ]


def test_texts_outlive_a_kill_and_are_deleted_on_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No answer is judged twice, none is lost; secrets are in no file, texts in one, and after a purge in none."""
    tired = _Tired()
    with JudgeServer.serve(tired) as judge:
        port, metrics = free_port(), free_port()
        config = CONFIG.format(port=port, metrics=metrics, judge=judge.port, content="sampled")
        agent = AgentProcess(tmp_path, config, metrics)
        agent.start()
        try:
            talk(
                port,
                [(f"I am {MAIL}, where is my parcel {call}, that walrus?", "It will be with you in two days.") for call in range(30)],
                SPAN,
            )
            assert tired.stuck.wait(60)
            agent.kill()
            assert set(_files_with(tmp_path, "walrus")) <= {"texts.sqlite", "texts.sqlite-wal"}
            tired.on.set()
            agent.start()
            agent.until(lambda: agent.total("driftline_evaluation_samples", evaluator="relevance", endpoint="shop") == 20, 60)
            assert agent.total("driftline_evaluation_score_mean", evaluator="relevance", endpoint="shop", calibrated="no") == 4
        finally:
            tired.on.set()
            assert agent.stop() == 0
        assert len(tired.asked) == len(set(tired.asked)) == 20
        assert _files_with(tmp_path, MAIL) == []
        file, out = str(tmp_path / "driftline.yaml"), tmp_path / "out.jsonl"
        assert main(["samples", "list", "-c", file]) == 0
        assert "shop/gpt-4o/live: 30 texts" in capsys.readouterr().out
        assert main(["samples", "export", "shop", "-n", "25", "--out", str(out), "-c", file]) == 0
        lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
        assert len(lines) == 25
        assert all(line["question"].startswith("I am <email>, where") and line["truth"] == "" for line in lines)
        assert out.stat().st_mode & 0o777 == 0o600
        assert main(["samples", "export", "shop", "--out", str(out), "-c", file]) == 2
        capsys.readouterr()
        assert main(["samples", "show", "shop", lines[3]["id"], "-c", file]) == 0
        assert lines[3]["question"] in capsys.readouterr().out
        assert main(["samples", "show", "shop", "0000", "-c", file]) == 2
        assert main(["samples", "purge", "shop", "--id", lines[3]["id"], "-c", file]) == 0
        assert lines[3]["question"].encode() not in (tmp_path / "state" / "texts.sqlite").read_bytes()
        assert main(["samples", "purge", "shop", "-c", file]) == 0
        assert "29 texts deleted for good" in capsys.readouterr().out
        out.unlink()
        assert _files_with(tmp_path, "walrus") == []
        with sqlite3.connect(tmp_path / "state" / "store.sqlite") as store:
            assert store.execute("SELECT count(*) FROM checkpoint").fetchone()[0]


def test_another_mode_deletes_what_was_kept(tmp_path: Path) -> None:
    """At the next start there is no file of texts any more."""
    port, metrics = free_port(), free_port()
    judge = free_port()
    (tmp_path / "state").mkdir(mode=0o700)
    (tmp_path / "state" / "texts.sqlite").write_bytes(b"walrus")
    agent = AgentProcess(tmp_path, CONFIG.format(port=port, metrics=metrics, judge=judge, content="transient"), metrics)
    agent.start()
    assert agent.stop() == 0
    assert _files_with(tmp_path, "walrus") == []
