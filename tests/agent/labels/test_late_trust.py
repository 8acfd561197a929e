"""Labels that come late are held against what was estimated: realised values fill in, and estimates they contradict are doubted."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from agent.config import Columns, Config, Endpoint, Labels
from agent.decay_history import history
from agent.spool.frame import Frame
from detectors.decay.confidence_based import ConfidenceBased
from detectors.decay.decay import Decay
from detectors.decay.score_reference import ScoreReference
from detectors.types import Batch, Category, Column, Plain, Stream
from tests.fakes.answers import HOUR, START
from tests.fakes.rig import Rig

WINDOWS, ROWS, TURNED = 36, 300, 24
STREAM = Stream("loans", "default", "live")
CONFIG = Config(
    endpoints={
        "loans": Endpoint(
            "loans",
            window=timedelta(hours=1),
            columns=Columns(id="id", prediction="y", probability="p"),
            detectors={"performance": ConfidenceBased(), "decay": Decay(baseline_days=1, baseline_rows=200)},
            labels=Labels(),
        )
    }
)


def answered(rows: int, seed: int, first: int = 1) -> tuple[Batch, list[str]]:
    """Return answers whose probabilities come true, and their truths."""
    random = np.random.default_rng(seed)
    chance = random.beta(0.8, 0.8, rows)
    truth = [str(int(value)) for value in random.random(rows) < chance]
    columns: dict[str, Column] = {
        "id": np.arange(first, first + rows, dtype=np.uint64),
        "probability": chance,
        "prediction": Category.of([str(int(value)) for value in chance > 0.5]),
    }
    return Batch("loans", "rows", rows, columns), truth


def reference() -> dict[str, Plain]:
    """Return what the estimates rest on."""
    batch, truth = answered(8000, 1)
    labelled = replace(batch, columns={**batch.columns, "label": Category.of(truth)})
    return {"loans/performance": ScoreReference().add(labelled, "1").fit().plain()}


def frames(*, late: bool) -> list[Frame]:
    """Return hours of answers and the labels of 6 in 10 of them, as their hour ends or 0 to 72 h later, shuffled and 5 % twice.

    From an hour on a third of the truths is turned: the same scores, other answers.
    """
    random, sent, labels = np.random.default_rng(7), list[Frame](), list[tuple[int, int, str, int]]()
    for window in range(WINDOWS):
        batch, truth = answered(ROWS, 100 + window, window * ROWS + 1)
        end = START + (window + 1) * HOUR
        times = np.arange(ROWS, dtype=np.int64) * (HOUR // ROWS) + START + window * HOUR
        sent.append(Frame(replace(batch, columns={**batch.columns, "time": times}), "test", None, end))
        for row, said in enumerate(truth):
            turned = window >= TURNED and random.random() < 1 / 3
            kept, again, delay = random.random() < 0.6, random.random() < 0.05, int(random.uniform(0, 72) * HOUR)
            told = (window * ROWS + 1 + row, str(1 - int(said)) if turned else said, end)
            labels += [(end + (delay if late else 0), *told)] * (kept * (1 + (again and late)))
    labels.sort()
    for part in np.array_split(np.arange(len(labels)), 60):
        chosen = [labels[row] for row in (random.permutation(part) if late else part)]
        sent.append(Frame(_labels(chosen), "test", None, max(one[0] for one in chosen)))
    return sorted(sent, key=lambda frame: frame.received)


def _labels(told: Sequence[tuple[int, int, str, int]]) -> Batch:
    return Batch(
        "loans",
        "labels",
        len(told),
        {
            "id": np.array([one[1] for one in told], np.uint64),
            "label": Category.of([one[2] for one in told]),
            "time": np.array([one[3] for one in told], np.int64),
        },
    )


def played(folder: Path, *, late: bool, crash: bool = False) -> Rig:
    """Play everything, and let the clock run until nothing waits."""
    folder.mkdir()
    rig = Rig(folder, CONFIG, reference())
    for number, frame in enumerate(frames(late=late)):
        rig.send(frame)
        if number % 3 == 0:
            rig.save()
        if crash and number % 13 == 0:
            rig.crash()
    for hour in range(3):
        rig.settle(START + (WINDOWS + 80 + hour) * HOUR)
    return rig


def shown(rig: Rig, metric: str) -> dict[str, float]:
    """Return the trust gauges of a metric by status."""
    points = rig.pipeline.series.gauges(rig.clock.now())
    return {
        attributes["status"]: float(point.value)  # type: ignore[arg-type] # a gauge
        for point in points
        if point.metric.name == "driftline.model.estimate.trust" and (attributes := dict(point.attributes))["metric"] == metric
    }


def test_estimates_are_borne_out_and_then_doubted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The band of the estimated AUC holds the realised one in 9 of 10 windows as long as scores mean the same; after it labels tell otherwise."""
    caplog.set_level("INFO")
    rig = played(tmp_path / "late", late=True)

    windows = history(rig.store, "loans", None)[STREAM]
    assert len(windows) == WINDOWS
    both = [(one.estimated["auc"], one.realised["auc"]) for one in windows.values()]
    assert np.mean([guess.lower <= truth.value <= guess.upper for guess, truth in both[:TURNED]]) >= 0.9
    assert not any(guess.lower <= truth.value <= guess.upper for guess, truth in both[TURNED:])
    assert shown(rig, "auc") == {"untested": 0.0, "trusted": 0.0, "not_trustworthy": 1.0}
    doubted = ["auc" in one.doubted for one in windows.values()]
    assert not any(doubted[:TURNED])
    assert all(doubted[TURNED + 4 :])
    said = [record.message for record in caplog.records if "estimates of auc" in record.message]
    assert any("are borne out by labels" in line for line in said)
    assert "are not trustworthy: labels say otherwise (realised less estimated: -" in said[-1]
    rig.store.close()


