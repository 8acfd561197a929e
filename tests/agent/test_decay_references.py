"""What error is usual is read from the endpoint's reference: a file, or history; where it has no labels, live windows teach it."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from agent.clock import WallClock, from_nanoseconds
from agent.config_file import load
from agent.endpoint import watchers
from agent.labels.realised import key
from agent.references import load as start
from agent.replay import Replay
from agent.routing import MatchRouter
from agent.series import Series
from agent.spool.frame import Frame
from agent.store.store import Store
from alerts.event import Event
from detectors import catalog
from detectors.decay.decay import Decay
from detectors.types import Batch, Category, Column, Score, Stream
from tests.fakes.rig import Rig

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = 86_400 * 10**9
CONFIG = """
version: 1
state: state
endpoints:
  loans:
    source: {{files: {{path: live.csv}}}}
    columns: {{timestamp: time, id: id, prediction: answer, {label}}}
    window: 1d
    reference: {reference}
    detectors: {{decay: {{task: classification}}}}
    {more}
"""


def table(path: Path, rows: int, wrong: float, *, days: int = 0, label: bool = True) -> None:
    """Write rows of which a share is answered wrong."""
    random = np.random.default_rng(5)
    lines = ["time,id,answer,p" + (",repaid" if label else "")]
    for row in range(rows):
        time = (START + timedelta(days=days * row / rows)).isoformat() if days else ""
        answer = random.random() < 0.5
        truth = answer ^ (random.random() < wrong)
        lines.append(f"{time},{row},{int(answer)},{0.9 if answer else 0.1}" + (f",{int(truth)}" if label else ""))
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def configured(reference: str, *, label: str = "label: repaid", more: str = "") -> None:
    """Write the configuration."""
    Path("c.yaml").write_text(CONFIG.format(reference=reference, label=label, more=more))


def severities() -> Iterator[tuple[str, Score]]:
    """Yield the severities of a replay with the day of the window."""
    for _, effects in Replay(load(Path("c.yaml"), {}), []).effects():
        for closed in effects.windows:
            yield from (
                (closed.window.start.date().isoformat(), one) for one in closed.scores if one.metric is catalog.MODEL_DECAY_SEVERITY
            )


def test_a_file_is_known_from_the_first_window_on() -> None:
    """A model that errs three times as often as in its training file is seen on its first day, by CUSUM."""
    table(Path("training.csv"), 4000, 0.1)
    table(Path("live.csv"), 900, 0.3, days=3)
    configured("{file: training.csv}")

    found = list(severities())

    assert found[0][0] == "2026-03-01"
    assert {score.attributes["method"] for _, score in found} == {"cusum", "e_detector"}
    assert max(score.value for day, score in found if day == "2026-03-01") > 1


def test_history_is_the_first_windows() -> None:
    """Ten days of history fix the usual error and how much windows vary; the days after it are judged by CUSUM from the first on."""
    table(Path("live.csv"), 4000, 0.1, days=14)
    configured("{history: 10d}")

    found = list(severities())

    assert [day for day, score in found if score.attributes["method"] == "cusum"] == [f"2026-03-{day}" for day in (11, 12, 13, 14)]
    assert max(score.value for _, score in found) < 1


@pytest.mark.parametrize(
    ("rows", "labelled", "label", "told"),
    [
        (4000, False, "label: repaid", "0 rows of its reference have answer and label"),
        (200, True, "label: repaid", "200 rows of its reference have answer and label, 500 or more are needed"),
        (4000, True, "probability: p", "set columns.label to learn it from the reference"),
    ],
)
def test_what_cannot_teach_is_told(rows: int, labelled: bool, label: str, told: str, caplog: pytest.LogCaptureFixture) -> None:  # noqa: FBT001 # a table's column
    """No error and no stop: the usual error is learnt from live windows, and the log says so."""
    caplog.set_level(logging.INFO)
    table(Path("training.csv"), rows, 0.1, label=labelled)
    table(Path("live.csv"), 900, 0.1, days=9)
    configured("{file: training.csv}", label=label, more="labels: {}")
    config = load(Path("c.yaml"), {})
    with Store(Path("store.sqlite")) as store:
        found = start(config, store, MatchRouter(config), Series(), WallClock(), only=Decay)

    state = Decay().restore(found.beginnings.shared["loans/decay"])
    assert state.errors.baseline is None
    assert told in caplog.text


def test_late_labels_are_held_against_it(folder: Path) -> None:
    """An endpoint whose labels come later begins from its reference too, warns in its first days, and keeps on after a restart."""
    table(Path("training.csv"), 4000, 0.1)
    Path("live.csv").write_text("time\n")
    configured("{file: training.csv}", more="labels: {}")
    config = load(Path("c.yaml"), {})
    assert list(watchers(config.endpoints["loans"])) == ["decay"]
    with Store(folder / "store.sqlite") as store:
        found = start(config, store, MatchRouter(config), Series(), WallClock(), only=Decay)
    rig = Rig(folder, config, found.beginnings.shared)
    random, first = np.random.default_rng(1), int(START.timestamp()) * 10**9
    for day in range(12):
        ids, answer = np.arange(day * 200 + 1, day * 200 + 201, dtype=np.uint64), random.random(200) < 0.5
        truth = answer ^ (random.random(200) < 0.25)
        times = first + day * DAY + np.arange(200, dtype=np.int64)
        rows: dict[str, Column] = {"time": times, "id": ids, "prediction": Category.of([str(int(one)) for one in answer])}
        rig.send(Frame(Batch("loans", "rows", 200, rows), "test", None, first + (day + 1) * DAY))
        labels: dict[str, Column] = {"id": ids, "label": Category.of([str(int(one)) for one in truth]), "time": times}
        rig.send(Frame(Batch("loans", "labels", 200, labels), "test", None, first + (day + 1) * DAY + DAY // 12))
        rig.settle(first + (day + 1) * DAY + DAY // 6)
        rig.settle(first + (day + 1) * DAY + DAY // 5)
        if day == 4:
            rig.crash()

    _, told = rig.told()
    fired = [event for event in told if isinstance(event, Event) and event.name == "decay" and event.state == "fired"]
    assert fired[0].severity == "warning"
    assert fired[0].time <= from_nanoseconds(first + 2 * DAY)
    stream = Stream("loans", "default", "live")
    kept = rig.store.severities("loans")
    assert set(kept[stream, first]) >= {"cusum", "e_detector"}
    assert rig.store.get(key(stream)) is None or rig.store.get(key(stream))["version"] == 2
    rig.store.close()
