"""A replay tells performance: of rows that bring their label, and of a file of labels that come when they were given."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.cli import main
from detectors.intervals import wilson

START = datetime(2026, 3, 1, tzinfo=UTC)
DAYS, ROWS, BAD_FROM, DELAY = 16, 120, 12, 2
CONFIG = """
version: 1
endpoints:
  loans:
    source: {files: {path: answers.csv}}
    columns: {timestamp: time, id: application, prediction: answer, label: repaid, segments: [region]}
    window: 1d
    detectors: {decay: {task: classification, baseline_rows: 300, label_drift: false}}
"""

Record = Mapping[str, Any]


@pytest.fixture
def right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Write answers and labels, which are given two days later, and answers that bring them; return the right answers of each day."""
    monkeypatch.chdir(tmp_path)
    random, found = np.random.default_rng(3), [0] * DAYS
    lines, labels = ["time,application,region,answer"], ["id,label,timestamp"]
    both = [lines[0] + ",repaid"]
    for row in range(DAYS * ROWS):
        day = row // ROWS
        time = START + timedelta(days=row / ROWS)
        answer = random.random() < 0.5
        truth = answer ^ (random.random() < (0.1 if day < BAD_FROM else 0.4))
        found[day] += truth == answer
        line = f"{time.isoformat()},a-{row},{('north', 'south')[row % 2]},{int(answer)}"
        lines.append(line)
        both.append(f"{line},{int(truth)}")
        labels.append(f"a-{row},{int(truth)},{(time + timedelta(days=DELAY)).isoformat()}")
    Path("answers.csv").write_text("\n".join(lines) + "\n")
    Path("labels.csv").write_text("\n".join([labels[0], *random.permutation(labels[1:])]) + "\n")
    Path("untimed.csv").write_text("\n".join(line.rpartition(",")[0] for line in labels) + "\n")
    Path("both.csv").write_text("\n".join(both) + "\n")
    Path("c.yaml").write_text(CONFIG)
    return found


def replayed(capfdbinary: pytest.CaptureFixture[bytes], *more: str) -> list[Record]:
    """Return the records of a replay."""
    assert main(["replay", "-c", "c.yaml", "--json", *more]) == 0
    return [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]


def accuracy(records: list[Record]) -> dict[str, tuple[float, float, float]]:
    """Return overall accuracy and its bounds by start of the window."""
    of_all = (one for one in records if one["type"] == "performance" and one["metric"] == "accuracy" and "part" not in one)
    return {one["start"]: (one["value"], one["lower"], one["upper"]) for one in of_all}


def fired(records: list[Record]) -> list[str]:
    """Return the ends of the windows that fired the alert of decay."""
    return [
        one["details"]["window_end"] for one in records if one["type"] == "event" and one["name"] == "decay" and one["state"] == "fired"
    ]


@pytest.mark.parametrize("how", ["labels.csv", "untimed.csv", "with the rows"])
def test_labels_lead_to_the_same_performance(right: list[int], capfdbinary: pytest.CaptureFixture[bytes], how: str) -> None:
    """Late, with their answers, or in the rows: accuracy of each day is the share of right answers, with Wilson's interval, by region too."""
    if how == "with the rows":
        Path("c.yaml").write_text(CONFIG.replace("answers.csv", "both.csv"))
    before = sorted(Path.cwd().iterdir())

    records = replayed(capfdbinary, *(() if how == "with the rows" else ("--labels", how)))

    found = accuracy(records)
    assert list(found) == [(START + timedelta(days=day)).isoformat() for day in range(DAYS)]
    # Until the usual error is known, intervals are those of independent rows.
    for day in range(6):
        assert found[(START + timedelta(days=day)).isoformat()] == pytest.approx((right[day] / ROWS, *wilson(right[day], ROWS)))
    assert [value for value, _, _ in found.values()] == pytest.approx([count / ROWS for count in right])
    assert {one["of"] for one in records if one["type"] == "performance" and one.get("part") == "region"} == {"north", "south"}
    decayed = {one["start"][:10] for one in records if one["type"] == "decay" and one["decayed"]}
    assert decayed == {(START + timedelta(days=day)).date().isoformat() for day in range(BAD_FROM, DAYS)}
    assert [one["type"] for one in records][-1] == "summary"
    assert sorted(Path.cwd().iterdir()) == before


