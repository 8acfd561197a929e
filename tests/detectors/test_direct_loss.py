"""Regression errors without labels: what is estimated, when nothing is, and that cuts and order change nothing."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.concatenation import concatenate
from agent.config import Columns
from agent.rows.table import read_table
from detectors import catalog
from detectors.decay.direct_loss import DirectLoss, estimates
from detectors.decay.error_model import LEAST_ROWS, ErrorModel, errors, learn, model_from
from detectors.types import Batch, Category, Column, Profile, Text, Window

FOLDER = Path(os.environ.get("DRIFTLINE_NANNYML_DATA", ""))
WINDOW = Window(datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=1))
DETECTOR = DirectLoss()

NANNYML = {"mae": 11.32, "mape": 0.00474, "mse": 31283.0, "rmse": 16.74, "msle": 0.00684, "rmsle": 0.01084}
"""Metric to the root mean squared difference of NannyML 0.13.1's estimate and the realised value, on its car prices by 6,000 rows."""


def drawn(seed: int, rows: int, share: float) -> tuple[Batch, Any]:
    """Return rows of a model that errs three times as much on old machines, which are this share, and most on hot ones; and the truth."""
    rng = np.random.default_rng(seed)
    heat, old = rng.normal(60, 10, rows), rng.random(rows) < share
    answer = rng.uniform(50, 150, rows)
    spread = np.where(old, 6.0, 2.0) * np.exp((heat - 60) / 20)
    truth = answer + rng.normal(0, 1, rows) * spread
    kind = Category(old.astype(np.int32), ("new", "old"))
    features: dict[str, Column] = {"heat": heat, "kind": kind, "note": Text(("x",) * rows), "constant": np.ones(rows)}
    return Batch("e", "rows", rows, {"prediction": answer}, features), truth


def fitted(batch: Batch, truth: Any) -> ErrorModel:
    """Return the model of a reference."""
    return learn({**batch.features, "prediction": batch.columns["prediction"]}, truth)


@cache
def usual() -> ErrorModel:
    """Return the model of 20,000 rows, a fifth of them old."""
    return fitted(*drawn(1, 20_000, 0.2))


def values(profile: Profile, model: ErrorModel | None = None) -> dict[str, float]:
    """Return the estimates of a window by metric."""
    return {one.metric: one.value for one in estimates(model or usual(), profile)}


def test_estimates_follow_inputs_to_where_the_model_is_worse() -> None:
    """With four fifths of old machines the error rises to what labels show later, within the interval."""
    batch, truth = drawn(2, 5_000, 0.8)
    answer = np.asarray(batch.columns["prediction"])
    realised = {name: float(np.nanmean(each)) for name, each in errors(truth, answer).items()}
    realised["rmse"] = realised["mse"] ** 0.5
    before = values(DETECTOR.observe(usual(), drawn(3, 5_000, 0.2)[0]))
    for found in estimates(usual(), DETECTOR.observe(usual(), batch)):
        if found.metric in {"mae", "mse", "rmse"}:
            assert found.lower <= realised[found.metric] <= found.upper
            assert found.value > 1.3 * before[found.metric]


def test_the_interval_holds_the_realised_value_in_95_of_100_windows() -> None:
    """Windows like the reference, 300 rows: the share inside is 91 to 99 %."""
    inside = 0
    for seed in range(200):
        batch, truth = drawn(100 + seed, 300, 0.2)
        (found,) = [one for one in estimates(usual(), DETECTOR.observe(usual(), batch)) if one.metric == "mae"]
        inside += found.lower <= np.abs(truth - np.asarray(batch.columns["prediction"])).mean() <= found.upper
    assert 182 <= inside <= 198


def test_a_profile_is_the_same_however_rows_come() -> None:
    """Parts in any order merge to the integers of the whole."""
    batch, _ = drawn(4, 1_000, 0.5)
    order = np.random.default_rng(0).permutation(1_000)
    parts = [DETECTOR.observe(usual(), batch.take(part)) for part in np.array_split(order, 7)]
    merged = Profile()
    for part in parts:
        merged = merged.merge(part)
    for name, counts in DETECTOR.observe(usual(), batch).counts.items():
        np.testing.assert_array_equal(counts, merged.counts[name])


def test_a_saved_model_estimates_the_same() -> None:
    """What `plain` says is enough."""
    profile = DETECTOR.observe(usual(), drawn(5, 500, 0.5)[0])
    again = model_from(usual().plain())
    assert values(profile, again) == values(profile)
    np.testing.assert_array_equal(DETECTOR.observe(again, drawn(5, 500, 0.5)[0]).counts["mae/sum"], profile.counts["mae/sum"])


def test_strange_inputs_are_missing_ones() -> None:
    """A new category, NaN, a column that is gone or of another type: an estimate all the same."""
    batch, _ = drawn(6, 200, 0.2)
    strange = Batch("e", "rows", 200, batch.columns, {"heat": np.full(200, np.nan), "kind": Category.of(["unheard of"] * 200)})
    typed = Batch("e", "rows", 200, batch.columns, {"heat": Category.of(["hot"] * 200), "kind": np.ones(200)})
    for other in (strange, typed, Batch("e", "rows", 200, batch.columns)):
        assert np.isfinite(list(values(DETECTOR.observe(usual(), other)).values())).all()


