"""`driftline run` asks for training anew: killed between the call and its answer it calls again under the same key, and then not for a week."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from azure.core.messaging import CloudEvent

from tests.fakes.agent_process import AgentProcess, free_port
from tests.fakes.receiver import Receiver

FIRST = datetime(2026, 3, 1, tzinfo=UTC)
ROWS = 200
CONFIG = """
version: 1
interval: 1s
endpoints:
  fraud:
    source: {{files: {{path: live.csv, every: 1s}}}}
    columns: {{timestamp: time}}
    window: 1d
    detectors: {{drift: {{}}}}
    reference: {{baseline: training}}
    retraining:
      windows: 3
      trigger: {{webhook: {{url: "${{env:HOOK}}", header: "${{env:TOKEN}}"}}}}
sinks:
  prometheus: {{listen: "127.0.0.1:{metrics}"}}
"""


def days(first: int, last: int, shift: float = 0.0) -> str:
    """Return the rows of days first..last-1; the mean lies `shift` standard deviations higher."""
    chance = np.random.default_rng(first)
    lines = []
    for day in range(first, last):
        start, centre = FIRST + timedelta(days=day), shift + chance.normal(0, 0.05)
        lines += [
            f"{(start + timedelta(seconds=86400 * row / ROWS)).isoformat()},{amount:.3f}\n"
            for row, amount in enumerate(100 + 20 * chance.normal(centre, 1, ROWS))
        ]
    return "".join(lines)


def test_kill_9_between_call_and_answer(tmp_path: Path) -> None:
    """Same key twice, never two keys; the cool-down outlasts the restart, and the replay tells the same without calling."""
    metrics, live = free_port(), tmp_path / "live.csv"
    with Receiver(statuses=[0]).serve() as receiver:
        environment = {"HOOK": receiver.url, "TOKEN": "Bearer made-up"}
        agent = AgentProcess(tmp_path, CONFIG.format(metrics=metrics), metrics, environment)
        (tmp_path / "training.csv").write_text("time,amount\n" + days(0, 56))
        (tmp_path / "driftline.yaml").write_text(agent.text)
        run = [sys.executable, "-P", "-m", "agent"]
        built = subprocess.run(
            [*run, "baseline", "build", "training", "-c", str(tmp_path / "driftline.yaml"), "--endpoint", "fraud", "--file",
             str(tmp_path / "training.csv")],
            capture_output=True, text=True, env=environment, check=False,
        )  # fmt: skip
        assert "status calibrated" in built.stdout, built.stderr
        live.write_text("time,amount\n" + days(56, 58) + days(58, 62, shift=1.5))

        agent.start()
        receiver.wait_for(lambda: len(receiver.keys) == 1)
        agent.kill()
        agent.start()
        try:
            receiver.wait_for(lambda: len(receiver.keys) == 2)
            with live.open("a") as file:
                file.write(days(62, 66, shift=1.5))
            agent.until(lambda: agent.total("driftline_agent_received_total") == 10 * ROWS)
            agent.until(lambda: agent.total("driftline_agent_outbox_lag", sink="retraining/fraud") == 0)
            assert agent.total("driftline_retraining_requests_total", endpoint="fraud", signal="drift") == 1
        finally:
            agent.stop()
        (tmp_path / "training.csv").write_text("time,amount\n" + days(0, 58) + days(58, 62, shift=1.5) + days(62, 66, shift=1.5))
        replayed = agent.text.replace("live.csv", "training.csv").replace("baseline: training", "history: 56d")
        (tmp_path / "replay.yaml").write_text(replayed)
        told = subprocess.run(
            [*run, "replay", "-c", str(tmp_path / "replay.yaml"), "--json"], capture_output=True, text=True, env=environment, check=True
        ).stdout

    (change,) = [record for record in map(json.loads, told.splitlines()) if record["type"] == "change"]
    assert (change["id"], change["name"], change["state"]) == (receiver.keys[0], "retraining", "requested")
    assert len(receiver.keys) == 2
    assert len(set(receiver.keys)) == 1
    assert receiver.bodies[0] == receiver.bodies[1]
    assert receiver.headers[1]["authorization"] == "Bearer made-up"
    event: CloudEvent[dict[str, object]] = CloudEvent.from_dict(receiver.bodies[0])
    assert (event.id, event.type, event.subject) == (receiver.keys[0], "driftline.retraining.requested", "fraud/default")
    windows = receiver.bodies[0]["data"]["windows"]
    assert [one["start"][:10] for one in windows] == [f"{FIRST + timedelta(days=day):%Y-%m-%d}" for day in (58, 59, 60)]
    assert {one["findings"][0]["feature"] for one in windows} == {"amount"}
