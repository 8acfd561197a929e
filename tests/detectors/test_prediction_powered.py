"""Corrected means: right on average, covered by their interval, and never worse than labels alone."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats  # type: ignore[import-untyped]  # SciPy ships no types

from detectors.quality.prediction_powered import LEAST_LABELS, corrected_mean

XSTEST = Path(__file__).parents[2] / "../shared/data/xstest"
COMPLIED = "1_full_compliance"

Floats = NDArray[np.float64]


def test_without_use_of_the_scores_it_is_students_interval() -> None:
    """Scores that are all the same leave mean and t interval of the labels, as SciPy gives them."""
    labels = np.random.default_rng(3).normal(3, 1, 120)
    found = corrected_mean(labels, np.ones(120), np.ones(5_000))
    assert found is not None
    expected = stats.t.interval(0.95, 118, labels.mean(), labels.std(ddof=1) / np.sqrt(120))
    assert (found.lower, found.upper) == pytest.approx(expected)
    assert found.saving == 1


def test_perfect_scores_are_worth_all_the_items() -> None:
    """Where score and label agree everywhere the interval is that of all items, not of the labelled ones."""
    truth = (np.arange(10_000) % 4 == 0).astype(np.float64)
    found = corrected_mean(truth[:100], truth[:100], truth)
    assert found is not None
    assert found.value == pytest.approx(0.25)
    assert found.saving > 90


@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_it_is_never_wider_than_the_labels_alone(seed: int, quality: float) -> None:
    """Whatever the scores are worth, they do not cost width."""
    chance = np.random.default_rng(seed)
    truth = chance.random(3_000) < 0.3
    scores = np.where(chance.random(3_000) < quality, truth, chance.random(3_000)).astype(np.float64)
    found, alone = (corrected_mean(truth[:100].astype(float), part[:100], part) for part in (scores, np.zeros(3_000)))
    assert found is not None
    assert alone is not None
    assert found.upper - found.lower <= (alone.upper - alone.lower) * (1 + 1e-9)


@pytest.mark.parametrize("model", ["gpt4", "llama2new", "mistralinstruct"])
@pytest.mark.parametrize("scorer", ["gpt4", "strmatch"])
def test_refusals_of_real_models_are_covered(model: str, scorer: str) -> None:
    """100 human labels of 450: at least 92 of 100 intervals hold the true rate, from which the scorer alone may be .2 away."""
    file = XSTEST / f"{model}_{'gpteval' if scorer == 'gpt4' else 'streval'}.csv"
    if not file.exists():
        pytest.skip("../shared/data is not there")
    with file.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    truth = np.array([row["final_label"] != COMPLIED for row in rows], np.float64)
    scores = np.array([row[f"{scorer}_label"] != COMPLIED for row in rows], np.float64)
    chance, covered = np.random.default_rng(0), 0
    for _ in range(1_000):
        drawn = chance.choice(len(rows), 100)
        found = corrected_mean(truth[drawn], scores[drawn], scores, low=0, high=1)
        assert found is not None
        covered += found.lower <= truth.mean() <= found.upper
    assert covered >= 920


def test_too_few_labels_are_no_answer() -> None:
    """Below 20 labels there is no corrected mean, rather than one nobody can trust."""
    few = np.ones(LEAST_LABELS - 1)
    assert corrected_mean(few, few, np.ones(100)) is None


@pytest.mark.parametrize(
    ("labels", "scores", "said"),
    [([1.0] * 30, [1.0] * 29, "30 labels for 29 scores"), ([np.nan] + [1.0] * 29, [1.0] * 30, "leave out what was not judged")],
)
def test_what_cannot_be_meant_is_refused(labels: list[float], scores: list[float], said: str) -> None:
    """Lengths that differ and missing scores are errors, never zeros."""
    with pytest.raises(ValueError, match=said):
        corrected_mean(np.array(labels), np.array(scores), np.ones(100))
