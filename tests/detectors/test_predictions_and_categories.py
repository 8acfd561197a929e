"""What the model said is watched as prediction; categories that come and go, and values of the wrong type, are told by name and share."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.drift.drift import Drift
from detectors.drift.observing import FRESH
from detectors.drift.state import DriftState
from detectors.types import Batch, Category, Column, Profile, Step
from tests.detectors.test_drift_columns import WILD
from tests.fakes.drift_stream import batch, day, finding, gauges, history, same

ROWS = 500
DRIFT = Drift(named=("c", "prediction"))


def answers(random: np.random.Generator, share: float = 0.3, tilt: float = 2.0) -> dict[str, Column]:
    """Return the answers of a classifier of three classes."""
    classes = Category(random.choice(3, ROWS, p=[share, 0.9 - share, 0.1]).astype(np.int32), ("yes", "no", "maybe"))
    return {"prediction": classes, "probability": random.beta(tilt, 2, ROWS), "probability.p_no": random.beta(2, 2, ROWS)}


def carriers(random: np.random.Generator, *more: str) -> Category:
    """Return 500 rows of two carriers, and `more` of others."""
    return Category.of([*random.choice(["AA", "DL"], ROWS - len(more)).tolist(), *more])


def judged(state: DriftState, one: Batch) -> Step:
    """Judge a batch as the day after the reference."""
    return DRIFT.step(state, day(56), DRIFT.observe(state, one))


@pytest.fixture(scope="module")
def answered() -> DriftState:
    """A reference of 56 days of answers."""
    random = np.random.default_rng(1)
    return history({day(n): batch({"x": random.normal(size=ROWS)}, **answers(random)) for n in range(56)})


@pytest.mark.parametrize(
    ("share", "tilt", "moved"),
    [(0.3, 2.0, set()), (0.6, 2.0, {"prediction"}), (0.3, 6.0, {"probability"})],
    ids=["same", "classes", "surer"],
)
def test_answers_are_watched_as_predictions(answered: DriftState, share: float, tilt: float, moved: set[str]) -> None:
    """Class, probability and the probability of a class have the kind `prediction` on findings and gauges; the one that moved pages."""
    random = np.random.default_rng(2)
    step = judged(answered, batch({"x": random.normal(size=ROWS)}, **answers(random, share, tilt)))
    kinds = {one.feature: one.kind for one in step.findings}
    assert kinds == {"x": "data", "prediction": "prediction", "probability": "prediction", "probability.p_no": "prediction"}
    assert {one.feature for one in step.findings if one.level == "page"} == moved
    shown = gauges(step)
    assert ("drift.severity", "prediction", "probability", "rolling") in shown
    assert shown["drift.features.ratio", "prediction", "rolling"] == pytest.approx(len(moved) / 3)
    assert shown["drift.features.ratio", "data", "rolling"] == 0


def test_a_regression_is_watched_by_its_values() -> None:
    """Answers that are numbers are a feature like others, of the kind `prediction`."""
    random = np.random.default_rng(3)
    state = history({day(n): batch({"x": random.normal(size=ROWS)}, prediction=random.normal(size=ROWS)) for n in range(56)})
    step = judged(state, batch({"x": random.normal(size=ROWS)}, prediction=random.normal(0.5, 1, ROWS)))
    told = finding(step, "prediction", "rolling")
    assert (told.kind, told.level, told.mde_unit) == ("prediction", "page", "sd")
    assert finding(step, "x", "rolling").level is None


def test_probabilities_outside_0_to_1_are_values_out_of_range(answered: DriftState) -> None:
    """They are counted where they lie, told as out of range, and stop nothing."""
    random = np.random.default_rng(4)
    said = answers(random)
    said["probability"] = np.where(np.arange(ROWS) < 100, 7.5, np.asarray(said["probability"]))
    step = judged(answered, batch({"x": random.normal(size=ROWS)}, **said))
    told = finding(step, "probability", "rolling")
    assert gauges(step)["data.out_of_range.ratio", "probability"] == pytest.approx(0.2)
    assert told.level == "page"
    assert "20 % of rows outside the reference's range" in told.explanation
    assert finding(step, "x", "rolling").level is None


def test_a_feature_may_be_called_as_an_answer_is() -> None:
    """A column named `probability` that the configuration does not name is watched all the same; a reserved one goes first."""
    rows = Batch("e", "rows", 2, {"prediction": np.ones(2)}, {"probability": np.ones(2), "prediction": np.zeros(2), "x": np.ones(2)})
    profile = DRIFT.observe(DriftState(), rows)
    assert {name: list(tally.values()) for name, tally in profile.tallies.items()} == {
        "bits/probability": [2], "bits/x": [2], "bits/prediction": [2],
    }  # fmt: skip
    assert profile.tallies["bits/prediction"] == profile.tallies["bits/x"]


@pytest.fixture(scope="module")
def flown() -> DriftState:
    """A reference of 56 days of three carriers in two columns; the third carrier flies 6 % of rows."""
    random = np.random.default_rng(5)
    return history({day(n): batch({"c": carriers(random, *["B6"] * 30), "d": carriers(random, *["B6"] * 30)}) for n in range(56)})


def test_new_categories_are_named_where_the_column_is_configured(flown: DriftState) -> None:
    """The five most frequent and how many more, cut at 64 characters; the names of any other column are kept nowhere."""
    random = np.random.default_rng(6)
    names = [*["WN"] * 6, *["NK"] * 5, *["y" * 90] * 4, *["F9"] * 3, *["G4"] * 2, "XX", "XY"]
    rows = carriers(random, *["B6"] * 30, *names)
    profile = DRIFT.observe(flown, batch({"c": rows, "d": rows}))
    step = DRIFT.step(flown, day(56), profile)
    said = f"new: 'WN', 'NK', '{'y' * 64}', 'F9', 'G4' and 2 more"
    assert said in finding(step, "c").explanation
    assert said in finding(step, "c", "rolling").explanation
    assert "new: " not in finding(step, "d").explanation
    assert FRESH + "c" in profile.tallies
    assert FRESH + "d" not in profile.tallies
    assert gauges(step)["data.new_category.ratio", "d"] == gauges(step)["data.new_category.ratio", "c"] == pytest.approx(22 / ROWS)


def test_more_new_values_than_can_be_named_are_said_to_be(flown: DriftState) -> None:
    """A thousand new names take a bounded space, and the sentence says that they are too many."""
    rows = Category.of([f"order {number}" for number in range(1000)])
    profile = DRIFT.observe(flown, batch({"c": rows, "d": Category.constant("AA", 1000)}))
    assert len(profile.tallies[FRESH + "c"]) <= 256
    step = DRIFT.step(flown, day(56), profile)
    assert "new: more than can be named" in finding(step, "c").explanation
    assert gauges(step)["data.new_category.ratio", "c"] == 1


def test_any_cut_names_the_same(flown: DriftState) -> None:
    """Rows counted one by one in any order merge to the profile they have together."""
    random = np.random.default_rng(7)
    rows = carriers(random, *["WN"] * 6, *["NK"] * 5)
    whole = batch({"c": rows, "d": rows})
    merged = Profile()
    for part in np.array_split(random.permutation(ROWS), 9):
        merged = merged.merge(DRIFT.observe(flown, whole.take(part)))
    assert same(merged, DRIFT.observe(flown, whole))


@pytest.mark.parametrize(
    ("rows", "gone"),
    [(["AA", "DL"] * 250, 0.06), ([*["AA", "DL"] * 249, "B6", "B6"], 0.0), (["AA", "DL"] * 50, 0.0)],
    ids=["gone", "rare", "too few"],
)
def test_categories_that_should_be_there_are_missed_by_name(flown: DriftState, rows: list[str], gone: float) -> None:
    """One of 6 % is missed among 500 rows, where 30 were to be expected; not among 100, where 6 were."""
    step = judged(flown, batch({"c": Category.of(rows), "d": Category.of(rows)}))
    assert gauges(step)["data.vanished_category.ratio", "d"] == pytest.approx(gone)
    assert ("gone: 'B6', 6 % of the reference" in finding(step, "d").explanation) is (gone > 0)


def test_values_a_source_could_not_read_are_type_errors(answered: DriftState) -> None:
    """They are missing in the column, and their share is a gauge and part of the finding."""
    random = np.random.default_rng(8)
    said = answers(random)
    wrong = np.arange(ROWS) < 75
    said["probability"] = np.where(wrong, np.nan, np.asarray(said["probability"]))
    step = judged(answered, batch({"x": random.normal(size=ROWS)}, **said, **{"type_error.probability": wrong}))
    assert gauges(step)["data.type_error.ratio", "probability"] == pytest.approx(0.15)
    assert gauges(step)["data.type_error.ratio", "x"] == 0
    told = finding(step, "probability", "rolling")
    assert told.level == "page"
    assert "15 % of rows of the wrong type" in told.explanation


@given(st.lists(WILD, min_size=6, max_size=6), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_no_answer_stops_the_features(columns: list[Column], seed: int) -> None:
    """Predictions and probabilities that are something else in each window never raise, and the steady feature is judged in each."""
    random = np.random.default_rng(seed)
    rows = [
        batch(
            {"steady": random.normal(size=40)},
            **{"prediction": column, "probability": column, "probability.p": column, "type_error.steady": column},
        )
        for column in columns
    ]
    state = history({day(number): one for number, one in enumerate(rows[:3])})
    for number, one in enumerate(rows[3:], 3):
        step = DRIFT.step(state, day(number), DRIFT.observe(state, one))
        state = step.state
        assert finding(step, "steady").samples == 40
        assert all(np.isfinite(score.value) for score in step.scores)
