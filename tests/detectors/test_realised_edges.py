"""Realised metrics where data are awkward: one class only, mistyped labels, other spellings, truths far from zero."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as sk  # type: ignore[import-untyped]  # scikit-learn ships no types

from detectors import catalog
from detectors.decay.decay import Decay
from detectors.decay.measured import logit_interval
from detectors.types import Batch, Category, Column

KINDS = (catalog.MODEL_PERFORMANCE, catalog.MODEL_PERFORMANCE_LOWER, catalog.MODEL_PERFORMANCE_UPPER)


def found(columns: Mapping[str, Column], decay: Decay | None = None) -> dict[str, tuple[float, float, float]]:
    """Return value and bounds by metric, over all rows."""
    detector, result = decay or Decay(), dict[str, list[float]]()
    profile = detector.observe(detector.restore(None), Batch("loans", "rows", len(columns["prediction"]), columns))
    for score in detector.measure(profile, 1.0):
        if score.metric in KINDS:
            result.setdefault(score.attributes["metric"], [np.nan] * 3)[KINDS.index(score.metric)] = score.value
    return {name: (row[0], row[1], row[2]) for name, row in result.items()}


def binary(rows: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return truth, answer and probability of the positive class; the probabilities lie on a grid that the cells keep apart."""
    random = np.random.default_rng(seed)
    truth = (random.random(rows) < 0.3).astype(np.int64)
    chance = np.clip(np.round(random.beta(2 + 3 * truth, 4 - 2 * truth) * 256), 1, 255) / 256
    return truth, (chance > 0.5).astype(np.int64), chance


def _rare(truth: Sequence[int], answer: Sequence[int], chance: Sequence[float]) -> dict[str, Column]:
    return {"prediction": np.array(answer, np.float64), "label": np.array(truth, np.float64), "probability": np.array(chance)}


def test_a_window_without_the_positive_class_is_still_one_of_two_classes() -> None:
    """No fraud this hour, and none suspected: losses are those of scikit-learn, and the probability is not taken for that of the answer."""
    chance = np.random.default_rng(30).random(200) * 0.2

    said = found(_rare([0] * 200, [0] * 200, chance.tolist()))

    assert said["log_loss"][0] == pytest.approx(sk.log_loss([0] * 200, chance, labels=[0, 1]), abs=1e-9)
    assert said["brier"][0] == pytest.approx(float(np.mean(chance**2)), abs=1e-9)
    assert said["calibration_error"][0] == pytest.approx(float(chance.mean()), abs=1e-9)
    assert said["specificity"][0] == 1.0
    assert not {"precision", "recall", "f1", "auc"} & said.keys()


def test_a_segment_of_two_classes_of_many_is_measured_as_one_of_many() -> None:
    """Its probability is that of the answer, as it is for all others."""
    truth = [0, 1] * 40 + [2] * 40
    columns = _rare(truth, truth, [0.9] * 120) | {"segment.shop": Category.of(["a"] * 80 + ["b"] * 40)}
    detector = Decay()

    said = detector.measure(detector.observe(detector.restore(None), Batch("loans", "rows", 120, columns)), 1.0)

    of_segment = {
        score.attributes["metric"]: score.value
        for score in said
        if score.metric is catalog.MODEL_PART_PERFORMANCE and score.attributes["value"] == "a"
    }
    assert of_segment["calibration_error"] == pytest.approx(0.1, abs=1e-9)
    assert "auc" not in of_segment


def test_a_mistyped_label_makes_no_other_model() -> None:
    """One label in a hundred of a class that nobody answers: recall and AUC stay those of the class that is named."""
    truth, answer, chance = binary(2000, 31)
    truth[::100] = 9
    columns = _rare(truth.tolist(), answer.tolist(), chance.tolist())

    said = found(columns)

    assert said["recall"][0] == pytest.approx(sk.recall_score(truth == 1, answer == 1), abs=1e-12)
    assert said["auc"][0] == pytest.approx(sk.roc_auc_score(truth == 1, chance), abs=1e-12)
    assert said["brier"][0] == pytest.approx(sk.brier_score_loss(truth == 1, chance), abs=1e-9)