@pytest.mark.parametrize(("rows", "told"), [(29, 0), (30, 4)])
def test_a_window_of_few_rows_has_no_estimate(rows: int, told: int) -> None:
    """Below 30 rows with an answer only their number is told. Rows without an answer are not counted."""
    batch, _ = drawn(7, rows + 5, 0.2)
    answer = np.asarray(batch.columns["prediction"]).copy()
    answer[:5] = np.nan
    scores = DETECTOR.step(
        usual(), WINDOW, DETECTOR.observe(usual(), Batch("e", "rows", rows + 5, {"prediction": answer}, batch.features))
    ).scores
    of = [score for score in scores if score.metric is catalog.MODEL_PERFORMANCE]
    assert [score.value for score in scores if score.metric is catalog.MODEL_PERFORMANCE_SAMPLES] == [rows]
    assert len(of) == told + (2 if told else 0) * ("msle" in (usual().losses or {}))
    assert {score.attributes["basis"] for score in scores} == {"estimated"}


def test_nothing_is_estimated_without_a_reference_or_a_number() -> None:
    """A fresh state, or answers that are classes: nothing."""
    batch, _ = drawn(8, 100, 0.2)
    assert DETECTOR.observe(DETECTOR.restore(None), batch) == Profile()
    assert DETECTOR.observe(usual(), Batch("e", "rows", 100, {"prediction": Category.of(["a"] * 100)})) == Profile()
    assert DETECTOR.step(DETECTOR.restore(None), WINDOW, Profile()).scores == ()


def test_a_truth_of_0_has_no_relative_error_and_negatives_no_logarithm() -> None:
    """MAPE leaves such rows out; MSLE is not estimated where a truth or an answer is -1 or less."""
    assert np.isnan(errors(np.array([0.0, 2.0]), np.array([1.0, 1.0]))["mape"]).tolist() == [True, False]
    assert "msle" not in errors(np.array([-1.0]), np.array([1.0]))


def test_an_absurd_label_teaches_nothing() -> None:
    """One of 1e300 has no error that could be squared; the other rows are estimated as without it."""
    batch, truth = drawn(9, 4_000, 0.2)
    broken = np.where(np.arange(4_000) == 7, 1e300, truth)
    found = values(DETECTOR.observe(fitted(batch, broken), batch), fitted(batch, broken))
    assert found["mae"] == pytest.approx(np.abs(truth - batch.columns["prediction"]).mean(), rel=0.05)
    assert np.isfinite(list(found.values())).all()


def test_rare_huge_errors_widen_the_interval() -> None:
    """Windows without any of them lie in it too, wherever the rows fall that the spread is measured on."""
    batch, truth = drawn(9, 8_000, 0.2)
    rare = np.where(np.isin(np.arange(8_000), [1, 2, 4_001, 4_002]), 1e7, truth)
    model, (live, real) = fitted(batch, rare), drawn(10, 1_000, 0.2)
    found = next(one for one in estimates(model, DETECTOR.observe(model, live)) if one.metric == "mae")
    assert found.lower <= np.abs(real - live.columns["prediction"]).mean() <= found.upper


def test_few_rows_or_nothing_to_learn_from_is_refused() -> None:
    """The reason is told."""
    batch, truth = drawn(9, LEAST_ROWS - 1, 0.2)
    with pytest.raises(ValueError, match=f"{LEAST_ROWS - 1} rows"):
        fitted(batch, truth)
    with pytest.raises(ValueError, match="rows have an error below"):
        learn({"prediction": np.arange(float(LEAST_ROWS))}, np.full(LEAST_ROWS, -1e200))
    with pytest.raises(ValueError, match="more than one value"):
        learn({"prediction": np.ones(LEAST_ROWS)}, np.arange(float(LEAST_ROWS)))


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1e60])
def test_errors_of_any_size_are_estimated(scale: float) -> None:
    """As shares of the same errors at size 1, as far as numbers go; never a warning."""
    batch, truth = drawn(9, 1_200, 0.2)
    answer = np.asarray(batch.columns["prediction"])
    scaled = replace(batch, columns={"prediction": answer * scale})
    found, usual = (values(DETECTOR.observe(model, rows), model) for rows, model in (
        (scaled, fitted(scaled, truth * scale)), (batch, fitted(batch, truth)),
    ))  # fmt: skip
    assert found["mae"] / scale == pytest.approx(usual["mae"], rel=0.05)


@pytest.mark.skipif(
    not (FOLDER / "regression_synthetic_reference.csv").is_file(), reason="DRIFTLINE_NANNYML_DATA names no folder with NannyML's data"
)
def test_car_prices_are_estimated_within_a_tenth_of_nannymls_error() -> None:
    """Every metric, in chunks of 6,000 rows. The data is NannyML's and not kept here: `nannyml/datasets/data` of its wheel."""
    columns = Columns(prediction="y_pred", label="y_true", id="id", ignore=("timestamp",))
    learnt, live, truth = (
        concatenate(list(read_table(FOLDER / f"regression_synthetic_{name}.csv", columns, "cars")))
        for name in ("reference", "analysis", "analysis_targets")
    )
    model = fitted(learnt, np.asarray(learnt.columns["label"], np.float64))
    losses = errors(np.asarray(truth.columns["label"], np.float64), np.asarray(live.columns["prediction"], np.float64))
    differences: dict[str, list[float]] = {name: [] for name in NANNYML}
    for start in range(0, live.rows, 6_000):
        realised = {name: float(each[start : start + 6_000].mean()) for name, each in losses.items()}
        realised |= {"rmse": realised["mse"] ** 0.5, "rmsle": realised["msle"] ** 0.5}
        for name, value in values(DETECTOR.observe(model, live.take(np.arange(start, start + 6_000))), model).items():
            differences[name].append(value - realised[name])
    for name, allowed in NANNYML.items():
        assert np.sqrt(np.mean(np.square(differences[name]))) <= 1.1 * allowed, name
