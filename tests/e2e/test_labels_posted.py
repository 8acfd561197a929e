"""Rows in a file, labels by POST to a running agent: `/metrics` shows how good the answers were."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import orjson
import pytest

from tests.fakes.agent_process import AgentProcess, free_port

TOKEN = "a-token-of-many-letters"
ROWS = 200

TEXT = """
version: 1
state: state
interval: 1s
sources:
  labels: {{token: "${{env:LABELS_TOKEN}}", http: "127.0.0.1:{labels}"}}
endpoints:
  loans:
    source: {{files: {{path: rows.csv, settle: 0s, every: 1s}}}}
    columns: {{timestamp: time, id: id, prediction: y, categorical: [y]}}
    window: 1h
    allowed_lateness: 1s
    labels: {{}}
sinks:
  prometheus: {{listen: "127.0.0.1:{metrics}"}}
"""


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[AgentProcess]:
    """An agent whose only file holds an hour of answers of yesterday."""
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=1)
    rows = "".join(f"{(hour + timedelta(seconds=10 * row)).isoformat()},r{row},{row % 2},{row}\n" for row in range(ROWS))
    (tmp_path / "rows.csv").write_text("time,id,y,x\n" + rows)
    ports = {"labels": free_port(), "metrics": free_port()}
    process = AgentProcess(tmp_path, TEXT.format(**ports), ports["metrics"], {"LABELS_TOKEN": TOKEN}, ports)
    process.start()
    yield process
    process.stop()


def test_labels_show_how_good_the_answers_were(agent: AgentProcess) -> None:
    """Nine of ten answers were right: accuracy .9, precision and recall with it, all labels matched."""
    agent.until(lambda: agent.total("driftline_data_rows") == ROWS)
    records = [{"id": f"r{row}", "label": row % 2 if row % 10 else 1 - row % 2} for row in range(ROWS)]

    answer = httpx.post(
        f"http://127.0.0.1:{agent.ports['labels']}/labels/loans",
        content=orjson.dumps(records),
        headers={"authorization": f"Bearer {TOKEN}"},
    )

    assert answer.json() == {"accepted": ROWS}
    agent.until(lambda: agent.total("driftline_model_performance", metric="accuracy", basis="realised") == 0.9)
    agent.until(lambda: agent.total("driftline_labels_received_total", outcome="matched") == ROWS)
    agent.until(lambda: agent.total("driftline_labels_coverage_ratio") == 1.0)
