"""Labels of people correct evaluators while the same model answers and the same judge judges, through the store and back."""

import csv
import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats  # type: ignore[import-untyped]  # SciPy ships no types

from agent.config import Config, Endpoint, Labels
from agent.doctor.labelled import labelled
from agent.effects import ClosedWindow
from agent.judges.options import JudgeOptions
from agent.labels.asked import drawn
from agent.labels.calibration import KEPT, Calibration
from agent.labels.sampled import sampled
from agent.sources.otlp.columns import CALL
from agent.store.store import Store
from detectors.quality.evaluators.refusal import refuses
from detectors.quality.text_columns import IMPORTANCE, PROBABILITY, REFUSAL
from detectors.types import Batch, Category, Column, Score, Stream, Text, Window

XSTEST = Path(__file__).parents[3] / "../shared/data/xstest"
COMPLIED = "1_full_compliance"
DRAWS = 400
"""By the functions alone 1,000 are drawn, in tests/detectors/test_prediction_powered.py."""
BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
STREAM = Stream("shop", "gpt", "live")
JUDGE = JudgeOptions("http://127.0.0.1:9/v1", "judge", evaluators=("fluency",))
SHOP = Endpoint("shop", content="transient", labels=Labels(), judge=JUDGE)

Floats = NDArray[np.float64]


class World:
    """A store, what corrects, and windows that close one after the other."""

    def __init__(self, folder: Path, endpoint: Endpoint = SHOP) -> None:
        self.file = folder / "store.sqlite"
        self.endpoint = endpoint
        self.start()

    def start(self) -> None:
        """Begin, or begin again with nothing in memory."""
        self.store = Store(self.file)
        self.calibration = Calibration(lambda _: self.endpoint, self.store)

    def crash(self) -> None:
        """Lose everything in memory."""
        self.store.close()
        self.start()

    def save(self) -> dict[str, int]:
        """Write what waits; return what became of labels."""
        with self.store.transaction() as transaction:
            told = self.calibration.settle(transaction.labels.verdicts)
        self.calibration.settled()
        return {outcome: count for (_, outcome), count in told.items()}

    def label(self, ids: Sequence[int], labels: Sequence[object], evaluator: str = REFUSAL, time: int = 1) -> dict[str, int]:
        """Send labels in."""
        columns: dict[str, Column] = {
            "id": np.array(ids, np.uint64),
            "evaluator": Category.constant(evaluator, len(ids)),
            "label": Category.of([None if label is None else str(label) for label in labels]),
            "time": np.full(len(ids), time, np.int64),
        }
        self.calibration.take(Batch("shop", "labels", len(ids), columns), int(BEGAN.timestamp() * 1e9))
        return self.save()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A fresh one."""
    found = World(tmp_path)
    yield found
    found.store.close()


def window(number: int) -> Window:
    """Return the hour of that number."""
    return Window(BEGAN + number * HOUR, BEGAN + (number + 1) * HOUR)


def calls(ids: NDArray[np.uint64], scores: Floats, models: Sequence[str] | None = None) -> Batch:
    """Return sampled calls, all of which were looked at."""
    columns: dict[str, Column] = {"id": ids, REFUSAL: scores, IMPORTANCE: np.ones(len(ids)), PROBABILITY: np.ones(len(ids))}
    columns |= {
        "model": Category.of(list(models or ["one"] * len(ids))),
        CALL: Text(tuple(f"call-{identity}" for identity in ids.tolist())),
    }
    return Batch("shop", "calls", len(ids), columns)


def closed(number: int, rows: Batch, stream: Stream = STREAM) -> ClosedWindow:
    """Return a closed window."""
    return ClosedWindow(stream, window(number), rows.rows, (), (), {}, None, rows)


def ids_of(number: int, many: int = 100) -> NDArray[np.uint64]:
    """Return the ids of a window's calls."""
    return np.arange(number * 1000 + 1, number * 1000 + many + 1, dtype=np.uint64)


def told(scores: Sequence[Score]) -> Mapping[str, float]:
    """Return values by short name."""
    return {score.metric.name.removeprefix("driftline."): score.value for score in scores}


REFUSED = (np.arange(100) % 5 == 0).astype(np.float64)
"""What phrases say: a fifth."""
TRUTH = (np.arange(100) % 5 < 2).astype(np.float64)
"""What people say: two fifths, of which phrases see half."""


