"""A running agent whose estimates labels contradict says so at `/metrics`, and still after it was killed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import numpy as np
import orjson

from tests.fakes.agent_process import AgentProcess, free_port

TOKEN = "a-token-of-many-letters"
HOURS, ROWS = 5, 200
TEXT = """
version: 1
state: state
interval: 1s
sources:
  labels: {{token: "${{env:LABELS_TOKEN}}", http: "127.0.0.1:{labels}"}}
endpoints:
  loans:
    source: {{files: {{path: rows.csv, settle: 0s, every: 1s}}}}
    columns: {{timestamp: time, id: id, prediction: y, probability: p, label: truth, categorical: [y]}}
    window: 1h
    allowed_lateness: 1s
    reference: {{file: training.csv}}
    detectors: {{performance: {{}}, decay: {{}}}}
    labels: {{}}
sinks:
  prometheus: {{listen: "127.0.0.1:{metrics}"}}
"""


def test_estimates_that_labels_contradict_are_marked(tmp_path: Path) -> None:
    """Truths are the other class: accuracy is realised and estimated, its estimates are not trustworthy, the usual error is the file's."""
    random = np.random.default_rng(4)
    chance = random.beta(0.5, 0.5, 4000)
    training = [f",t{row},{int(one > 0.5)},{one:.4f},{int(random.random() < one)}" for row, one in enumerate(chance)]
    (tmp_path / "training.csv").write_text("time,id,y,p,truth\n" + "\n".join(training) + "\n")
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=1)
    lines, records = ["time,id,y,p"], []
    for row in range(HOURS * ROWS):
        one = float(random.beta(0.5, 0.5))
        lines.append(f"{(hour + timedelta(hours=row // ROWS, seconds=10 * (row % ROWS))).isoformat()},r{row},{int(one > 0.5)},{one:.4f}")
        records.append({"id": f"r{row}", "label": int(random.random() >= one)})
    (tmp_path / "rows.csv").write_text("\n".join(lines) + "\n")
    ports = {"labels": free_port(), "metrics": free_port()}
    agent = AgentProcess(tmp_path, TEXT.format(**ports), ports["metrics"], {"LABELS_TOKEN": TOKEN}, ports)
    agent.start()
    try:
        agent.until(lambda: agent.total("driftline_model_performance", metric="accuracy", basis="estimated") > 0.5)
        httpx.post(
            f"http://127.0.0.1:{ports['labels']}/labels/loans",
            content=orjson.dumps(records),
            headers={"authorization": f"Bearer {TOKEN}"},
        ).raise_for_status()

        agent.until(lambda: 0 < agent.total("driftline_model_performance", metric="accuracy", basis="realised") < 0.5)
        for _ in range(2):
            agent.until(lambda: agent.total("driftline_model_estimate_trust", metric="accuracy", status="not_trustworthy") == 1)
            assert agent.total("driftline_model_estimate_trust", metric="accuracy") == 1
            assert agent.total("driftline_model_estimate_lean", metric="accuracy") < -0.3
            assert agent.total("driftline_reference_status", reference="errors", status="provisional") == 1
            assert agent.total("driftline_model_decay_severity", method="cusum") > 1
            agent.kill()
            agent.start()
    finally:
        agent.stop()