def test_trust_depends_on_which_labels_there_are_alone(tmp_path: Path) -> None:
    """Late, shuffled, doubled and through crashes, or once and on time: the same realised series, severities and trust, window by window."""
    on_time, late = played(tmp_path / "on_time", late=False), played(tmp_path / "late", late=True, crash=True)

    expected, found = (history(rig.store, "loans", None)[STREAM] for rig in (on_time, late))

    assert list(found) == list(expected)
    for start, one in found.items():
        other = expected[start]
        assert (one.realised["auc"], one.estimated["auc"]) == (other.realised["auc"], other.estimated["auc"])
        assert (one.severities, one.doubted, one.labels) == (other.severities, other.doubted, other.labels)
    assert on_time.store.severities("loans") == late.store.severities("loans")
    on_time.store.close()
    late.store.close()


def test_an_estimate_wakes_nobody(tmp_path: Path) -> None:
    """What pages is the rise that labels tell: every event of decay rests on them."""
    rig = played(tmp_path / "late", late=True)

    _, events = rig.told()

    decays = [event for event in events if event.name == "decay"]
    assert decays
    assert {event.details["basis"] for event in decays if event.state == "fired"} == {"realised"}
    rig.store.close()


def test_old_answers_are_waited_for_from_their_arrival(tmp_path: Path) -> None:
    """Answers of a year ago that came in today: labels of one window in two imports, days apart, are both counted; after max_age none is."""
    rig = Rig(tmp_path, CONFIG, reference())
    year = 365 * 24 * HOUR
    batch, truth = answered(ROWS, 1)
    times = np.full(ROWS, START, np.int64)
    rig.send(Frame(replace(batch, columns={**batch.columns, "time": times}), "test", None, START + year))
    rig.settle(START + year + HOUR)
    for part, day in ((range(100), 1), (range(100, 200), 3), (range(200, 300), 9)):
        at = START + year + day * 24 * HOUR
        rig.send(Frame(_labels([(at, row + 1, truth[row], START + row + 1) for row in part]), "test", None, at))
        rig.settle(at + HOUR)
        rig.settle(at + 2 * HOUR)

    (seen,) = history(rig.store, "loans", None)[STREAM].values()
    assert seen.labels == 200
    assert seen.coverage == pytest.approx(200 / 300)
    outcomes = {dict(names)["outcome"]: value for (name, names), value in rig.counters().items() if name == "driftline.labels.received"}
    assert outcomes == {"matched": 200, "unknown": 100}
    rig.store.close()