@pytest.mark.parametrize("positive", ["true", "True", "1.0"])
def test_the_positive_class_may_be_spelt_otherwise(positive: str) -> None:
    """Whoever names true gets the metrics of 1."""
    truth, answer, chance = binary(200, 32)
    columns = _rare(truth.tolist(), answer.tolist(), chance.tolist())

    assert found(columns, Decay(positive=positive)) == found(columns)


def test_numbers_as_text_are_the_numbers_they_say() -> None:
    """Answers that are numbers agree with labels however these are written; names with zeros in front stay apart."""
    answers = np.array([1.0, 0.0, 1.0, 0.0] * 10)
    written = Category.of(["01", "0.00", "1e0", "-0"] * 10)

    assert found({"prediction": answers, "label": written}, Decay(task="classification"))["accuracy"][0] == 1.0
    assert found({"prediction": Category.of(["1"] * 40), "label": Category.of(["01"] * 40)})["accuracy"][0] == 0.0


def test_scores_nearly_in_order_have_an_interval() -> None:
    """An average precision that is 1 but for a rounding is no reason to fail."""
    truth = [1] * 49 + [0]
    said = found(_rare(truth, truth, np.linspace(0.99, 0.01, 50).tolist()))

    assert said["average_precision"][0] == pytest.approx(1.0)
    assert logit_interval(1 - 2**-53, 3.0) == pytest.approx((0.0, 1.0))


@pytest.mark.parametrize(("centre", "spread"), [(1e6, 1.0), (1.7e9, 1e4), (1e9, 1e-3)])
def test_r2_of_truths_far_from_zero(centre: float, spread: float) -> None:
    """Times and meter readings: R2 as of the same numbers about 0, with the same interval where powers of them allow one."""
    random = np.random.default_rng(33)
    # Quarters of a thousandth that a float64 holds exactly.
    near = np.rint(random.normal(size=400) * 64) / 64 * 2 ** np.round(np.log2(spread))
    error = np.rint(random.normal(size=400) * 16) / 64 * 2 ** np.round(np.log2(spread))

    said, there = found({"prediction": near + error, "label": near}), found({"prediction": near + centre + error, "label": near + centre})

    assert there["r2"][0] == pytest.approx(said["r2"][0], abs=1e-9)
    if spread > centre * 1e-7:
        assert there["r2"][1:] == pytest.approx(said["r2"][1:], abs=1e-6)


def test_intervals_of_a_model_that_ranks_nearly_all_hold_what_is_true() -> None:
    """60 rows of an AUC of 0.983: the 95 % interval holds it at least nine times in ten, as that of macro recall does over rare classes."""
    random, held, recalled = np.random.default_rng(34), 0, 0
    # Two normals three deviations apart.
    true = 0.98305
    for _ in range(100):
        truth = (random.random(60) < 0.4).astype(np.float64)
        chance = 1 / (1 + np.exp(-2 * (random.normal(size=60) + 3 * truth - 1.5)))
        area = found({"prediction": np.asarray(chance > 0.5, np.float64), "label": truth, "probability": np.asarray(chance, np.float64)})[
            "auc"
        ]
        held += area[1] <= true <= area[2]
        kinds = random.choice(4, 80, p=[0.5, 0.3, 0.15, 0.05])
        given = np.where(random.random(80) < 0.9, kinds, (kinds + 1) % 4)
        recall = found({"prediction": Category.of(list(map(str, given.tolist()))), "label": Category.of(list(map(str, kinds.tolist())))})[
            "recall"
        ]
        recalled += recall[1] <= 0.9 <= recall[2]

    assert held >= 90
    assert recalled >= 90
