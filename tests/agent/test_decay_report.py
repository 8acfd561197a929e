"""The page of performance is what `driftline report` draws for an endpoint with labels, wherever the labels come from."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from agent.cli import main

START = datetime(2026, 3, 1, tzinfo=UTC)
CONFIG = """
version: 1
state: state
endpoints:
  flights:
    source: {{files: {{path: rows.csv, settle: 0s}}}}
    columns: {{timestamp: time, prediction: expected, label: delay, segments: [origin]}}
    window: 1d
    {more}
"""


@pytest.fixture(autouse=True)
def _taken_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder with twelve days of rows that bring their label; those of the fifth are missing, and the last two are worse."""
    monkeypatch.chdir(tmp_path)
    random, lines = np.random.default_rng(2), ["time,origin,distance,expected,delay"]
    for day in range(12):
        for row in range(0 if day == 4 else 100):
            delay = random.normal(30, 10)
            expected = delay + random.normal(0, 9 if day >= 10 else 3)
            time = START + timedelta(days=day, minutes=14 * row)
            lines.append(f"{time.isoformat()},{('JFK', '<b>EWR')[row % 2]},{random.normal(500, 50):.0f},{expected:.2f},{delay:.2f}")
    Path("rows.csv").write_text("\n".join(lines) + "\n")


def drawn(more: str = "", *arguments: str) -> str:
    """Return the page."""
    Path("c.yaml").write_text(CONFIG.format(more=more))
    assert main(["run", "--once", "-c", "c.yaml"]) == 0
    assert main(["report", "flights", "-c", "c.yaml", *arguments]) == 0
    return Path("flights-decay.html").read_text("utf-8")


def test_rows_that_bring_their_label_are_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    """Every metric of a regression, a gap where a day is missing, a table by segment; names from traffic are text."""
    page = drawn()

    assert "wrote flights-decay.html: realised performance of 11 windows" in capsys.readouterr().out
    for metric in ("mae", "rmse", "mape", "r2", "bias"):
        chart = page.split(f"<h2>default, live: {metric}</h2>")[1].split("</svg>")[0]
        assert chart.count("<circle") == 11
        assert chart.count("<polyline") == 2
    assert "default, live: decay severity; above 1 is an alarm" in page
    assert "&lt;b&gt;EWR" in page
    assert "<b>EWR" not in page
    assert "11 windows of 1 day" in page


def test_a_page_beside_evidentlys_where_rows_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both pages are written; --decay draws one alone."""
    monkeypatch.setenv("DO_NOT_TRACK", "1")

    drawn("keep_rows: 100")

    assert Path("flights-report.html").exists()
    Path("flights-report.html").unlink()
    assert main(["report", "flights", "--decay", "-c", "c.yaml"]) == 0
    assert not Path("flights-report.html").exists()


def test_without_labels_it_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 3, and nothing is written."""
    Path("c.yaml").write_text(CONFIG.format(more="labels: {}").replace("label: delay, ", ""))
    assert main(["run", "--once", "-c", "c.yaml"]) == 0

    assert main(["report", "flights", "-c", "c.yaml"]) == 3
    assert "run driftline labels import FILE" in capsys.readouterr().err
    assert not Path("flights-decay.html").exists()
