"""From a training set and a label file to a decay chart: the three commands of docs/labels.md, as they stand there."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

PAGE = Path(__file__).parents[2] / "docs/labels.md"
NANNYML = Path(os.environ.get("DRIFTLINE_NANNYML_DATA", ""))
START = datetime(2026, 8, 1, tzinfo=UTC)
DAYS, A_DAY, BAD_FROM = 30, 400, 20


def shown(language: str) -> str:
    """Return the block of the page's section that is written in a language."""
    section = PAGE.read_text("utf-8").split("## From a training set")[1].split("\n## ")[0]
    found: list[str] = re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)
    return found[0]


def loans(folder: Path) -> None:
    """Write a training set, answers of 30 days and labels of 7 in 10 of them, shuffled; from the 20th day on a fifth of the truths is turned."""
    random = np.random.default_rng(9)
    for name, rows in (("training", 8_000), ("answers", DAYS * A_DAY)):
        live = name == "answers"
        lines, labels = [f"time,application,income,region,p,answer{'' if live else ',repaid'}"], []
        for row in range(rows):
            income = random.normal()
            chance = 1 / (1 + np.exp(-2.5 * income))
            truth = (random.random() < chance) ^ (live and row >= BAD_FROM * A_DAY and random.random() < 0.2)
            time = (START + timedelta(days=row / A_DAY)).isoformat() if live else ""
            region, said = ("north", "south")[row % 2], ("no", "yes")[int(truth)]
            line = f"{time},{name}-{row},{income:.4f},{region},{chance:.5f},{'yes' if chance > 0.5 else 'no'}"
            lines.append(line if live else f"{line},{said}")
            if live and random.random() < 0.7:
                labels.append(f"{name}-{row},{said}")
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
        if live:
            (folder / "labels.csv").write_text("id,label\n" + "\n".join(random.permutation(labels)) + "\n")


def executed(folder: Path, config: str, commands: str) -> str:
    """Run the commands in a shell that ends at the first failure; return what they said."""
    (folder / "loans.yaml").write_text(config)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euc", commands], cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def charts(folder: Path) -> Mapping[str, ET.Element]:
    """Return the charts of the page by title; the page must load nothing from anywhere."""
    text = (folder / "loans-decay.html").read_text("utf-8")
    assert "<script" not in text
    assert "http" not in text
    found = re.findall(r"<h2>([^<]*)</h2>\n(?:<p>[^<]*</p>\n)?(<svg.*?</svg>)", text)
    return {title: ET.fromstring(svg) for title, svg in found}  # noqa: S314 # our own text


def values(chart: ET.Element, basis: str) -> list[float]:
    """Return the values of the dots of a chart that labels or estimates speak for."""
    dots = (dot for dot in chart.findall("circle") if dot.attrib["class"] == f"{basis} dot")
    return [float((dot.findtext("title") or "").split(": ")[1].split()[0].rstrip(",")) for dot in dots]


def test_three_commands_lead_to_a_decay_chart(tmp_path: Path) -> None:
    """Files, the configuration and the commands of the page: errors rise where truths were turned, and estimates are doubted from then on."""
    loans(tmp_path)
    commands = shown("bash")
    assert len(commands.strip().splitlines()) == 3

    told = executed(tmp_path, shown("yaml"), commands)

    assert f"took in {DAYS * A_DAY:,} rows" in told
    assert "decay fired (page)" in told
    found = charts(tmp_path)
    severity = values(found["default, live: decay severity; above 1 is an alarm"], "realised")
    assert len(severity) == DAYS
    assert max(severity[:BAD_FROM]) < 1 < min(severity[BAD_FROM + 2 :])
    accuracy = values(found["default, live: accuracy"], "realised")
    assert np.mean(accuracy[:BAD_FROM]) > np.mean(accuracy[BAD_FROM:]) + 0.08
    page = (tmp_path / "loans-decay.html").read_text("utf-8")
    assert page.count("Estimates are not trustworthy since the window of 2026-08-2") >= 5
    assert "by region, window of 2026-08-30" in page
    assert "by class, window of 2026-08-30" in page


def test_the_same_on_loans_of_nannyml(tmp_path: Path) -> None:
    """NannyML's car loans in windows of a week: accuracy is what its own calculator finds before and after the drop (facts of 0.13.1)."""
    if not (NANNYML / "synthetic_car_loan_reference.csv").is_file():
        pytest.skip("../shared/data has no model with answers and labels, and DRIFTLINE_NANNYML_DATA names no folder with NannyML's")
    (tmp_path / "training.csv").symlink_to(NANNYML / "synthetic_car_loan_reference.csv")
    (tmp_path / "answers.csv").symlink_to(NANNYML / "synthetic_car_loan_analysis.csv")
    (tmp_path / "labels.csv").symlink_to(NANNYML / "synthetic_car_loan_analysis_target.csv")
    config = """version: 1
endpoints:
  loans:
    source: {files: {path: answers.csv}}
    columns: {timestamp: timestamp, id: id, prediction: y_pred, probability: y_pred_proba, label: repaid}
    window: 7d
    reference: {file: training.csv}
    detectors: {drift: {}, performance: {}, decay: {}}
    labels: {}
"""

    executed(tmp_path, config, shown("bash").replace("labels.csv", "labels.csv --label repaid"))

    accuracy = values(charts(tmp_path)["default, live: accuracy"], "realised")
    assert accuracy[2] == pytest.approx(0.9502, abs=0.02)
    assert accuracy[-2] == pytest.approx(0.9122, abs=0.03)
