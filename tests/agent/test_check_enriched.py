"""`driftline check` and `driftline replay` on texts, vectors and pictures: the same features as live, in two files or in history."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.cli import main

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
OTHERS = ("Pferd", "Wiese", "und", "die", "grün", "Sommer", "nicht", "der", "ist", "Wald", "dunkel", "mit", "Regen", "ein", "Bach", "still")


def rows(number: int, seed: int, words: tuple[str, ...] = WORDS, light: float = 1.0, turn: float = 0.0) -> list[dict[str, Any]]:
    """Return records with a text, a picture and a vector around one of four axes, the first two turned."""
    chance = np.random.default_rng(seed)
    axes = np.eye(8)[:4] + turn * np.eye(8)[4:]
    return [
        {
            "q": " ".join(chance.choice(words, 9)),
            "p": (chance.uniform(50, 200, (6, 6)) * light).round(2).tolist(),
            "v": (axes[chance.integers(4)] + chance.normal(0, 0.15, 8)).round(5).tolist(),
        }
        for _ in range(number)
    ]


def write(path: Path, records: list[dict[str, Any]]) -> str:
    """Write JSON lines."""
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return str(path)


OPTIONS = ["--text", "q", "--image", "p", "--embedding", "v", "--json"]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, set()),
        ({"words": OTHERS}, {"text.q.language", "text.q.surprise", "text.q.novelty", "text.q.length"}),
        ({"light": 0.7}, {"image.p.luminance", "image.p.contrast", "image.p.sharpness"}),
        ({"turn": 0.5}, {"embedding.v.novelty", "embedding.v.norm"}),
    ],
)
def test_what_changed_is_named(changed: dict[str, Any], expected: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Another language, darker pictures, turned vectors: each is named by its features, and nothing else is."""
    pytest.importorskip("PIL.Image", reason="needs Pillow (the extra image)")
    reference, current = write(tmp_path / "a.jsonl", rows(3000, 1)), write(tmp_path / "b.jsonl", rows(1500, 2, **changed))

    assert main(["check", reference, current, *OPTIONS]) == 0

    answer = json.loads(capsys.readouterr().out)
    assert expected <= set(answer["drifted"])
    assert {name.partition(".")[0] for name in answer["drifted"]} == {name.partition(".")[0] for name in expected}


def test_text_and_vectors_need_no_extra(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same without pictures, and the text itself is in no answer."""
    reference, current = write(tmp_path / "a.jsonl", rows(2500, 1)), write(tmp_path / "b.jsonl", rows(1500, 2, OTHERS, turn=0.5))

    assert main(["check", reference, current, "--text", "q", "--embedding", "v", "--ignore", "p", "--json"]) == 0

    out = capsys.readouterr().out
    assert {"text.q.novelty", "text.q.surprise", "embedding.v.novelty"} <= set(json.loads(out)["drifted"])
    assert "Pferd" not in out


def test_a_column_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A slip of the pen is no stable column."""
    file = write(tmp_path / "a.jsonl", rows(50, 1))

    assert main(["check", file, file, "--text", "question"]) == 2
    assert "a.jsonl: has no column 'question' (--text)" in capsys.readouterr().err


START = datetime(2026, 3, 1, tzinfo=UTC)


def test_a_replay_sees_what_live_would(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Fifty-six days of history and ten more, the last four in German: it says which features changed; no state is written."""
    lines = []
    for day in range(66):
        for place, record in enumerate(rows(60, day, OTHERS if day >= 62 else WORDS)):
            time = START + timedelta(days=day, minutes=20 * place)
            lines.append({"time": time.isoformat(), "q": record["q"], "v": record["v"]})
    write(tmp_path / "rows.jsonl", lines)
    config = tmp_path / "driftline.yaml"
    config.write_text(
        "endpoints:\n  chat:\n    source: {files: {path: rows.jsonl}}\n    columns: {timestamp: time}\n    window: 1d\n"
        "    reference: {history: 56d}\n    enrichers: {text: {columns: [q]}, embedding: {columns: [v]}}\n"
    )
    before = sorted(tmp_path.iterdir())

    assert main(["replay", "-c", str(config), "--json"]) == 0

    records = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    fired = [record for record in records if record["type"] == "event" and record["state"] == "fired"]
    assert [event["time"][:10] for event in fired] == [(START + timedelta(days=63)).date().isoformat()]
    assert "text.q." in fired[0]["details"]["top_features"]
    scored = {record["feature"] for record in records if record["type"] == "score"}
    assert {"text.q.surprise", "embedding.v.group", "embedding.v.novelty"} <= scored
    assert sorted(tmp_path.iterdir()) == before
