"""Realised metrics are those of scikit-learn, their intervals those of SciPy or of the definition, however the rows are cut."""

from collections.abc import Mapping
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import special, stats  # type: ignore[import-untyped]  # SciPy ships no types
from sklearn import metrics as sk  # type: ignore[import-untyped]  # scikit-learn ships no types
from sklearn.calibration import calibration_curve  # type: ignore[import-untyped]  # as above

from detectors import catalog
from detectors.decay.decay import Decay
from detectors.decay.exact_sums import tally, total
from detectors.types import Batch, Category, Column, Profile, Score, Window

WINDOW = Window(datetime(2026, 3, 2, 10, tzinfo=UTC), datetime(2026, 3, 2, 11, tzinfo=UTC))
VALUE, LOWER, UPPER = catalog.MODEL_PERFORMANCE, catalog.MODEL_PERFORMANCE_LOWER, catalog.MODEL_PERFORMANCE_UPPER


def batch(columns: Mapping[str, Column]) -> Batch:
    """Return rows of one endpoint."""
    return Batch("loans", "rows", len(columns["prediction"]), columns)


def scores(profile: Profile, decay: Decay | None = None) -> tuple[Score, ...]:
    """Return what a window with that profile says."""
    detector = decay or Decay()
    return detector.step(detector.restore(None), WINDOW, profile).scores


def found(columns: Mapping[str, Column], decay: Decay | None = None) -> dict[str, tuple[float, float, float]]:
    """Return value and bounds by metric, over all rows."""
    detector = decay or Decay()
    said = scores(detector.observe(detector.restore(None), batch(columns)), detector)
    result = dict[str, list[float]]()
    for score in said:
        if score.metric in {VALUE, LOWER, UPPER}:
            result.setdefault(score.attributes["metric"], [np.nan] * 3)[(VALUE, LOWER, UPPER).index(score.metric)] = score.value
    return {name: (row[0], row[1], row[2]) for name, row in result.items()}


def binary(rows: int, seed: int, step: float = 1 / 256) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return truth, answer and probability of the positive class; the probabilities lie on a grid that the cells keep apart."""
    random = np.random.default_rng(seed)
    truth = (random.random(rows) < 0.3).astype(np.int64)
    chance = np.clip(np.round(random.beta(2 + 3 * truth, 4 - 2 * truth) / step) * step, step, 1 - step)
    return truth, (chance > 0.5).astype(np.int64), chance


def names(values: NDArray[Any]) -> Category:
    """Return numbers as classes."""
    return Category.of([str(value) for value in values.tolist()])


def test_two_classes_are_those_of_scikit_learn() -> None:
    """Every metric of a two-class model, on scores that the cells keep apart."""
    truth, answer, chance = binary(4000, 1)

    said = found({"prediction": names(answer), "label": names(truth), "probability": chance})

    happened, mean = calibration_curve(truth, chance, n_bins=10)
    bins = np.bincount(np.searchsorted(np.linspace(0, 1, 11)[1:-1], chance), minlength=10)
    expected = {
        "accuracy": sk.accuracy_score(truth, answer),
        "precision": sk.precision_score(truth, answer),
        "recall": sk.recall_score(truth, answer),
        "specificity": sk.recall_score(truth, answer, pos_label=0),
        "f1": sk.f1_score(truth, answer),
        "auc": sk.roc_auc_score(truth, chance),
        "average_precision": sk.average_precision_score(truth, chance),
        "log_loss": sk.log_loss(truth, chance),
        "brier": sk.brier_score_loss(truth, chance),
        "calibration_error": float(np.abs(happened - mean) @ bins[bins > 0] / bins.sum()),
    }
    assert {name: row[0] for name, row in said.items()} == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("name", ["0", "1"])
def test_each_of_two_classes_has_every_metric(name: str) -> None:
    """As if it were the positive one; losses are those of the rows that truly are of it. Where there is an interval, the value lies in it."""
    truth, answer, chance = binary(4000, 1)
    detector = Decay()
    profile = detector.observe(detector.restore(None), batch({"prediction": names(answer), "label": names(truth), "probability": chance}))
    parts: dict[str, dict[str, float]] = {}
    for score in scores(profile):
        if score.attributes.get("part") == "class" and score.attributes["value"] == name:
            parts.setdefault(score.metric.name.rpartition(".")[2], {})[score.attributes["metric"]] = score.value

    is_it, said_it, likely = truth == int(name), answer == int(name), chance if name == "1" else 1 - chance
    own = likely[is_it]
    expected = {
        "accuracy": sk.accuracy_score(is_it, said_it),
        "precision": sk.precision_score(is_it, said_it),
        "recall": sk.recall_score(is_it, said_it),
        "specificity": sk.recall_score(~is_it, ~said_it),
        "f1": sk.f1_score(is_it, said_it),
        "auc": sk.roc_auc_score(is_it, likely),
        "average_precision": sk.average_precision_score(is_it, likely),
        "log_loss": float(-np.log(own).mean()),
        "brier": float(((1 - own) ** 2).mean()),
    }
    assert 0 < parts["performance"]["calibration_error"] < 0.2
    assert {metric: parts["performance"][metric] for metric in expected} == pytest.approx(expected, abs=1e-8)
    assert all(parts["lower"][metric] <= value <= parts["upper"][metric] for metric, value in parts["performance"].items())


def test_continuous_scores_lose_little_in_their_cells() -> None:
    """AUC and average precision of scores finer than the cells are within a thousandth, also of a rare class."""
    random = np.random.default_rng(2)
    truth = (random.random(50_000) < 0.01).astype(np.int64)
    chance = 1 / (1 + np.exp(5 - 2 * truth - random.normal(size=len(truth))))

    said = found({"prediction": names((chance > 0.5).astype(int)), "label": names(truth), "probability": chance})

    assert said["auc"][0] == pytest.approx(sk.roc_auc_score(truth, chance), abs=2e-4)
    assert said["average_precision"][0] == pytest.approx(sk.average_precision_score(truth, chance), abs=1e-3)


def test_shares_have_wilson_intervals() -> None:
    """Accuracy, precision and recall carry Wilson's interval, as SciPy computes it."""
    truth, answer, _ = binary(500, 3)

    said = found({"prediction": names(answer), "label": names(truth)})

    trials = {
        "accuracy": ((truth == answer).sum(), len(truth)),
        "precision": ((truth & answer).sum(), answer.sum()),
        "recall": ((truth & answer).sum(), truth.sum()),
    }
    for name, (hits, rows) in trials.items():
        interval = stats.binomtest(int(hits), int(rows)).proportion_ci(0.95, method="wilson")
        assert said[name][1:] == pytest.approx((interval.low, interval.high), abs=1e-12)


