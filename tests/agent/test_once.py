"""`driftline run --once` takes in what there is, judges it, and ends; again it takes in only what is new."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent.cli import main
from agent.lock import Lock
from agent.store.store import Store

START = datetime(2026, 3, 1, tzinfo=UTC)
CONFIG = """
version: 1
state: state
endpoints:
  loans:
    source: {files: {path: "*.csv", settle: 0s}}
    columns: {timestamp: time, id: application, prediction: answer}
    window: 1d
    labels: {}
sinks: {json_lines: {path: out.jsonl}}
"""


def write(name: str, first: int, days: int) -> None:
    """Write 50 rows a day from a day on."""
    rows = [f"{(START + timedelta(days=first, minutes=28 * row)).isoformat()},{first}-{row},{row % 2}" for row in range(50 * days)]
    Path(name).write_text("time,application,answer\n" + "\n".join(rows) + "\n")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with two days of rows."""
    monkeypatch.chdir(tmp_path)
    Path("c.yaml").write_text(CONFIG)
    write("a.csv", 0, 2)
    return tmp_path


def windows() -> Counter[str]:
    """Return rows by day of every closed window."""
    with Store(Path("state/store.sqlite")) as store:
        found: Counter[str] = Counter()
        for one in store.windows("loans", 0, 2**62):
            found[datetime.fromtimestamp(one.start / 1e9, UTC).date().isoformat()] += one.value["rows"]
        return found


def test_each_run_takes_in_what_is_new(capsys: pytest.CaptureFixture[str]) -> None:
    """Every day that has ended is a window, also the last; a second run finds nothing, a third what was added; nothing is sent."""
    assert main(["run", "--once", "-c", "c.yaml"]) == 0
    assert "took in 100 rows" in capsys.readouterr().out
    assert windows() == {"2026-03-01": 52, "2026-03-02": 48}

    assert main(["run", "--once", "-c", "c.yaml"]) == 0
    assert "took in 0 rows" in capsys.readouterr().out
    write("b.csv", 3, 1)
    assert main(["run", "--once", "-c", "c.yaml"]) == 0
    assert "took in 50 rows" in capsys.readouterr().out
    assert windows() == {"2026-03-01": 52, "2026-03-02": 48, "2026-03-04": 50}
    assert not Path("out.jsonl").exists()
    with Store(Path("state/store.sqlite")) as store:
        assert store.outbox.lag("json_lines") > 0


def test_labels_follow(capsys: pytest.CaptureFixture[str]) -> None:
    """Answers it took in are there for labels."""
    assert main(["run", "--once", "-c", "c.yaml"]) == 0
    Path("labels").mkdir()
    Path("labels/labels.csv").write_text("id,label\n" + "".join(f"0-{row},{row % 2}\n" for row in range(100)))
    capsys.readouterr()

    assert main(["labels", "import", "labels/labels.csv", "-c", "c.yaml"]) == 0

    assert capsys.readouterr().out.splitlines()[:2] == [
        "100 labels: 100 matched",
        "2 windows say something new; driftline report draws them",
    ]


def test_it_needs_a_source_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    """Listeners have nothing to read: exit 2."""
    Path("c.yaml").write_text("version: 1\nstate: state\nsources: {otlp: {}}\nendpoints: {chat: {}}\n")

    assert main(["run", "--once", "-c", "c.yaml"]) == 2
    assert "no endpoint has a source of its own" in capsys.readouterr().err


def test_it_leaves_a_running_agent_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The state is another process's: exit 4, and nothing is read."""
    (folder / "state").mkdir()
    with Lock(folder / "state"):
        assert main(["run", "--once", "-c", "c.yaml"]) == 4
    assert not (folder / "state" / "store.sqlite").exists()
    assert capsys.readouterr().err


def test_more_than_the_spool_holds_is_taken_in(capsys: pytest.CaptureFixture[str]) -> None:
    """Reading waits for room: nothing is left for the next run."""
    Path("c.yaml").write_text(CONFIG + "spool: {max_bytes: 4MiB, segment_bytes: 256KiB, min_free_bytes: 0B, durability: write}\n")
    for part in range(6):
        rows = [
            f"{(START + timedelta(days=5 + part, seconds=row)).isoformat()},big-{part}-{row},{row % 2},{'x' * 60}" for row in range(12_000)
        ]
        Path(f"big-{part}.csv").write_text("time,application,answer,note\n" + "\n".join(rows) + "\n")

    assert main(["run", "--once", "-c", "c.yaml"]) == 0

    assert "took in 72,100 rows" in capsys.readouterr().out
    assert sum(windows().values()) == 72_100


def test_an_unreadable_file_costs_itself_only(capsys: pytest.CaptureFixture[str]) -> None:
    """It is told of; the others are taken in."""
    Path("a.csv").write_bytes(b"\xff\xfe not text")
    write("b.csv", 1, 1)

    assert main(["run", "--once", "-c", "c.yaml"]) == 0

    said = capsys.readouterr()
    assert "took in 50 rows" in said.out
    assert "a.csv" in said.err
