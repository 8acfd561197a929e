"""A replay says what would have been: the same windows as live, in virtual time, without a trace."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from agent.cli import main
from agent.errors import ConfigError

START = datetime(2026, 3, 1, tzinfo=UTC)
CONFIG = """
version: 1
endpoints:
  fraud:
    source: {{files: {{path: "{path}"}}}}
    columns: {{timestamp: time}}
    window: 1d
    reference: {reference}
"""


def config(folder: Path, *, days: int = 12, reference: str = "{}", shuffled: bool = False) -> Path:
    """Write a CSV of 60 rows a day and a configuration that names it."""
    chance = np.random.default_rng(1)
    lines = [
        f"{(START + timedelta(days=day, minutes=24 * row)).isoformat()},{chance.normal(100, 5):.3f}\n"
        for day in range(days)
        for row in range(60)
    ]
    if shuffled:
        lines = [lines[place] for place in chance.permutation(len(lines))]
    half = len(lines) // 2
    for name, part in (("a.csv", lines[:half]), ("b.csv", lines[half:])):
        (folder / name).write_text("time,amount\n" + "".join(part))
    made = folder / "driftline.yaml"
    made.write_text(CONFIG.format(path=folder / "*.csv", reference=reference))
    return made


def replayed(file: Path, capfdbinary: pytest.CaptureFixture[bytes], *more: str) -> list[dict[str, object]]:
    assert main(["replay", "-c", str(file), "--json", *more]) == 0
    return [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]


def test_every_day_is_a_window_and_nothing_is_left_behind(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """The last window, which live traffic would close, is closed by the end; no state is written anywhere."""
    file = config(tmp_path)
    before = sorted(tmp_path.iterdir())

    records = replayed(file, capfdbinary)

    windows = [record for record in records if record["type"] == "window"]
    assert [window["start"] for window in windows] == [(START + timedelta(days=day)).isoformat() for day in range(12)]
    assert [window["rows"] for window in windows] == [60] * 12
    assert records[-1] == {"type": "summary", "version": 1, "windows": 12, "alerts": 0, "changes": 0, "late": 0}
    assert sorted(tmp_path.iterdir()) == before


def test_history_is_not_judged(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Live begins where the reference ends, at a window's start."""
    records = replayed(config(tmp_path, reference="{history: 8d}"), capfdbinary)

    windows = [record["start"] for record in records if record["type"] == "window"]
    assert windows == [(START + timedelta(days=day)).isoformat() for day in range(8, 12)]


def test_rows_out_of_order_are_told(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Rows that no window took are counted in the summary: nothing looks whole that is not."""
    records = replayed(config(tmp_path, shuffled=True), capfdbinary)

    counted = sum(int(str(record["rows"])) for record in records if record["type"] == "window")
    assert counted < 720
    assert records[-1]["late"] == 720 - counted


def test_an_unknown_endpoint_is_named(tmp_path: Path) -> None:
    """Exit code 2 with the known ones."""
    assert main(["replay", "-c", str(config(tmp_path)), "--endpoint", "frodd"]) == ConfigError.exit_code
