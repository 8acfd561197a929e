"""Expected metrics: scikit-learn's values where labels are certain, and honest variances where they are not."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as reference  # type: ignore[import-untyped]  # scikit-learn ships no types

from detectors.decay.estimating import estimate
from detectors.decay.expected_metrics import METRICS, Cells
from detectors.decay.score_bins import BINS, count, place
from detectors.decay.score_calibration import calibrate

Rows = NDArray[np.float64]
OTHERS: dict[str, Callable[[Rows, Rows, Rows], float]] = {
    "accuracy": lambda truth, answer, _: reference.accuracy_score(truth, answer),
    "precision": lambda truth, answer, _: reference.precision_score(truth, answer),
    "recall": lambda truth, answer, _: reference.recall_score(truth, answer),
    "specificity": lambda truth, answer, _: reference.recall_score(truth, answer, pos_label=0),
    "f1": lambda truth, answer, _: reference.f1_score(truth, answer),
    "auc": lambda truth, _, score: reference.roc_auc_score(truth, score),
    "average_precision": lambda truth, _, score: reference.average_precision_score(truth, score),
    "log_loss": lambda truth, _, score: reference.log_loss(truth, score),
    "brier": lambda truth, _, score: reference.brier_score_loss(truth, score),
}
LEVELS = np.array([0.0, 0.05, 0.2, 0.5, 0.7, 0.97, 1.0])


def known(truth: Rows, answer: Rows, level: NDArray[np.intp]) -> Cells:
    """Return cells whose rates are certain: one for each level and truth, side by side (levels in order)."""
    rows = np.zeros((2, 2 * len(LEVELS)))
    np.add.at(rows, (answer.astype(int), 2 * level + truth.astype(int)), 1.0)
    return Cells(rows, np.tile([0.0, 1.0], len(LEVELS)), np.repeat(LEVELS, 2))


ROWS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(0, len(LEVELS) - 1)), min_size=8, max_size=60).filter(
    lambda rows: all(len({row[part] for row in rows}) == 2 for part in (0, 1))
)


@settings(max_examples=50)
@given(ROWS)
def test_with_certain_labels_the_values_are_those_of_scikit_learn(rows: list[tuple[int, int, int]]) -> None:
    """Accuracy, precision, recall, specificity, F1, log loss and Brier of rows with labels; AUC and average precision without ties."""
    truth, answer, level = np.array(rows).T
    cells = known(truth.astype(float), answer.astype(float), level)
    for name, other in OTHERS.items():
        if name not in {"auc", "average_precision"}:
            assert METRICS[name](cells).value == pytest.approx(other(truth, answer, LEVELS[level]), abs=1e-9), name


@settings(max_examples=50)
@given(ROWS)
def test_ranking_metrics_are_those_of_scikit_learn_ties_included(rows: list[tuple[int, int, int]]) -> None:
    """Positives and negatives of one score share a cell, whose rate is then their share."""
    truth, answer, level = np.array(rows).T
    counts = np.bincount(level, minlength=len(LEVELS)).astype(float)
    rates = np.bincount(level, truth, minlength=len(LEVELS)) / np.maximum(counts, 1)
    cells = Cells(np.stack([counts, 0 * counts]), rates, LEVELS)
    for name in ("auc", "average_precision", "log_loss", "brier"):
        assert METRICS[name](cells).value == pytest.approx(OTHERS[name](truth, answer, LEVELS[level]), abs=1e-9), name


@pytest.mark.parametrize("name", METRICS)
def test_slopes_are_the_derivatives(name: str) -> None:
    """One positive more in a cell changes the value by the slope, to first order."""
    rng = np.random.default_rng(3)
    rows, rates, scores = rng.uniform(5, 50, (2, 6)), np.sort(rng.uniform(0.05, 0.95, 6)), np.linspace(0.05, 0.95, 6)
    slopes = METRICS[name](Cells(rows, rates, scores)).slopes.sum(axis=0)
    for cell in range(6):
        # Both answers of a bin share its rate, so their slopes are seen together, weighted by their rows.
        step = np.zeros(6)
        step[cell] = 1e-6
        change = METRICS[name](Cells(rows, rates + step, scores)).value - METRICS[name](Cells(rows, rates - step, scores)).value
        wanted = float(METRICS[name](Cells(rows, rates, scores)).slopes[:, cell] @ rows[:, cell])
        assert change / 2e-6 == pytest.approx(wanted, rel=1e-4, abs=1e-9)
    assert np.isfinite(slopes).all()


def test_an_undefined_metric_is_nan() -> None:
    """Nobody is positive and nobody answered so: no precision, recall, F1 or ranking."""
    cells = Cells(np.array([[5.0, 5.0], [0.0, 0.0]]), np.zeros(2), np.array([0.1, 0.2]))
    undefined = {name for name, metric in METRICS.items() if np.isnan(metric(cells).value)}
    assert undefined == {"precision", "recall", "f1", "auc", "average_precision"}


@pytest.mark.parametrize("rows", [300, 3000])
def test_the_interval_holds_the_realised_value_in_95_of_100_windows(rows: int) -> None:
    """Labels drawn as the scores promise, after a shift of the scores and with the calibration learnt from 3,000 rows: 92 to 98 %."""
    rng = np.random.default_rng(5)
    inside = dict.fromkeys(METRICS, 0)
    windows = 400
    for _ in range(windows):
        score = rng.beta(1.2, 1.6, 3000)
        truth = rng.random(3000) < score**1.5
        places = place(score)
        of_reference, sums = count(places)
        fitted = calibrate(of_reference, np.bincount(places.bins[truth], minlength=BINS), sums)
        score = rng.beta(1.6, 1.2, rows)
        truth = rng.random(rows) < score**1.5
        answer = score >= 0.5
        places = place(score)
        counted = np.bincount(places.bins + BINS * answer, minlength=2 * BINS).reshape(2, BINS)
        for found in estimate(fitted, counted, count(places)[1], METRICS):
            realised = OTHERS[found.metric](truth.astype(float), answer.astype(float), score)
            inside[found.metric] += found.lower <= realised <= found.upper
    shares = {name: hits / windows for name, hits in inside.items()}
    assert min(shares.values()) >= 0.92, shares
    assert max(shares.values()) <= 0.985, shares
