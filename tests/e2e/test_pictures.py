"""Pictures and texts through a running agent: what changed is named, and nothing of what was sent stays anywhere."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.fakes.agent_process import AgentProcess, free_port

START = datetime(2026, 3, 2, tzinfo=UTC)
REFERENCE, PLAIN, ROWS = 59, 8, 80
"""Days from which the reference is calibrated for two deployments, days judged before and again as many after it went dark, rows a day."""
DARK_FROM, DAYS = REFERENCE + PLAIN, REFERENCE + 2 * PLAIN
MEASURED = {
    "text.question.language": 0,
    "text.question.novelty": 900 / 1300,
    "embedding.vector.group": 900 / 1300,
    "image.picture.sharpness": 0,
}
SECRET = "Zimtstern-7731"
CONFIG = """
interval: 1s
sources:
  collector: {{http: "127.0.0.1:{collector}", collections: [model_inputs]}}
endpoints:
  digits:
    match: {{app: digits}}
    columns: {{timestamp: at}}
    enrichers: {{image: {{columns: [picture], format: pixels}}}}
    window: 1d
    allowed_lateness: 1s
  questions:
    match: {{app: questions}}
    columns: {{timestamp: at}}
    enrichers:
      text: {{columns: [question]}}
      image: {{columns: [picture], format: pixels}}
      embedding: {{columns: [vector]}}
    window: 1h
    keep_rows: 100
sinks:
  prometheus: {{listen: "127.0.0.1:{metrics}"}}
  json_lines: {{path: "{folder}/out.jsonl"}}
"""


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentProcess]:
    """A running agent that watches digits and questions."""
    folder = tmp_path_factory.mktemp("agent")
    ports = {"collector": free_port(), "metrics": free_port()}
    process = AgentProcess(folder, CONFIG.format(folder=folder, **ports), ports["metrics"], ports=ports)
    process.start()
    yield process
    process.stop()


def post(agent: AgentProcess, client: httpx.Client, rows: list[dict[str, Any]], app: str, deployment: str) -> None:
    """Send rows as a model server does."""
    headers = {"content-type": "application/json", "ce-type": "azureml.inference.model_inputs", "ce-app": app, "ce-deployment": deployment}
    client.post(
        f"http://127.0.0.1:{agent.ports['collector']}/modeldata/log", content=json.dumps(rows).encode(), headers=headers
    ).raise_for_status()


def told(agent: AgentProcess, kind: str) -> list[dict[str, Any]]:
    """Return the events, or the points, that went out so far."""
    records = map(json.loads, (agent.folder / "out.jsonl").read_text().splitlines())
    return [record for record in records if record["type"] == kind]


def judged(agent: AgentProcess) -> dict[str, list[str]]:
    """Return the ends of the days that each deployment of the digits was judged on by a calibrated reference."""
    status = {"endpoint": "digits", "traffic": "live", "reference": "fixed", "status": "calibrated"}
    found: dict[str, list[str]] = {"blue": [], "green": []}
    for point in told(agent, "point"):
        if point["metric"] == "driftline.reference.status" and point["attributes"].items() >= status.items() and point["value"] == 1:
            found[point["attributes"]["deployment"]].append(point["time"])
    return found


def kept(agent: AgentProcess) -> dict[str, bytes]:
    """Return all that is left of what was sent: every file, the metrics, the log."""
    files = {str(path): path.read_bytes() for path in agent.folder.rglob("*") if path.is_file()}
    return files | {"metrics": agent.scrape().encode(), "log": "\n".join(agent.log).encode()}


def test_the_darker_deployment_is_named_with_its_luminance(agent: AgentProcess) -> None:
    """Two deployments get the same digits, one of them darker from half of the judged days on: it alone pages, once, and never before.

    It does so at the first of these days, and names luminance. Nothing at all is told of the other.
    """
    digits: NDArray[np.float64] = pytest.importorskip("sklearn.datasets").load_digits().images
    chance = np.random.default_rng(1)
    days = [digits[chance.choice(len(digits), ROWS, replace=False)] for _ in range(DAYS)]
    with httpx.Client(trust_env=False, timeout=30) as client:
        for first in range(0, DAYS, 5):
            for deployment in ("blue", "green"):
                rows = [
                    {
                        "at": (START + timedelta(days=day, minutes=10 * row)).isoformat(),
                        "picture": (picture * (0.6 if deployment == "blue" and day >= DARK_FROM else 1.0)).tolist(),
                    }
                    for day, pictures in enumerate(days[first : first + 5], first)
                    for row, picture in enumerate(pictures)
                ]
                post(agent, client, rows, "digits", deployment)
    agent.until(lambda: agent.total("driftline_agent_received_total", source="collector") == 2 * DAYS * ROWS)
    ends = [(START + timedelta(days=day + 1)).isoformat() for day in range(REFERENCE, DAYS)]
    agent.until(lambda: judged(agent) == {"blue": ends, "green": ends})
    agent.until(lambda: bool(told(agent, "event")))

    (event,) = told(agent, "event")
    assert (event["state"], event["severity"], event["attributes"]["deployment"]) == ("fired", "page", "blue")
    assert "image.picture.luminance" in event["details"]["top_features"]
    assert event["details"]["window_start"] == (START + timedelta(days=DARK_FROM)).isoformat()
    row = days[-1][-1] * 0.6
    assert [name for name, data in kept(agent).items() if row.tobytes() in data or row[3].tobytes() in data] == []


def test_nothing_of_what_was_sent_stays(agent: AgentProcess) -> None:
    """With `content: off` no text, pixel or vector is in spool, store, samples, yardsticks, metrics or log; features of them are."""
    begin = START + timedelta(days=100)
    chance = np.random.default_rng(3)
    sent = chance.normal(size=(1300, 12))
    rows = [
        {
            "at": (begin + timedelta(seconds=row)).isoformat(),
            "question": f"{SECRET} where is my card, number {row}?",
            "picture": vector[:9].reshape(3, 3).tolist(),
            "vector": vector.tolist(),
        }
        for row, vector in enumerate(sent)
    ]
    with httpx.Client(trust_env=False, timeout=30) as client:
        for start in range(0, len(rows), 100):
            post(agent, client, rows[start : start + 100], "questions", "blue")
        post(agent, client, [{**rows[0], "at": (begin + timedelta(hours=2)).isoformat()}], "questions", "blue")
    agent.until(lambda: agent.total("driftline_data_rows", endpoint="questions") > 0)

    # The first 1,000 values are learnt from, in batches of 100: with the tenth there is something to measure by.
    missing = {feature: agent.total("driftline_data_missing_ratio", feature=feature) for feature in MEASURED}
    assert missing == {feature: pytest.approx(share, abs=1e-3) for feature, share in MEASURED.items()}
    found = kept(agent)
    assert any("yardsticks" in name for name in found)
    assert any("spool" in name and b"text.question.length" in data for name, data in found.items())
    traces = [SECRET.encode(), SECRET.lower().encode(), SECRET.encode("utf-32-le"), *(vector[:3].tobytes() for vector in sent)]
    traces += [repr(value).encode() for value in sent[:, 0].tolist()]
    assert [name for name, data in found.items() if any(trace in data for trace in traces)] == []