def test_without_labels_nothing_is_said_but_that_they_are_wanted(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """No corrected figure and no label; the log asks for about a hundred, once."""
    with caplog.at_level(logging.INFO):
        for number in range(3):
            assert told(world.calibration.closed(closed(number, calls(ids_of(number), REFUSED)))) == {"calibration.labels": 0}
            world.save()
    assert [record.getMessage() for record in caplog.records] == [
        "endpoint shop (gpt): refusal is uncalibrated: 0 labels, about 100 are wanted: driftline labels ask shop --evaluator refusal"
    ]


def test_endpoints_that_expect_no_labels_pay_nothing(tmp_path: Path) -> None:
    """Without `labels:` no verdict is kept and nothing waits."""
    world = World(tmp_path, Endpoint("shop", content="features"))
    assert world.calibration.closed(closed(0, calls(ids_of(0), REFUSED))) == ()
    assert not world.calibration.waits
    world.store.close()


def test_another_model_needs_labels_of_its_own(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Labels hold for the model that answered; another is uncalibrated until it has its own, and the first one's hold when it is back."""
    world.calibration.closed(closed(0, calls(ids_of(0), REFUSED)))
    world.save()
    assert world.label(ids_of(0).tolist(), TRUTH.astype(int).tolist()) == {"matched": 100}
    first = told(world.calibration.closed(closed(1, calls(ids_of(1), REFUSED))))
    assert first["safety.refusal.ratio"] == pytest.approx(0.4)
    assert first["safety.refusal.lower.ratio"] < 0.4 < first["safety.refusal.upper.ratio"]
    with caplog.at_level(logging.INFO):
        other = told(world.calibration.closed(closed(2, calls(ids_of(2), REFUSED, ["two"] * 100))))
    assert other == {"calibration.labels": 0}
    assert "0 labels since another model answers" in caplog.text
    world.save()
    # The other model's refusals are all in words that phrases know.
    world.label(ids_of(2)[:60].tolist(), REFUSED[:60].astype(int).tolist())
    again = told(world.calibration.closed(closed(3, calls(ids_of(3), REFUSED, ["two"] * 100))))
    assert again["calibration.labels"] == 60
    assert again["safety.refusal.ratio"] == pytest.approx(0.2)
    back = told(world.calibration.closed(closed(4, calls(ids_of(4), REFUSED))))
    assert back["safety.refusal.ratio"] == pytest.approx(0.4)


def test_of_two_models_each_counts_for_what_it_answers(world: World) -> None:
    """In a roll-out both need labels, and weigh by their calls, not by their labels."""
    both = ["one", "two"] * 50
    halves = (np.arange(100) % 20 < 2).astype(np.float64)
    world.calibration.closed(closed(0, calls(ids_of(0), halves, both)))
    world.save()
    first, second = ids_of(0)[::2], ids_of(0)[1::2]
    # Of the first every answer refuses in words no phrase knows, of the second none does.
    world.label(first.tolist(), [1] * 50)
    assert told(world.calibration.closed(closed(1, calls(ids_of(1), halves, both)))) == {"calibration.labels": 50}
    world.save()
    world.label(second[:20].tolist(), halves[1::2][:20].astype(int).tolist())
    found = told(world.calibration.closed(closed(2, calls(ids_of(2), halves, both))))
    assert found["calibration.labels"] == 70
    assert found["safety.refusal.ratio"] == pytest.approx(0.55, abs=0.02)


@pytest.mark.parametrize("model", ["gpt4", "llama2new", "mistralinstruct"])
def test_refusals_of_real_models_are_covered(world: World, model: str) -> None:
    """100 labels each, drawn as calls are kept, 400 times: 92 % of intervals hold the true rate, and none needs 3 % more width than labels alone."""
    file = XSTEST / f"{model}_gpteval.csv"
    if not file.exists():
        pytest.skip("../shared/data is not there")
    with file.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    truth = np.array([row["final_label"] != COMPLIED for row in rows], np.float64)
    scores = np.array([refuses(row["completion"]) for row in rows], np.float64)
    chance = np.random.default_rng(0)
    ids = [chance.integers(1, 2**63, len(rows)).astype(np.uint64) for _ in range(DRAWS)]
    streams = [Stream("shop", f"draw-{number}", "live") for number in range(DRAWS)]
    for stream, own in zip(streams, ids, strict=True):
        world.calibration.closed(closed(0, calls(own, scores), stream))
    world.save()
    truths = {int(identity): label for own in ids for identity, label in zip(own.tolist(), truth.tolist(), strict=True)}
    kept = world.store.verdicts.unlabelled("shop", REFUSAL)
    assert len(kept) == DRAWS * KEPT
    world.label([one.id for one in kept], [truths[one.id] for one in kept])
    labelled: dict[Stream, list[float]] = {}
    for one in kept:
        labelled.setdefault(one.stream, []).append(truths[one.id])
    covered, widths, alone = 0, 0.0, 0.0
    for stream, own in zip(streams, ids, strict=True):
        found = told(world.calibration.closed(closed(1, calls(own, scores), stream)))
        lower, upper = found["safety.refusal.lower.ratio"], found["safety.refusal.upper.ratio"]
        covered += lower <= truth.mean() <= upper
        widths += upper - lower
        alone += 2 * stats.t.ppf(0.975, KEPT - 1) * np.std(labelled[stream], ddof=1) / np.sqrt(KEPT)
    assert covered >= 0.92 * DRAWS
    assert widths <= 1.03 * alone


def test_a_judge_is_corrected_until_it_is_another(world: World) -> None:
    """Scores of a judge that is a point too kind come down by a point, the passing share with them; another judge begins anew."""
    chance = np.random.default_rng(6)
    true = chance.integers(1, 5, 100).astype(np.float64)
    judged = true + 1

    def verdicts(number: int, rater: str) -> Mapping[str, float]:
        rows = calls(ids_of(number), REFUSED)
        found = world.calibration.judged(STREAM, window(number), [sampled("fluency", rater, rows, judged, np.full(100, 0.5))], 3.0)
        world.save()
        return told(found)

    assert verdicts(0, "one") == {"calibration.labels": 0}
    world.label(ids_of(0).tolist(), true.astype(int).tolist(), "fluency")
    found = verdicts(1, "one")
    assert found["evaluation.score.mean"] == pytest.approx(true.mean())
    assert found["evaluation.score.lower"] < true.mean() < found["evaluation.score.upper"]
    assert found["evaluation.pass.ratio"] == pytest.approx((true >= 3).mean(), abs=0.02)
    assert verdicts(2, "two") == {"calibration.labels": 0}


def test_another_question_is_another_judge() -> None:
    """Model, address and questions decide; prices and limits do not."""
    assert JUDGE.rater == JudgeOptions("http://127.0.0.1:9/v1", "judge", evaluators=("fluency",), calls=7, price_input=1).rater
    others = (
        JudgeOptions("http://127.0.0.1:8/v1", "judge", evaluators=("fluency",)),
        JudgeOptions("http://127.0.0.1:9/v1", "other", evaluators=("fluency",)),
        JudgeOptions("http://127.0.0.1:9/v1", "judge", evaluators=("fluency", "coherence")),
    )
    assert len({JUDGE.rater, *(one.rater for one in others)}) == 4


def test_what_was_saved_outlives_a_crash(world: World) -> None:
    """Verdicts and labels are in the store; one sent again after the crash is a repeat, one that differs corrects, an older one does not."""
    world.calibration.closed(closed(0, calls(ids_of(0), REFUSED)))
    world.save()
    assert world.label([1, 2, 3], [1, 0, 0], time=5) == {"matched": 3}
    world.crash()
    assert world.label([1, 2, 3], [1, 1, 1], time=6) == {"repeated": 1, "corrected": 2}
    assert world.label([2], [0], time=4) == {"outdated": 1}
    pairs = world.store.verdicts.pairs(STREAM, REFUSAL)
    assert [pair.label for pair in pairs] == [1, 1, 1]


def test_a_label_may_come_before_the_verdict(world: World) -> None:
    """It waits, as the judge may be slower than a person."""
    assert world.label(ids_of(0).tolist(), TRUTH.astype(int).tolist()) == {"unknown": 100}
    world.calibration.closed(closed(0, calls(ids_of(0), REFUSED)))
    world.save()
    assert told(world.calibration.closed(closed(1, calls(ids_of(1), REFUSED))))["safety.refusal.ratio"] == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("evaluator", "ids", "labels", "said"),
    [
        ("refusal", [1, 2], ["4", "perhaps"], "labels of refusal not used: 2 are not on the scale, 0 or 1 (false or true)"),
        ("refusal", [1], ["0.5"], "1 are not on the scale, 0 or 1"),
        ("fluency", [1, 2], ["0", "nan"], "labels of fluency not used: 2 are not on the scale, 1 to 5"),
        ("refusal", [0], ["1"], "1 name no call: id must be TRACE/SPAN in hexadecimal"),
        ("refusal", [1], [None], "1 have no label"),
        ("mood", [1], ["1"], "labels not used: 1 are for an evaluator the endpoint does not have (it has: refusal, fluency)"),
    ],
)
def test_wrong_labels_are_counted_and_told(
    world: World, caplog: pytest.LogCaptureFixture, evaluator: str, ids: list[int], labels: list[object], said: str
) -> None:
    """Unusable, with the scale or the way out, and without repeating what was sent."""
    assert world.label(ids, labels, evaluator) == {"unusable": len(ids)}
    assert said in caplog.text
    assert "perhaps" not in caplog.text


def test_true_and_false_are_one_and_nought(world: World) -> None:
    """As forms, files and requests spell them."""
    world.calibration.closed(closed(0, calls(ids_of(0), REFUSED)))
    world.save()
    assert world.label([1, 2, 3, 4], ["true", "False", "1.0", "0"]) == {"matched": 4}
    assert [pair.label for pair in world.store.verdicts.pairs(STREAM, REFUSAL)] == [1, 0, 1, 0]


def test_what_is_kept_stays_bounded(tmp_path: Path) -> None:
    """A hundred verdicts a window; those nobody labelled leave after `max_age`, labelled ones stay for 90 days, all within `max_rows`."""
    world = World(tmp_path, Endpoint("shop", content="features", labels=Labels(max_age=timedelta(days=2), max_rows=1_000)))
    for number in range(0, 24 * 6, 6):
        world.calibration.closed(closed(number, calls(ids_of(number, 300), np.tile(REFUSED, 3))))
        world.save()
        if number == 0:
            labelled = [one.id for one in world.store.verdicts.unlabelled("shop", REFUSAL)][:30]
            assert world.label(labelled, [1] * 30) == {"matched": 30}
    waiting = world.store.verdicts.unlabelled("shop", REFUSAL)
    assert 700 <= len(waiting) <= 1_000
    assert min(one.start for one in waiting) >= int((BEGAN + timedelta(days=3)).timestamp() * 1e9)
    world.store.close()


def test_calls_are_asked_for_by_what_answers_now(world: World) -> None:
    """Drawn among calls of the newest model, without those a person looked at, by their names."""
    world.calibration.closed(closed(0, calls(ids_of(0), REFUSED)))
    world.calibration.closed(closed(1, calls(ids_of(1), REFUSED, ["two"] * 100)))
    world.save()
    world.label(ids_of(1)[:60].tolist(), [0] * 60)
    found = drawn(world.store.verdicts.unlabelled("shop", REFUSAL), 100, Random(1))
    assert sorted(one.call or "" for one in found) == sorted(f"call-{identity}" for identity in ids_of(1)[60:].tolist())
    assert len(drawn(found, 7, Random(1))) == 7


def test_doctor_says_who_waits_for_labels(world: World) -> None:
    """Of the model that answers now, with the command that asks for the rest; once there are enough it is silent."""
    config = Config(state=world.file.parent, endpoints={"shop": SHOP})
    world.calibration.closed(closed(0, calls(ids_of(0), REFUSED)))
    world.calibration.closed(closed(1, calls(ids_of(1), REFUSED, ["two"] * 100)))
    world.save()
    world.label(ids_of(1)[:60].tolist(), [0] * 60)
    (remark,) = labelled(config)
    assert remark.what == "shop (gpt): refusal has 60 of about 100 labels of people"
    assert remark.mend == "driftline labels ask shop --evaluator refusal -n 40 --out to-label.csv"
    world.label(ids_of(1)[60:].tolist(), [0] * 40)
    assert list(labelled(config)) == []


def test_more_than_may_be_kept_goes_oldest_first(tmp_path: Path) -> None:
    """Beyond `max_rows` earlier windows leave, labelled or not; what came at once stays together."""
    world = World(tmp_path, Endpoint("shop", content="features", labels=Labels(max_age=timedelta(days=50), max_rows=250)))
    for number in range(0, 12, 2):
        world.calibration.closed(closed(number, calls(ids_of(number), REFUSED)))
        world.save()
    starts = {one.start for one in world.store.verdicts.unlabelled("shop", REFUSAL)}
    assert starts == {int((BEGAN + hours * HOUR).timestamp() * 1e9) for hours in (6, 8, 10)}
    world.store.close()
