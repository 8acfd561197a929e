"""Means of a window corrected by labels of other calls: covered by their interval, and not pulled to the past."""

import csv
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats  # type: ignore[import-untyped]  # SciPy ships no types

from detectors.quality.calibrated_mean import Calibrated, Pairs, Scored, calibrated_mean
from detectors.quality.evaluators.refusal import refuses

XSTEST = Path(__file__).parents[2] / "../shared/data/xstest"
COMPLIED = "1_full_compliance"

Floats = NDArray[np.float64]


def _mean(labels: Floats, scores: Floats, window: Floats, weights: Floats | None = None) -> Calibrated:
    stands = np.ones(len(labels)) if weights is None else weights
    found = calibrated_mean(Pairs(labels, scores, stands), Scored(window, np.ones(len(window))), 0, 1)
    assert found is not None
    return found


def test_it_is_the_regression_of_labels_on_scores() -> None:
    """Value and interval are those of a linear regression at the window's mean score, as SciPy fits it, give or take the kind of error."""
    chance = np.random.default_rng(2)
    scores = chance.random(400)
    labels = np.clip(0.2 + 0.5 * scores + chance.normal(0, 0.1, 400), 0, 1)
    window = chance.random(5_000) * 0.5
    found = _mean(labels, scores, window)
    line = stats.linregress(scores, labels)
    assert found.value == pytest.approx(line.intercept + line.slope * window.mean())
    left = labels - line.intercept - line.slope * scores
    at = (1 / 400 + (window.mean() - scores.mean()) ** 2 / (400 * scores.var())) * (left @ left) / 398
    reach = stats.t.ppf(0.975, 398) * np.sqrt(at + line.slope**2 * window.var() / 5_000)
    assert (found.upper - found.lower) / 2 == pytest.approx(reach, rel=0.06)


def test_weights_stand_for_calls() -> None:
    """A label of weight three says of the mean what three labels of weight one say."""
    labels, scores = np.tile([1.0, 0.0, 1.0, 0.0], 30), np.tile([1.0, 0.0, 0.0, 0.0], 30)
    weights = np.where(labels > scores, 3.0, 1.0)
    repeated = np.repeat(np.arange(120), weights.astype(int))
    window = np.tile([1.0, 0.0], 100)
    assert _mean(labels, scores, window, weights).value == pytest.approx(_mean(labels[repeated], scores[repeated], window).value)


@pytest.mark.parametrize("model", ["gpt4", "llama2new", "mistralinstruct"])
@pytest.mark.parametrize("scorer", ["phrases", "judge"])
def test_refusals_of_real_models_are_covered(model: str, scorer: str) -> None:
    """100 labels of 450, 1,000 times: 92 % of intervals hold the true rate, and on average they are not 3 % wider than the labels' own."""
    file = XSTEST / f"{model}_gpteval.csv"
    if not file.exists():
        pytest.skip("../shared/data is not there")
    with file.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    truth = np.array([row["final_label"] != COMPLIED for row in rows], np.float64)
    scores = np.array([refuses(row["completion"]) if scorer == "phrases" else row["gpt4_label"] != COMPLIED for row in rows], np.float64)
    chance, covered, widths, alone = np.random.default_rng(0), 0, 0.0, 0.0
    for _ in range(1_000):
        drawn = chance.choice(len(rows), 100)
        found = _mean(truth[drawn], scores[drawn], scores)
        covered += found.lower <= truth.mean() <= found.upper
        widths += found.upper - found.lower
        alone += 2 * stats.t.ppf(0.975, 99) * truth[drawn].std(ddof=1) / 10
    assert covered >= 920
    assert widths <= 1.03 * alone


def test_a_small_window_shows_what_changed_in_it() -> None:
    """Labels of a quiet time: 30 calls of which half are refused are shown as such, not as the quiet time was."""
    chance = np.random.default_rng(4)
    truth = (chance.random(200) < 0.1).astype(np.float64)
    scores = np.where(chance.random(200) < 0.95, truth, 1 - truth)
    found = _mean(truth, scores, np.tile([1.0, 0.0], 15))
    assert found.value > 0.3
    assert found.lower < 0.45


@pytest.mark.parametrize("rate", [0.005, 0.02])
def test_agreement_by_chance_is_no_proof(rate: float) -> None:
    """Where labels that differ from scores are too rare to be drawn the interval still covers, 92 times of 100."""
    chance, covered = np.random.default_rng(5), 0
    for _ in range(500):
        truth = (chance.random(600) < rate).astype(np.float64)
        scores = truth * (chance.random(600) < 0.5)
        found = _mean(truth[:100], scores[:100], scores[100:])
        covered += found.lower <= rate <= found.upper
    assert covered >= 460


def test_labels_of_one_score_take_a_difference_as_it_is() -> None:
    """When no labelled call was flagged, a window with flagged calls moves by as much as its scores do."""
    found = _mean(np.zeros(50), np.zeros(50), np.tile([1.0, 0.0, 0.0, 0.0], 25))
    assert found.value == 0.25
    assert found.lower < 0.25 < found.upper


def test_too_few_labels_are_no_answer() -> None:
    """Below 20 labels, or 20 that weigh as less, there is none."""
    window = Scored(np.ones(10), np.ones(10))
    assert calibrated_mean(Pairs(np.ones(19), np.ones(19), np.ones(19)), window, 0, 1) is None
    assert calibrated_mean(Pairs(np.ones(40), np.ones(40), np.repeat([100.0, 1.0], [2, 38])), window, 0, 1) is None


@pytest.mark.parametrize(
    ("pairs", "window", "said"),
    [
        (Pairs(np.ones(30), np.ones(29), np.ones(30)), Scored(np.ones(3), np.ones(3)), "of the same calls"),
        (Pairs(np.ones(30), np.ones(30), np.ones(30)), Scored(np.ones(0), np.ones(0)), "a window has calls"),
        (Pairs(np.full(30, np.nan), np.ones(30), np.ones(30)), Scored(np.ones(3), np.ones(3)), "finite"),
        (Pairs(np.ones(30), np.ones(30), np.zeros(30)), Scored(np.ones(3), np.ones(3)), "above 0"),
    ],
)
def test_what_cannot_be_meant_is_refused(pairs: Pairs, window: Scored, said: str) -> None:
    """Lengths that differ, missing numbers and weights of nothing are errors."""
    with pytest.raises(ValueError, match=said):
        calibrated_mean(pairs, window, 0, 1)