def test_auc_has_delongs_interval() -> None:
    """The AUC's interval is that of the definition, on the logit scale: placements of every positive among the negatives, and the other way round."""
    truth, answer, chance = binary(300, 4)

    said = found({"prediction": names(answer), "label": names(truth), "probability": chance})["auc"]

    pairs = chance[truth == 1][:, None] - chance[truth == 0][None, :]
    wins = (pairs > 0) + 0.5 * (pairs == 0)
    variance = wins.mean(axis=1).var(ddof=1) / wins.shape[0] + wins.mean(axis=0).var(ddof=1) / wins.shape[1]
    # The delta method: a deviation of the area is one of its logit divided by A (1 - A).
    area = wins.mean()
    bounds = stats.norm.interval(0.95, special.logit(area), np.sqrt(variance) / (area * (1 - area)))
    assert said[1:] == pytest.approx(special.expit(bounds), abs=1e-9)


def test_losses_have_normal_intervals() -> None:
    """Log loss and Brier score carry the normal interval of a mean."""
    truth, answer, chance = binary(700, 5)

    said = found({"prediction": names(answer), "label": names(truth), "probability": chance})

    for name, column in (("log_loss", -np.log(np.where(truth == 1, chance, 1 - chance))), ("brier", (chance - truth) ** 2)):
        assert said[name][1:] == pytest.approx(stats.norm.interval(0.95, column.mean(), stats.sem(column)), abs=1e-6)


@pytest.mark.parametrize("power", [1.0, 1.4])
def test_the_interval_of_the_calibration_error_holds(power: float) -> None:
    """Of 200 windows in which scores come true as they say, or less often, at most 1 in 20 misses the true gap."""
    edges = np.linspace(0, 1, 11)
    middle = np.random.default_rng(0).random(400_000)
    bins = np.clip(np.searchsorted(edges, middle) - 1, 0, 9)
    gaps = np.bincount(bins, middle**power - middle, 10)
    true = float(np.abs(gaps).sum() / len(middle))
    held = 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        chance = random.random(500)
        truth = (random.random(500) < chance**power).astype(np.int64)
        _, lower, upper = found({"prediction": names((chance > 0.5).astype(np.int64)), "label": names(truth), "probability": chance})[
            "calibration_error"
        ]
        held += lower <= true <= upper

    assert held >= 190


