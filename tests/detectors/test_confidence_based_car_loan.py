"""NannyML's car loans: as close to the realised metrics as NannyML's own estimates are.

The data is NannyML's and not kept here: set DRIFTLINE_NANNYML_DATA to the folder `nannyml/datasets/data` of its wheel.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as reference  # type: ignore[import-untyped]  # scikit-learn ships no types

from agent.config import Columns
from agent.rows.table import read_table
from detectors.decay.confidence_based import ConfidenceBased
from detectors.decay.estimating import estimate
from detectors.decay.expected_metrics import METRICS
from detectors.decay.score_reference import ScoreReference
from detectors.types import Batch

FOLDER = Path(os.environ.get("DRIFTLINE_NANNYML_DATA", ""))
COLUMNS = Columns(probability="y_pred_proba", prediction="y_pred", label="repaid")

NANNYML = {
    5000: {"auc": 0.00260, "f1": 0.00321, "accuracy": 0.00385, "precision": 0.01070, "recall": 0.01313, "specificity": 0.00912, "average_precision": 0.00275},
    1000: {"auc": 0.00582, "f1": 0.00687, "accuracy": 0.00713, "precision": 0.0133, "recall": 0.0152, "specificity": 0.01175, "average_precision": 0.00923},
}  # fmt: skip
"""Rows a chunk to metric to the root mean squared difference of NannyML 0.13.1's estimate and the realised value."""

pytestmark = pytest.mark.skipif(
    not (FOLDER / "synthetic_car_loan_reference.csv").is_file(), reason="DRIFTLINE_NANNYML_DATA names no folder with NannyML's data"
)


def columns(name: str) -> dict[str, NDArray[np.float64]]:
    """Return the columns of a file that have a meaning, whole."""
    batches = list(read_table(FOLDER / f"synthetic_car_loan_{name}.csv", COLUMNS, "loans"))
    return {column: np.concatenate([np.asarray(batch.columns[column], np.float64) for batch in batches]) for column in batches[0].columns}


def rows(found: dict[str, NDArray[np.float64]], start: int, size: int) -> Batch:
    """Return some rows as a batch."""
    return Batch("loans", "rows", size, {name: column[start : start + size] for name, column in found.items()})


def realised(truth: NDArray[np.float64], answer: NDArray[np.float64], score: NDArray[np.float64]) -> dict[str, float]:
    """Return scikit-learn's metrics."""
    return {
        "accuracy": reference.accuracy_score(truth, answer),
        "precision": reference.precision_score(truth, answer),
        "recall": reference.recall_score(truth, answer),
        "specificity": reference.recall_score(truth, answer, pos_label=0),
        "f1": reference.f1_score(truth, answer),
        "auc": reference.roc_auc_score(truth, score),
        "average_precision": reference.average_precision_score(truth, score),
    }


@pytest.mark.parametrize("size", NANNYML)
def test_estimates_are_within_a_tenth_of_nannymls_error(size: int) -> None:
    """Every metric, in chunks of 5,000 and 1,000 rows; average precision of NannyML's own definition is scikit-learn's."""
    learnt, live, truth = columns("reference"), columns("analysis"), columns("analysis_target")["label"]
    state = ScoreReference().add(rows(learnt, 0, len(learnt["label"])), "1").fit()
    assert state.calibration is not None
    assert state.calibration.applied
    errors: dict[str, list[float]] = {name: [] for name in NANNYML[size]}
    for start in range(0, len(truth), size):
        batch = rows(live, start, size)
        profile = ConfidenceBased().observe(state, batch)
        counted, inside = profile.counts["rows"].reshape(2, -1), profile.counts["inside"]
        found = {one.metric: one.value for one in estimate(state.calibration, counted, inside, METRICS)}
        answer, score = (np.asarray(batch.columns[name], np.float64) for name in ("prediction", "probability"))
        for name, value in realised(truth[start : start + size], answer, score).items():
            errors[name].append(found[name] - value)
    for name, allowed in NANNYML[size].items():
        assert np.sqrt(np.mean(np.square(errors[name]))) <= 1.1 * allowed, name