def test_an_alert_comes_when_it_would_have_come(right: list[int], capfdbinary: pytest.CaptureFixture[bytes]) -> None:  # noqa: ARG001 # it writes the files
    """Decay fires on the first bad day, whether its labels come two days later or at once: the time of an alert is that of its window."""
    late, at_once = (fired(replayed(capfdbinary, "--labels", name)) for name in ("labels.csv", "untimed.csv"))

    assert late == at_once == [(START + timedelta(days=BAD_FROM + 1)).isoformat()]


def test_the_text_tells_how_it_began_and_ended(right: list[int], capsys: pytest.CaptureFixture[str]) -> None:
    """One line a metric, with the worst window, after the alerts."""
    assert main(["replay", "-c", "c.yaml", "--labels", "labels.csv"]) == 0

    worst = min(range(DAYS), key=lambda day: right[day])
    expected = (
        f"loans/default: accuracy, realised: {right[0] / ROWS:.4g} in the first, {right[-1] / ROWS:.4g} in the last of {DAYS} windows; "
        f"worst {right[worst] / ROWS:.4g} in the window of 2026-03-{worst + 1:02d}T00:00"
    )
    assert expected in capsys.readouterr().out.splitlines()


def test_labels_that_come_after_max_age_are_too_late(right: list[int], capfdbinary: pytest.CaptureFixture[bytes]) -> None:  # noqa: ARG001 # as above
    """With a day of patience, labels of two days later find nobody: no performance at all, as it would have been."""
    Path("c.yaml").write_text(CONFIG + "    labels: {max_age: 1d}\n")

    assert accuracy(replayed(capfdbinary, "--labels", "labels.csv")) == {}


REFUSED = {
    "no id": (CONFIG.replace("id: application, ", ""), "labels.csv", "columns.id: is needed to join labels"),
    "whose": (
        CONFIG + CONFIG.partition("endpoints:\n")[2].replace("loans", "other"),
        "labels.csv",
        "say whose labels they are with --endpoint",
    ),
    "no file": (CONFIG, "nothing.csv", "nothing.csv: is no file"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_joined_is_said(right: list[int], capsys: pytest.CaptureFixture[str], what: str) -> None:  # noqa: ARG001 # as above
    """Exit 2 and one line."""
    text, labels, told = REFUSED[what]
    Path("c.yaml").write_text(text)

    assert main(["replay", "-c", "c.yaml", "--labels", labels]) == 2
    assert told in capsys.readouterr().err


def test_late_shuffled_doubled_labels_change_nothing(right: list[int], capfdbinary: pytest.CaptureFixture[bytes]) -> None:  # noqa: ARG001 # as above
    """Labels 0 to 72 h late, shuffled, 40 % missing, 5 % doubled: every record of performance, decay and trust of the same 60 % once and on time."""
    random = np.random.default_rng(11)
    lines = [line.split(",") for line in Path("labels.csv").read_text().splitlines()[1:]]
    kept = [(id_, label, datetime.fromisoformat(time) - timedelta(days=DELAY)) for id_, label, time in lines if random.random() < 0.6]
    on_time = [f"{id_},{label},{time.isoformat()}" for id_, label, time in kept]
    late = [
        f"{id_},{label},{(time + timedelta(hours=random.uniform(0, 72))).isoformat()}"
        for id_, label, time in [*kept, *(one for one in kept if random.random() < 0.05)]
    ]
    for name, rows in (("on_time.csv", on_time), ("late.csv", random.permutation(late).tolist())):
        Path(name).write_text("\n".join(["id,label,timestamp", *rows]) + "\n")

    expected, found = (
        [one for one in replayed(capfdbinary, "--labels", name) if one["type"] in {"performance", "decay", "trust"}]
        for name in ("on_time.csv", "late.csv")
    )

    assert len({one["start"] for one in expected}) == DAYS
    assert found == expected
