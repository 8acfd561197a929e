"""Labels that come late lead to the series they would have led to on time; what becomes of each is counted."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.config import Columns, Config, Endpoint, Labels
from agent.spool.frame import Frame
from detectors.decay.decay import Decay
from detectors.types import Batch, Category, Column
from tests.fakes.answers import HOUR, ROWS, START, answers
from tests.fakes.rig import Rig

WINDOWS = 80
ENDPOINT = Endpoint(
    "loans",
    window=timedelta(hours=1),
    columns=Columns(id="id", prediction="y", segments=("origin",)),
    detectors={"decay": Decay(baseline_days=2, baseline_rows=200, min_samples=20)},
    labels=Labels(),
)
CONFIG = Config(endpoints={"loans": ENDPOINT})
SCORES = dict[tuple[str, int], list[Any]]

Labelled = tuple[int, str, int]
"""Id, label, and when it was given."""


def truths(seed: int) -> list[Labelled]:
    """Return the label of every answer, given as its hour ends; answers of the last twenty hours are wrong twice as often."""
    random = np.random.default_rng(seed)
    found = []
    for number in range(WINDOWS * ROWS):
        wrong = random.random() < (0.1 if number < 60 * ROWS else 0.3)
        right = (number + 1) % 2
        found.append((number + 1, str(1 - right if wrong else right), START + (number // ROWS + 1) * HOUR))
    return found


def labels(told: Sequence[Labelled]) -> Batch:
    """Return labels as the sources hand them over."""
    columns: dict[str, Column] = {
        "id": np.array([id_ for id_, _, _ in told], np.uint64),
        "label": Category.of([label for _, label, _ in told]),
        "time": np.array([time for _, _, time in told], np.int64),
    }
    return Batch("loans", "labels", len(told), columns)


def play(folder: Path, frames: Sequence[tuple[int, Batch]], *, config: Config = CONFIG, crash: bool = False) -> Rig:
    """Send frames that arrive at these times, saving now and then, and let the clock run on for four days."""
    folder.mkdir(parents=True, exist_ok=True)
    rig = Rig(folder, config)
    for number, (received, batch) in enumerate(frames):
        rig.send(Frame(batch, "test", None, received))
        if number % 3 == 0:
            rig.save()
        if crash and number % 17 == 0:
            rig.crash()
    end = START + (WINDOWS + 100) * HOUR
    for step in range(3):
        rig.settle(end + step * HOUR)
    return rig


def realised(rig: Rig) -> SCORES:
    """Return the newest version of what was said of every window, rounded to nothing: bit for bit."""
    found: SCORES = {}
    for stored, _ in rig.store.realised("loans"):
        found[stored.stream.deployment, stored.start] = sorted(stored.value["scores"], key=str)
    return found


def received(rig: Rig) -> dict[str, float]:
    """Return how many labels there were, by outcome."""
    return {dict(names)["outcome"]: value for (name, names), value in rig.counters().items() if name == "driftline.labels.received"}


def on_time(chosen: Sequence[Labelled]) -> list[tuple[int, Batch]]:
    """Return the stream in which every label comes as its hour ends."""
    frames = []
    for window in range(WINDOWS):
        frames.append((START + (window + 1) * HOUR, answers(window)))
        due = [one for one in chosen if one[2] == START + (window + 1) * HOUR]
        if due:
            frames.append((START + (window + 1) * HOUR, labels(due)))
    return frames


@pytest.mark.parametrize(("seed", "crash"), [(1, False), (2, True)])
def test_late_labels_lead_to_the_same_series(tmp_path: Path, seed: int, crash: bool) -> None:  # noqa: FBT001 # a table's column
    """Labels 0 to 72 hours late, shuffled, 40 % missing, 5 % doubled: the series of the same 60 % once and on time, also through crashes."""
    random = np.random.default_rng(1000 + seed)
    chosen = [one for one in truths(seed) if random.random() >= 0.4]
    again = [one for one in chosen if random.random() < 0.05]
    late = sorted((time + int(random.uniform(0, 72) * HOUR), (id_, label, time)) for id_, label, time in [*chosen, *again])
    frames = [(START + (window + 1) * HOUR, answers(window)) for window in range(WINDOWS)]
    frames += [(part[-1][0], labels([one for _, one in random.permutation(np.array(part, object))])) for part in _parts(late, random)]
    frames.sort(key=lambda frame: frame[0])

    expected, found = play(tmp_path / "on_time", on_time(chosen)), play(tmp_path / "late", frames, crash=crash)

    assert len(realised(expected)) == WINDOWS
    assert realised(found) == realised(expected)
    assert found.store.severities("loans") == expected.store.severities("loans")
    assert received(expected) == {"matched": len(chosen)}
    assert received(found) == {"matched": len(chosen), "repeated": len(again)}
    assert _severity(found) == _severity(expected) > 1
    expected.store.close()
    found.store.close()


def _parts(late: Sequence[Any], random: np.random.Generator) -> list[Sequence[Any]]:
    cuts = sorted({0, len(late), *random.integers(1, len(late), 120).tolist()})
    return [late[first:last] for first, last in pairwise(cuts)]


def _severity(rig: Rig) -> float:
    """Return the largest severity that is shown now."""
    shown = rig.pipeline.series.gauges(rig.clock.now())
    return max(float(point.value) for point in shown if point.metric.name == "driftline.model.decay.severity")  # type: ignore[arg-type] # a gauge


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """An hour of answers, labels expected."""
    made = Rig(tmp_path, CONFIG)
    made.send(Frame(answers(0), "test", None, START + HOUR))
    made.save()
    yield made
    made.store.close()


def give(rig: Rig, *told: Labelled, at: int = START + 2 * HOUR) -> None:
    """Send labels and save."""
    rig.send(Frame(labels(told), "labels", None, at))
    rig.save()


OUTCOMES: dict[str, tuple[list[list[Labelled]], dict[str, float]]] = {
    "matched": ([[(1, "0", 10)]], {"matched": 1}),
    "doubled": ([[(1, "0", 10), (1, "0", 10)], [(1, "0", 10)]], {"matched": 1, "repeated": 2}),
    "corrected": ([[(1, "0", 10)], [(1, "1", 20)]], {"matched": 1, "corrected": 1}),
    "outdated": ([[(1, "0", 20)], [(1, "1", 10)]], {"matched": 1, "outdated": 1}),
    "unknown id": ([[(999_999, "0", 10)]], {"unknown": 1}),
    "no id": ([[(0, "0", 10)]], {"unusable": 1}),
}


@pytest.mark.parametrize("what", OUTCOMES)
def test_what_becomes_of_a_label_is_counted(rig: Rig, what: str) -> None:
    """First, again, corrected, older than the one there is, for an unknown id, without an id."""
    batches, expected = OUTCOMES[what]
    for told in batches:
        give(rig, *told)

    assert received(rig) == expected


def test_the_label_given_last_stays(tmp_path: Path) -> None:
    """A correction counts whichever of both comes first."""
    orders: list[list[list[Labelled]]] = [
        [[(1, "0", 10)], [(1, "1", 20)]],
        [[(1, "1", 20)], [(1, "0", 10)]],
        [[(1, "1", 20), (1, "0", 10)]],
    ]
    kept = []
    for number, order in enumerate(orders):
        made = Rig(_made(tmp_path / str(number)), CONFIG)
        made.send(Frame(answers(0), "test", None, START + HOUR))
        for told in order:
            give(made, *told)
        (row,) = made.store.performance("loans")
        kept.append({name: dict(tally) for name, tally in row.value["tallies"].items()})
        made.store.close()

    assert kept[0] == kept[1] == kept[2]
    assert kept[0]["all/actual"] == {"1": 1}


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_a_label_may_come_before_its_answer(rig: Rig) -> None:
    """It waits, counted as unknown, and is joined when the answer comes."""
    give(rig, *truths(1)[ROWS : 2 * ROWS])
    rig.send(Frame(answers(1), "test", None, START + 2 * HOUR))
    rig.settle(START + 4 * HOUR)
    rig.settle(START + 5 * HOUR)

    assert received(rig) == {"unknown": ROWS}
    assert [start for _, start in realised(rig)] == [START + HOUR]


def test_every_deployment_that_answered_gets_the_label(rig: Rig) -> None:
    """A mirrored request has one label and two answers."""
    rig.send(Frame(answers(0, deployment="b"), "test", None, START + HOUR))
    give(rig, *truths(1)[:ROWS])
    rig.settle(START + 4 * HOUR)
    rig.settle(START + 5 * HOUR)

    assert received(rig) == {"matched": ROWS}
    assert sorted(deployment for deployment, _ in realised(rig)) == ["a", "b"]


def test_answers_are_forgotten(tmp_path: Path) -> None:
    """After max_age, and beyond max_rows, a label is for an unknown id."""
    config = Config(endpoints={"loans": replace(ENDPOINT, labels=Labels(max_age=timedelta(hours=3), max_rows=ROWS))})
    rig = Rig(tmp_path, config)
    for window in (0, 1, 2, 3):
        rig.send(Frame(answers(window), "test", None, START + (window + 1) * HOUR))
        rig.save()
    give(rig, (1, "0", 10), (ROWS + 1, "0", 10), (3 * ROWS + 1, "0", 10), at=START + 5 * HOUR)

    assert received(rig) == {"unknown": 2, "matched": 1}
    rig.store.close()


def test_a_number_needs_a_number(tmp_path: Path) -> None:
    """A label that is no number cannot tell how wrong a regression is."""
    rig = Rig(tmp_path, CONFIG)
    batch = answers(0)
    rig.send(Frame(replace(batch, columns={**batch.columns, "prediction": np.arange(ROWS, dtype=np.float64)}), "test", None, START + HOUR))
    give(rig, (1, "soon", 10), (2, "2.5", 10))

    assert received(rig) == {"matched": 1, "unusable": 1}
    rig.store.close()


def test_true_is_a_label_of_an_answer_that_is_1(tmp_path: Path) -> None:
    """A classifier that answers 0 and 1 is labelled in the words of JSON too; infinities and words are of no use."""
    endpoint = replace(ENDPOINT, detectors={"decay": Decay(task="classification", min_samples=1)})
    rig = Rig(tmp_path, Config(endpoints={"loans": endpoint}))
    batch = answers(0)
    numbers = np.ones(ROWS)
    rig.send(Frame(replace(batch, columns={**batch.columns, "prediction": numbers}), "test", None, START + HOUR))
    give(rig, (1, "true", 10), (2, "false", 10), (3, "inf", 10), (4, "maybe", 10))

    assert received(rig) == {"matched": 2, "unusable": 2}
    (row,) = rig.store.performance("loans")
    assert dict(row.value["tallies"]["all/actual"]) == {"1": 1, "0": 1}
    rig.store.close()


def test_the_same_number_written_otherwise_is_no_correction(tmp_path: Path) -> None:
    """A request has 7 where a file writes 7.0: repeated, and its window is not measured again."""
    rig = Rig(tmp_path, CONFIG)
    batch = answers(0)
    rig.send(Frame(replace(batch, columns={**batch.columns, "prediction": np.arange(ROWS, dtype=np.float64)}), "test", None, START + HOUR))
    give(rig, *((id_, "7", 10) for id_ in range(1, ROWS + 1)))
    rig.settle(START + 4 * HOUR)
    rig.save()
    give(rig, (1, "7.0", 20), (2, "7e0", 5), at=START + 5 * HOUR)
    rig.settle(START + 6 * HOUR)
    rig.save()

    assert received(rig) == {"matched": ROWS, "repeated": 2}
    assert [version for _, version in rig.store.realised("loans")] == [1]
    rig.store.close()


def test_versions_tell_what_was_said_before(rig: Rig) -> None:
    """A window that gets more labels has a second version; the first stays."""
    told = truths(3)
    give(rig, *told[:30])
    rig.settle(START + 4 * HOUR)
    rig.save()
    give(rig, *told[30:60], at=START + 5 * HOUR)
    rig.settle(START + 6 * HOUR)
    rig.save()

    samples = [
        [score[1] for score in stored.value["scores"] if score[0] == "driftline.model.performance.samples"] + [version]
        for stored, version in rig.store.realised("loans")
    ]
    assert samples == [[30, 1], [60, 2]]


def test_labels_nobody_expects_are_counted(tmp_path: Path) -> None:
    """Without `labels:` at the endpoint nothing is logged, and labels are told to be of no use."""
    rig = Rig(tmp_path, Config(endpoints={"loans": replace(ENDPOINT, labels=None)}))
    rig.send(Frame(answers(0), "test", None, START + HOUR))
    give(rig, (1, "0", 10))

    assert received(rig) == {"not_expected": 1}
    rig.store.close()


def test_an_endpoint_that_expects_no_labels_any_more_leaves_nothing(rig: Rig) -> None:
    """Once `labels:` is gone from the configuration, the log of its answers goes with the next start."""
    rig.crash()
    rig.save()
    assert len(rig.store.performance("loans")) == 1

    rig.config = Config(endpoints={"loans": replace(ENDPOINT, labels=None)})
    rig.crash()
    rig.save()

    assert rig.store.performance("loans") == []
