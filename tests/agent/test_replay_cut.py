"""A replay does not depend on how its rows were cut into files and chunks, nor on their order within a window."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from agent.cli import main

START = datetime(2026, 1, 5, tzinfo=UTC)
DAYS, ROWS, LATER = 56, 80, 52
CONFIG = """
version: 1
endpoints:
  shop:
    source: {files: {path: "live*.csv"}}
    columns: {timestamp: time, categorical: [kind]}
    window: 1d
"""


def lines() -> list[list[str]]:
    """Return the lines of each day; from day `LATER` on numbers and categories are others, and some amounts are no numbers."""
    chance = np.random.default_rng(6)
    found = []
    for day in range(DAYS):
        changed = day >= LATER
        kinds = chance.choice(["a", "b", "strange" if changed else "a"], ROWS)
        amounts = [f"{value:.3f}" for value in chance.normal(3.0 * changed, 1, ROWS)]
        if changed:
            amounts[:3] = ["n/k"] * 3
        times = [(START + timedelta(days=day, minutes=10 * row)).isoformat() for row in range(ROWS)]
        found.append([f"{one}\n" for one in map(",".join, zip(times, amounts, kinds, strict=True))])
    return found


def replayed(folder: Path, files: list[list[str]], capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    folder.mkdir()
    monkeypatch.chdir(folder)
    for number, one in enumerate(files):
        Path(f"live{number:03}.csv").write_text("".join(["time,amount,kind\n", *one]))
    Path("c.yaml").write_text(CONFIG)
    assert main(["replay", "-c", "c.yaml", "--json"]) == 0
    return capfdbinary.readouterr().out.decode().splitlines()


def test_cut_and_order_change_no_line(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any reference, one file and pieces of any size with shuffled days tell the same, line by line."""
    days, chance = lines(), np.random.default_rng(7)
    shuffled = [day[place] for day in days for place in chance.permutation(ROWS)]
    ends = [0, *sorted(chance.choice(np.arange(1, len(shuffled)), 9, replace=False).tolist()), len(shuffled)]
    cuts = {
        "whole": [[line for day in days for line in day]],
        "pieces": [shuffled[begin:end] for begin, end in pairwise(ends)],
    }
    told = {name: replayed(tmp_path / name, files, capfdbinary, monkeypatch) for name, files in cuts.items()}
    assert told["whole"] == told["pieces"]

    scores = [
        one for one in map(json.loads, told["whole"]) if one["type"] == "score" and one["start"] == (START + timedelta(LATER)).isoformat()
    ]
    fixed = {one["feature"]: one["explanation"] for one in scores if one["reference"] == "fixed"}
    assert "3.8 % of rows of the wrong type" in fixed["amount"]
    assert "of rows outside the reference's range" in fixed["amount"]
    assert "new: 'strange'" in fixed["kind"]