def test_many_classes_are_means_over_them() -> None:
    """With three classes precision, recall and F1 are macro means, each class has its own, and there is no AUC."""
    random = np.random.default_rng(6)
    truth = random.integers(0, 3, 900)
    answer = np.where(random.random(900) < 0.7, truth, random.integers(0, 3, 900))
    detector = Decay()
    columns: dict[str, Column] = {"prediction": names(answer), "label": names(truth), "probability": random.random(900)}
    profile = detector.observe(detector.restore(None), batch(columns))

    said, parts = found(columns), [score for score in scores(profile) if score.metric is catalog.MODEL_PART_PERFORMANCE]

    precision, recall, f1, _ = sk.precision_recall_fscore_support(truth, answer)
    macro = (precision.mean(), recall.mean(), f1.mean())
    assert [said[name][0] for name in ("precision", "recall", "f1")] == pytest.approx(macro, abs=1e-12)
    assert all(said[name][1] < said[name][0] < said[name][2] for name in ("precision", "recall", "f1"))
    of_one = {score.attributes["metric"]: score.value for score in parts if score.attributes["value"] == "1"}
    one = {"precision": precision[1], "recall": recall[1], "f1": f1[1]}
    one |= {"accuracy": sk.accuracy_score(truth == 1, answer == 1), "specificity": sk.recall_score(truth != 1, answer != 1)}
    assert of_one == pytest.approx(one, abs=1e-12)
    assert not {"auc", "log_loss"} & said.keys()
    assert "calibration_error" in said


