"""Performance without labels: what is estimated, when nothing is, and that cuts and order change nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors import catalog
from detectors.decay.confidence_based import ConfidenceBased
from detectors.decay.score_calibration import LEAST_CLASS
from detectors.decay.score_reference import ScoreReference, reference_from
from detectors.types import Batch, Category, Column, Profile, Window

START = datetime(2026, 3, 2, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(hours=1))
DETECTOR = ConfidenceBased()


def rows(**columns: Column) -> Batch:
    """Return a batch of rows with these reserved columns."""
    return Batch("e", "rows", len(next(iter(columns.values()))), columns)


def drawn(seed: int, count: int, power: float = 1.0) -> tuple[Any, Any]:
    """Return scores, and labels that are positive as often as score ** power says."""
    rng = np.random.default_rng(seed)
    score = rng.beta(1.1, 1.4, count)
    return score, (rng.random(count) < score**power).astype(np.float64)


def learnt(count: int = 20_000, power: float = 1.0, positive: str = "1") -> ScoreReference:
    """Return the reference of so many rows."""
    score, truth = drawn(1, count, power)
    return ScoreReference().add(rows(probability=score, label=truth), positive).fit()


def values(profile: Profile, state: ScoreReference, detector: ConfidenceBased = DETECTOR) -> dict[str, float]:
    """Return the estimates of a window by metric."""
    scores = detector.step(state, WINDOW, profile).scores
    return {score.attributes["metric"]: score.value for score in scores if score.metric is catalog.MODEL_PERFORMANCE}


@settings(max_examples=30)
@given(st.lists(st.tuples(st.floats(0, 1) | st.just(float("nan")), st.integers(0, 1)), max_size=80), st.randoms())
def test_a_profile_is_the_same_however_rows_come(found: list[tuple[float, int]], shuffle: Any) -> None:
    """One batch, or every row alone and in any order: the same integers."""
    state = learnt(500)
    whole = np.array([*found, (0.5, 1)])
    order = list(range(len(whole)))
    shuffle.shuffle(order)
    one = DETECTOR.observe(state, rows(probability=whole[:, 0], prediction=whole[:, 1]))
    merged = Profile()
    for row in order:
        merged = merged.merge(DETECTOR.observe(state, rows(probability=whole[row : row + 1, 0], prediction=whole[row : row + 1, 1])))
    assert one.counts.keys() == merged.counts.keys()
    for name, counts in one.counts.items():
        np.testing.assert_array_equal(counts, merged.counts[name])


@pytest.mark.parametrize("bad", [-0.01, 1.01, np.nan, np.inf, -np.inf])
def test_rows_without_a_probability_are_left_out(bad: float) -> None:
    """Outside [0, 1], missing or infinite: the row is in no count, and the others are."""
    profile = DETECTOR.observe(learnt(), rows(probability=np.array([0.2, bad, 0.8]), prediction=np.array([0.0, 1.0, 1.0])))
    assert profile.counts["rows"].sum() == 2


def test_classes_are_read_from_numbers_names_and_flags() -> None:
    """1, true and a name say the same; a row whose answer is missing is left out."""
    state, score = learnt(), np.array([0.9, 0.1, 0.6, 0.4])
    numbers = DETECTOR.observe(state, rows(probability=score, prediction=np.array([1.0, 0.0, 1.0, np.nan])))
    flags = DETECTOR.observe(state, rows(probability=score, prediction=Category.of(["true", "false", "true", None])))
    named = ConfidenceBased("yes").observe(state, rows(probability=score, prediction=Category.of(["yes", "no", "yes", None])))
    for other in (flags, named):
        np.testing.assert_array_equal(numbers.counts["rows"], other.counts["rows"])


def test_without_answers_the_threshold_decides() -> None:
    """Rows from the threshold on are answered positive."""
    state, score = learnt(), np.linspace(0, 1, 101)
    given_answers = DETECTOR.observe(state, rows(probability=score, prediction=(score >= 0.8).astype(np.float64)))
    by_threshold = ConfidenceBased(threshold=0.8).observe(state, rows(probability=score))
    np.testing.assert_array_equal(given_answers.counts["rows"], by_threshold.counts["rows"])


def test_calibration_is_applied_only_where_it_helps() -> None:
    """Probabilities that come true as they say stay as they are; others are mended, and the estimate is then right."""
    honest, boastful = learnt(power=1.0), learnt(power=2.0)
    assert honest.calibration is not None
    assert boastful.calibration is not None
    assert not honest.calibration.applied
    assert boastful.calibration.applied
    score, truth = drawn(2, 50_000, 2.0)
    answer = score >= 0.5
    estimated = values(DETECTOR.observe(boastful, rows(probability=score, prediction=answer.astype(np.float64))), boastful)
    assert estimated["accuracy"] == pytest.approx(np.mean(answer == truth), abs=0.01)
    assert estimated["precision"] == pytest.approx(truth[answer].mean(), abs=0.01)


@pytest.mark.parametrize(("count", "estimates"), [(0, 0), (29, 0), (30, 9)])
def test_a_window_of_few_rows_has_no_estimate(count: int, estimates: int) -> None:
    """Below 30 rows only their number is told."""
    state = learnt()
    score, _ = drawn(3, count)
    assert len(values(DETECTOR.observe(state, rows(probability=score)), state)) == estimates


def test_nothing_is_estimated_without_a_reference() -> None:
    """A fresh state counts nothing and tells nothing; so does a batch without probabilities."""
    score, _ = drawn(3, 100)
    assert DETECTOR.observe(DETECTOR.restore(None), rows(probability=score)) == Profile()
    assert DETECTOR.observe(learnt(), rows(prediction=score)) == Profile()
    assert DETECTOR.step(DETECTOR.restore(None), WINDOW, Profile()).scores == ()


def test_every_estimate_has_an_interval_around_it_and_says_what_it_is() -> None:
    """Value within its bounds, bounds within [0, 1] (log loss: from 0), basis estimated, number of rows told."""
    state = learnt()
    score, _ = drawn(4, 200)
    step = DETECTOR.step(state, WINDOW, DETECTOR.observe(state, rows(probability=score)))
    of = {(score.metric.name, score.attributes.get("metric")): score.value for score in step.scores}
    assert {score.attributes["basis"] for score in step.scores} == {"estimated"}
    assert of[catalog.MODEL_PERFORMANCE_SAMPLES.name, None] == 200
    for (name, metric), value in of.items():
        if name == catalog.MODEL_PERFORMANCE.name:
            lower, upper = of[catalog.MODEL_PERFORMANCE_LOWER.name, metric], of[catalog.MODEL_PERFORMANCE_UPPER.name, metric]
            assert 0 <= lower < value < upper
            assert upper <= 1 or metric == "log_loss"


def test_only_what_is_asked_for_is_estimated() -> None:
    """`only` names the metrics."""
    state, detector = learnt(), ConfidenceBased(only=("f1", "brier"))
    score, _ = drawn(4, 200)
    assert values(detector.observe(state, rows(probability=score)), state, detector).keys() == {"f1", "brier"}


def test_a_saved_reference_estimates_the_same() -> None:
    """What `plain` says is enough."""
    state = learnt(2_000, 2.0)
    score, _ = drawn(4, 500)
    profile = DETECTOR.observe(state, rows(probability=score))
    assert values(profile, reference_from(state.plain())) == values(profile, state)


@pytest.mark.parametrize(
    ("score", "truth", "why"),
    [
        (np.linspace(0, 1, 500), np.zeros(500), "0 positive and 500 negative rows"),
        (np.linspace(0, 1, 2 * LEAST_CLASS - 1), np.arange(2 * LEAST_CLASS - 1) % 2.0, "29 positive"),
        (np.linspace(0, 1, 500), (np.linspace(0, 1, 500) < 0.5).astype(float), "is it the probability of the positive class"),
    ],
)
def test_a_reference_that_teaches_nothing_is_refused(score: Any, truth: Any, why: str) -> None:
    """One class, too few rows, or the probability of the other class."""
    with pytest.raises(ValueError, match=why):
        ScoreReference().add(rows(probability=score, label=truth), "1").fit()


@pytest.mark.parametrize("seed", range(8))
def test_a_model_that_tells_nothing_is_estimated_as_one(seed: int) -> None:
    """By chance half of such references rank positives a little below negatives: that is no other class' probability."""
    rng = np.random.default_rng(seed)
    score, truth = rng.random(400), rng.integers(0, 2, 400).astype(float)
    state = ScoreReference().add(rows(probability=score, label=truth), "1").fit()
    assert values(DETECTOR.observe(state, rows(probability=rng.random(400))), state)["auc"] == pytest.approx(0.5, abs=0.1)


def test_a_constant_score_and_a_perfect_one_are_estimated() -> None:
    """A score of one value ranks nothing (AUC 1/2); one that is always right still has an interval."""
    rng = np.random.default_rng(6)
    constant = ScoreReference().add(rows(probability=np.full(1000, 0.3), label=(rng.random(1000) < 0.3).astype(float)), "1").fit()
    assert values(DETECTOR.observe(constant, rows(probability=np.full(100, 0.3))), constant)["auc"] == 0.5
    exact = (np.arange(1000) % 2).astype(np.float64)
    perfect = ScoreReference().add(rows(probability=exact, label=exact), "1").fit()
    scores = DETECTOR.step(perfect, WINDOW, DETECTOR.observe(perfect, rows(probability=exact[:200]))).scores
    (lower,) = [one.value for one in scores if one.metric is catalog.MODEL_PERFORMANCE_LOWER and one.attributes["metric"] == "accuracy"]
    assert 0.98 < lower < 1


def test_a_threshold_outside_0_and_1_is_refused() -> None:
    """The option is checked where it is given."""
    with pytest.raises(ValueError, match="from 0 to 1"):
        ConfidenceBased(threshold=50)
