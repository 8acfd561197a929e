"""`driftline labels import`: joins what is in the store, or hands over to the agent that runs."""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agent.cli import main
from agent.config import Config
from agent.config_file import load
from agent.lock import Lock
from agent.routing import MatchRouter
from agent.rows.identity import identity
from agent.series import Series
from agent.sources import Context
from agent.sources.labels import LabelIntake
from agent.spool.frame import Frame
from agent.store.store import Store
from detectors.types import Batch
from tests.fakes.answers import HOUR, ROWS, START, answers
from tests.fakes.rig import Hand, Rig

CONFIG = """
version: 1
state: state
sources:
  labels: {{token: a-token-of-many-letters, http: "127.0.0.1:{port}"}}
endpoints:
  loans:
    window: 1h
    columns: {{id: id, prediction: y, segments: [origin]}}
    detectors: {{decay: {{baseline_days: 2, min_samples: 20}}}}
    labels: {{max_age: 3650d}}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a configuration whose store holds the answers of two closed hours, named as the labels name them."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    path = tmp_path / "driftline.yaml"
    path.write_text(CONFIG.format(port=port))
    (tmp_path / "state").mkdir()
    rig = Rig(tmp_path / "state", load(path, {}))
    for window in (0, 1):
        rig.send(Frame(named(answers(window)), "test", None, START + (window + 1) * HOUR))
    rig.settle(START + 5 * HOUR)
    rig.store.close()
    return path


def named(batch: Batch) -> Batch:
    """Return answers whose ids are hashes of their numbers."""
    ids = identity(str(id_) for id_ in np.asarray(batch.columns["id"]).tolist())
    return replace(batch, columns={**batch.columns, "id": ids})


def write(path: Path, rows: int) -> Path:
    """Write labels of the first answers, all right."""
    path.write_text("id,label\n" + "".join(f"{id_},{id_ % 2}\n" for id_ in range(1, rows + 1)))
    return path


def test_labels_are_joined_without_an_agent(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One command from a file to realised performance in the store; the same file again changes nothing."""
    file = write(tmp_path / "labels.csv", 2 * ROWS + 5)

    code = main(["labels", "import", str(file), "-c", str(config)])

    first = capsys.readouterr().out
    assert code == 0
    assert first.startswith("125 labels: 120 matched, 5 unknown\n2 windows say something new")
    assert main(["labels", "import", str(file), "-c", str(config)]) == 0
    assert capsys.readouterr().out.startswith("125 labels: 120 repeated, 5 unknown\n0 windows")
    with Store(tmp_path / "state" / "store.sqlite") as store:
        accuracy = [
            score[1] for stored, _ in store.realised("loans") for score in stored.value["scores"] if score[2].get("metric") == "accuracy"
        ]
    assert accuracy[0] == 1.0


def test_a_report_draws_them(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Labels, then a page with a chart of every metric; before there are labels, exit 3 and what to do."""
    out = tmp_path / "decay.html"
    arguments = ["report", "loans", "--decay", "--out", str(out), "-c", str(config)]
    assert main(arguments) == 3
    assert "driftline labels import FILE" in capsys.readouterr().err

    main(["labels", "import", str(write(tmp_path / "labels.csv", 2 * ROWS)), "-c", str(config)])

    assert main(arguments) == 0
    text = out.read_text()
    assert "realised performance of 2 windows" in capsys.readouterr().out
    assert "<h2>a, live: accuracy</h2>" in text
    assert text.count("<circle") >= 2


def test_a_running_agent_gets_them(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where another process holds the state, labels are posted to it, with the ids it will hash them to."""
    file = write(tmp_path / "labels.csv", 3)
    settings = load(config, {})
    got: list[Batch] = []

    async def emit(batches: Sequence[Batch], source: str) -> None:  # noqa: ARG001 # as sources call it
        got.extend(batches)

    async def work() -> int:
        source = settings.sources["labels"]
        assert isinstance(source, LabelIntake)
        async with source.listen(Context("labels", MatchRouter(Config()), None, Series(), Hand()), emit):
            return await asyncio.to_thread(main, ["labels", "import", str(file), "-c", str(config)])

    with Lock(tmp_path / "state"):
        assert asyncio.run(work()) == 0

    assert capsys.readouterr().out.startswith("sent 3 labels to the agent that runs")
    assert [batch.rows for batch in got] == [3]
    assert np.array_equal(np.asarray(got[0].columns["id"]), np.asarray(named(answers(0)).columns["id"])[:3])


REFUSED = {
    "no such file": (["missing.csv"], "is no file"),
    "an endpoint without labels": (["labels.csv", "--endpoint", "other"], "endpoints that do: loans"),
    "no such column": (["labels.csv", "--label", "truth"], "has no column 'truth'; it has id, label"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_imported_is_told(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str) -> None:
    """Exit 2 and one line."""
    write(tmp_path / "labels.csv", 3)
    (name, *more), text = REFUSED[what]

    assert main(["labels", "import", str(tmp_path / name), "-c", str(config), *more]) == 2
    assert text in capsys.readouterr().err