def regression(rows: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return truth and answer."""
    random = np.random.default_rng(seed)
    truth = random.lognormal(3, 0.7, rows)
    return truth, truth * random.normal(1, 0.2, rows) + random.normal(0, 2, rows)


def test_regressions_are_those_of_scikit_learn() -> None:
    """Every metric of a regression."""
    truth, answer = regression(3000, 7)

    said = found({"prediction": answer, "label": truth})

    expected = {
        "bias": float(np.mean(answer - truth)),
        "mae": sk.mean_absolute_error(truth, answer),
        "mse": sk.mean_squared_error(truth, answer),
        "rmse": sk.root_mean_squared_error(truth, answer),
        "mape": sk.mean_absolute_percentage_error(truth, answer),
        "r2": sk.r2_score(truth, answer),
    }
    assert {name: row[0] for name, row in said.items()} == pytest.approx(expected, rel=1e-12)


def test_errors_have_normal_intervals() -> None:
    """Mean errors carry the interval of a mean; RMSE that of the mean square; R² agrees with a jackknife."""
    truth, answer = regression(600, 8)

    said = found({"prediction": answer, "label": truth})

    size = np.abs(answer - truth)
    for name, column in (("mae", size), ("mape", size / truth), ("bias", answer - truth)):
        assert said[name][1:] == pytest.approx(stats.norm.interval(0.95, column.mean(), stats.sem(column)), rel=1e-9)
    square = size**2
    assert said["rmse"][1:] == pytest.approx(np.sqrt(stats.norm.interval(0.95, square.mean(), stats.sem(square))), rel=1e-9)
    random = np.random.default_rng(8)
    truth = random.normal(50, 10, 600)
    answer = truth + random.normal(0, 4, 600)
    said = found({"prediction": answer, "label": truth})
    left_out = [sk.r2_score(np.delete(truth, row), np.delete(answer, row)) for row in range(600)]
    jackknife = np.sqrt(599 * np.var(left_out))
    assert (said["r2"][2] - said["r2"][1]) / 2 / 1.96 == pytest.approx(jackknife, rel=0.05)


def test_segments_are_measured_apart() -> None:
    """Each value of a segment column has the metrics of its own rows."""
    truth, answer, _ = binary(1000, 9)
    where = np.random.default_rng(9).integers(0, 2, 1000)
    columns = {"prediction": names(answer), "label": names(truth), "segment.origin": Category.of([("JFK", "EWR")[code] for code in where])}
    detector = Decay()

    said = scores(detector.observe(detector.restore(None), batch(columns)))

    of_segment = {
        (score.attributes["metric"], score.attributes["value"]): score.value
        for score in said
        if score.metric is catalog.MODEL_PART_PERFORMANCE and score.attributes["part"] == "origin"
    }
    for code, value in enumerate(("JFK", "EWR")):
        assert of_segment["accuracy", value] == sk.accuracy_score(truth[where == code], answer[where == code])
        assert of_segment["recall", value] == pytest.approx(sk.recall_score(truth[where == code], answer[where == code]))


@pytest.mark.parametrize("numeric", [True, False])
def test_segments_have_every_metric_and_interval_the_whole_has(numeric: bool) -> None:  # noqa: FBT001 # a table's column
    """Classes and numbers, by value of a segment."""
    truth, answer, chance = binary(1000, 9)
    columns: dict[str, Column] = {"prediction": names(answer), "label": names(truth), "probability": chance}
    if numeric:
        columns = dict(zip(("label", "prediction"), regression(1000, 7), strict=True))
    detector = Decay()
    where = {"segment.origin": Category.of([("JFK", "EWR")[row % 2] for row in range(1000)])}

    said = scores(detector.observe(detector.restore(None), batch({**columns, **where})))

    whole = {
        (score.metric.name.replace(".model.", ".model.part."), score.attributes["metric"])
        for score in said
        if "metric" in score.attributes and "part" not in score.attributes
    }
    of_segment = {(score.metric.name, score.attributes["metric"]) for score in said if score.attributes.get("value") == "JFK"}
    assert of_segment == whole
    wanted = (
        {"mae", "rmse", "mape", "r2"}
        if numeric
        else {"accuracy", "precision", "recall", "f1", "auc", "average_precision", "log_loss", "brier", "calibration_error"}
    )
    assert wanted <= {metric for _, metric in of_segment}


@settings(deadline=None, max_examples=30)
@given(cuts=st.lists(st.integers(1, 199), max_size=6), seed=st.integers(0, 99), numeric=st.booleans())
def test_the_cut_does_not_matter(cuts: list[int], seed: int, numeric: bool) -> None:  # noqa: FBT001 # hypothesis hands it over by name
    """The same rows in any cut and order merge to the same profile, bit for bit."""
    random = np.random.default_rng(seed)
    if numeric:
        truth, answer = regression(200, seed)
        columns: dict[str, Column] = {"prediction": answer, "label": truth}
    else:
        outcome, guess, chance = binary(200, seed, 1e-6)
        columns = {"prediction": names(guess), "label": names(outcome), "probability": chance}
    columns["segment.s"] = Category.of([str(value) for value in random.integers(0, 3, 200)])
    whole, detector = batch(columns), Decay()

    parts = np.split(random.permutation(200), sorted(set(cuts)))
    merged = Profile()
    for part in parts:
        merged = merged.merge(detector.observe(detector.restore(None), whole.take(part)))

    expected = detector.observe(detector.restore(None), whole)
    assert {name: vector.tolist() for name, vector in merged.counts.items()} == {
        name: vector.tolist() for name, vector in expected.counts.items()
    }
    assert _nonzero(merged) == _nonzero(expected)


def _nonzero(profile: Profile) -> dict[str, dict[str, int]]:
    return {name: {key: count for key, count in tallied.items() if count} for name, tallied in profile.tallies.items()}


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=64)))
def test_sums_are_exact(values: list[float]) -> None:
    """A sum is that of rational numbers, also with subnormals and beyond the largest float."""
    assert total(tally(np.array(values, np.float64))) == sum(map(Fraction, values), Fraction(0))


BAD: dict[str, tuple[dict[str, Column], set[str]]] = {
    "probabilities outside 0 to 1": ({"probability": np.array([2.0, -1.0, np.nan, 0.9] * 10)}, {"accuracy", "precision", "recall", "f1"}),
    "labels of one class": ({"label": Category.of(["0"] * 40)}, {"accuracy"}),
    "labels of the wrong type": ({"prediction": np.arange(40.0), "label": Category.of(["soon"] * 40)}, set()),
    "no labels": ({"label": Category.of([None] * 40)}, set()),
    "answers beyond all powers": ({"prediction": np.full(40, 1e200), "label": np.ones(40)}, set()),
    "truths that never differ": ({"prediction": np.arange(40.0), "label": np.ones(40)}, {"bias", "mae", "rmse", "mape"}),
    "truths of zero": ({"prediction": np.arange(40.0), "label": np.zeros(40)}, {"bias", "mae", "rmse"}),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_answered(what: str) -> None:
    """What cannot be used is left out; what can be said of the rest is said."""
    changed, expected = BAD[what]
    columns: dict[str, Column] = {"prediction": Category.of(["0", "1"] * 20), "label": Category.of(["0", "1", "1", "0"] * 10), **changed}

    assert expected <= found(columns).keys()
    if not expected:
        assert found(columns) == {}


def test_a_small_window_says_nothing() -> None:
    """Under 30 labels there is a coverage and no performance."""
    truth, answer, _ = binary(20, 10)
    detector = Decay()

    said = scores(detector.observe(detector.restore(None), batch({"prediction": names(answer), "label": names(truth)})))

    assert [score.metric for score in said] == [catalog.LABELS_COVERAGE]


def test_true_and_1_are_one_class() -> None:
    """Answers and labels that spell booleans differently agree."""
    said = found({"prediction": Category.of(["true", "false"] * 20), "label": np.array([1.0, 0.0] * 20)}, Decay(task="classification"))

    assert said["accuracy"][0] == 1.0
