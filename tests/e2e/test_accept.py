"""Accept the new normal beside a running agent: at once, through kill -9 and restarts, and taken back."""

import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import orjson
import pytest

from tests.fakes.agent_process import AgentProcess, free_port

START = datetime(2026, 1, 5, tzinfo=UTC)
WINDOWS = 6
"""A day."""
PATIENCE = 180.0
"""Seconds: a machine that builds other things besides learns 120 windows slowly."""

TEXT = """
state: {state}
interval: 1s
endpoints:
  delay:
    source: {{files: {{path: {rows}, settle: 0s, every: 1s}}}}
    columns: {{timestamp: time}}
    window: 4h
    allowed_lateness: 1s
    reference: {{pages: fixed}}
    alarm_budget: {{episodes: 4, days: 30}}
sinks:
  prometheus: {{listen: "127.0.0.1:{metrics}"}}
  json_lines: {{path: {events}}}
"""


class Watched:
    """An agent, the file it reads, and somebody who types commands."""

    def __init__(self, folder: Path, state: Path) -> None:
        self.file, self.state, self.events = folder / "rows.csv", state, folder / "events.jsonl"
        self.file.write_text("time,x,c\n")
        metrics = free_port()
        text = TEXT.format(state=state, rows=self.file, metrics=metrics, events=self.events)
        self.agent = AgentProcess(folder, text, metrics)

    def days(self, first: int, last: int, shift: float = 0.0) -> None:
        """Append days, the last left out."""
        lines = []
        for window in range(WINDOWS * first, WINDOWS * last):
            random = np.random.default_rng(2000 + window)
            for row, value in enumerate(random.normal(shift, size=100).tolist()):
                time = START + timedelta(hours=4 * window, seconds=10 * row)
                lines.append(f"{time.isoformat()},{value:.4f},{'abbc'[row % 4]}\n")
        with self.file.open("a") as file:
            file.writelines(lines)

    def firing(self) -> bool:
        """Whether the drift alert fires."""
        return self.agent.total("driftline_alert_active", alert="drift") >= 1

    def changes(self) -> list[str]:
        """Return what the events of changes say."""
        found = [orjson.loads(line) for line in self.events.read_bytes().splitlines()]
        return [one["details"]["new"] for one in found if one["type"] == "event" and one["kind"] == "change"]

    def type(self, *words: str, code: int = 0) -> str:
        """Type `driftline baseline`; return what it says."""
        run = [sys.executable, "-P", "-m", "agent", "baseline", *words, "-c", str(self.agent.folder / "driftline.yaml")]
        ended = subprocess.run(run, check=False, capture_output=True, text=True, timeout=PATIENCE)
        assert ended.returncode == code, ended.stderr
        return ended.stdout if code == 0 else ended.stderr


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    """An agent whose alert fires since day 10; its state folder lies deeper than an address is long."""
    found = Watched(tmp_path, tmp_path / ("deep" * 20) / ("folder" * 8))
    found.days(0, 10)
    found.days(10, 20, shift=1.5)
    found.agent.start()
    found.agent.until(found.firing, PATIENCE)
    yield found
    found.agent.stop()


def test_the_new_normal_is_accepted_while_the_agent_runs(watched: Watched) -> None:
    """The alert resolves with the next window; the acceptance outlives kill -9; going back makes the alert fire again."""
    agent = watched.agent
    assert len(str(watched.state)) > 107
    assert stat.S_IMODE((watched.state / "admin.sock").stat().st_mode) == 0o600
    agent.until(lambda: agent.total("driftline_data_freshness_seconds") > 0 and watched.firing(), PATIENCE)

    said = watched.type("accept", "delay", "--from", "2026-01-15", "--to", "2026-01-23")
    agent.kill()
    assert (
        "delay/default (live): accepted baseline delay@default, version 2: 54 windows of 2026-01-15 to 2026-01-23 of default (live)" in said
    )
    assert "fixed reference: status calibrated: 54 windows on 9 days" in said
    assert "no agent runs here" not in said

    agent.start()
    agent.wait_for_line("endpoint delay/default (live): baseline delay@default 2, accepted ")
    assert watched.firing()
    watched.days(20, 22, shift=1.5)
    agent.until(lambda: not watched.firing(), PATIENCE)

    agent.kill()
    agent.start()
    watched.days(22, 24, shift=1.5)
    agent.until(lambda: agent.total("driftline_agent_received_total") == 24 * WINDOWS * 100, PATIENCE)
    assert not watched.firing()

    assert "before: delay@default 2" in watched.type("accept", "delay", "--version", "1")
    watched.days(24, 27, shift=1.5)
    agent.until(watched.firing, PATIENCE)
    agent.until(lambda: watched.changes() == ["delay@default 2", "delay@default 1"], PATIENCE)


def test_days_are_excluded_and_baselines_built_while_the_agent_runs(watched: Watched) -> None:
    """Both through the socket; list and show read beside it; a refusal crosses as its sentence and exit code."""
    assert watched.type("exclude", "delay", "--from", "2026-01-06", "--to", "2026-01-06") == "endpoint delay: 6 windows taken out\n"
    watched.agent.until(lambda: "taken out: 6 windows" in watched.type("show", "delay"), PATIENCE)
    said = watched.type("build", "spring", "--endpoint", "delay", "--from-windows", "--days", "4")
    assert "baseline spring, version 1: " in said
    assert "spring  version 1" in watched.type("list")
    (watched.agent.folder / "train.csv").write_text("x,c\n" + "0.5,a\n-0.5,b\n" * 1500)
    assert "version 1" in watched.type(
        "build", "training", "--endpoint", "delay", "--untimed", "--file", str(watched.agent.folder / "train.csv")
    )
    assert "has no window from 2030-01-01 to 2030-01-02" in watched.type(
        "accept", "delay", "--from", "2030-01-01", "--to", "2030-01-02", code=3
    )
    assert "'red' with live traffic: endpoint delay has default (live)" in watched.type("accept", "delay", "--deployment", "red", code=2)
    assert "spring" in watched.type("accept", "delay", "--name", "spring", "--version", "1")

    watched.agent.stop()
    assert not (watched.state / "admin.sock").exists()
    assert "no agent runs here: it takes this up when it starts" in watched.type(
        "exclude", "delay", "--from", "2026-01-07", "--to", "2026-01-07"
    )
    watched.agent.log.clear()
    watched.agent.start()
    watched.agent.until(lambda: watched.agent.total("driftline_agent_heartbeat") == 1, PATIENCE)
    assert "delay/default/live" in watched.type("list")
