"""A baseline built from texts: with the yardstick that live rows are measured by later."""

import json
from pathlib import Path

import numpy as np
import pytest

from agent.cli import main
from agent.config_file import load
from agent.rows.values import Values
from agent.sources.rows import shape
from agent.store.store import Store
from detectors.drift.drift import Drift
from detectors.types import Batch

WORDS = (
    "card",
    "lost",
    "payment",
    "when",
    "refund",
    "rate",
    "transfer",
    "is",
    "my",
    "top up",
    "abroad",
    "limit",
    "pin",
    "cash",
    "fee",
    "why",
)


def texts(rows: int, seed: int) -> list[str]:
    """Return texts of nine words."""
    return [" ".join(words) for words in np.random.default_rng(seed).choice(WORDS, (rows, 9))]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose endpoint draws from texts, and a training file beside it."""
    (tmp_path / "train.jsonl").write_text("".join(json.dumps({"q": text}) + "\n" for text in texts(4000, 1)))
    path = tmp_path / "driftline.yaml"
    path.write_text("sources: {collector: {}}\nendpoints: {chat: {match: {app: chat}, enrichers: {text: {columns: [q]}}}}\n")
    return path


def batch(config: Path, rows: list[str]) -> Batch:
    """Return live rows as the collector would put them into the spool."""
    return shape(load(config, {}).endpoints["chat"]).batch({"q": Values(rows)}, len(rows), {}, {}, "a request")[0]


def test_live_rows_are_measured_as_the_baseline_was(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file fixes cells of every feature; rows like it fall evenly into them from the first one on, others do not."""
    command = [
        "baseline",
        "build",
        "start",
        "--endpoint",
        "chat",
        "--file",
        str(config.parent / "train.jsonl"),
        "--untimed",
        "-c",
        str(config),
    ]
    assert main(command) == 0
    capsys.readouterr()
    with Store(config.parent / "driftline-state" / "store.sqlite") as store:
        found = store.baseline("start")
    assert found is not None
    detector = Drift()
    state = detector.restore(found[1]["state"])
    features = ("length", "words", "script", "language", "surprise", "novelty", "group")
    assert sorted(state.index) == sorted(f"text.q.{name}" for name in features)

    alike = detector.observe(state, batch(config, texts(2000, 2))).counts["feature/text.q.novelty"]
    foreign = detector.observe(state, batch(config, ["ein Pferd steht im grünen Wald"] * 50)).counts["feature/text.q.novelty"]

    assert alike[-1] == 0
    assert alike[:-1].sum() == 2000
    upper = len(alike) // 2
    assert alike[upper:-1].sum() / 2000 == pytest.approx(0.5, abs=0.1)
    assert foreign[-2] == 50
    assert len(list((config.parent / "driftline-state" / "yardsticks").iterdir())) == 1
