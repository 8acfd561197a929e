"""Parity modes, against what the products themselves answered on the same samples (tests/data/parity)."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.drift.parity import azureml, evidently, nannyml
from detectors.drift.parity.compare import compare, fit
from detectors.drift.parity.exact import ks_p_value, ks_statistic
from detectors.drift.parity.kolmogorov import kolmogorov_sf
from detectors.drift.parity.product import Product
from detectors.drift.parity.samples import Samples, pair
from detectors.types import Category, Column, Text
from tests.golden_sources.parity_inputs import Case, Values, cases

FOLDER = Path(__file__).parents[1] / "data/parity"
CASES = {case.name: case for case in cases()}
TIGHT = 1e-9
PRODUCTS: tuple[Product, ...] = ("azureml", "evidently", "nannyml")


def golden(product: str) -> dict[str, Any]:
    """Return what a product answered, by case."""
    found: dict[str, Any] = json.loads((FOLDER / f"{product}.json").read_text("utf-8"))["cases"]
    return found


def column(values: Values) -> Column:
    """Return a sample as a column of ours."""
    return values if isinstance(values, np.ndarray) else Category.of(values)


def samples(case: Case) -> Samples:
    """Return both sides of a case."""
    found = pair(column(case.reference), column(case.current))
    assert found is not None
    return found


@pytest.mark.parametrize("name", CASES)
def test_the_samples_are_those_the_products_saw(name: str) -> None:
    """The generator still draws what it drew when the products were asked."""
    assert CASES[name].checksum == pytest.approx(golden("evidently")[name]["checksum"], rel=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_evidently_to_a_billionth(name: str) -> None:
    """Every method of Evidently's, its choice of method, its thresholds and its verdicts."""
    told, ours = golden("evidently")[name], samples(CASES[name])
    assert evidently.default(ours) == told["default"]
    found = evidently.readings(ours)
    assert told["default"] in found
    for method, reading in found.items():
        value, threshold, drifted = told["methods"][method]
        assert reading.value == pytest.approx(value, rel=TIGHT, abs=TIGHT), method
        assert (reading.threshold, reading.alert) == (threshold, drifted), method


@pytest.mark.parametrize("name", CASES)
def test_nannyml_to_a_billionth(name: str) -> None:
    """Every method of NannyML's, its thresholds from the reference's chunks, and its alerts."""
    told, ours = golden("nannyml")[name]["methods"], samples(CASES[name])
    found = nannyml.readings(ours, nannyml.limits(ours))
    assert set(found) == set(told)
    for method, reading in found.items():
        value, upper, alert = told[method]
        assert reading.value == pytest.approx(value, rel=TIGHT, abs=TIGHT), method
        assert reading.threshold == pytest.approx(np.nan if upper is None else upper, rel=TIGHT, abs=TIGHT, nan_ok=True), method
        assert reading.alert == alert, method


def azure(found: dict[str, Samples], told: dict[str, Any]) -> None:
    """Compare complete rows with what the component answered."""
    for name, one in found.items():
        readings = azureml.readings(one)
        assert set(readings) == set(told[name]["methods"]), name
        for method, reading in readings.items():
            assert reading.value == pytest.approx(told[name]["methods"][method], rel=TIGHT, abs=TIGHT, nan_ok=True), (name, method)


@pytest.mark.parametrize("name", CASES)
def test_azure_ml_to_a_billionth(name: str) -> None:
    """Every metric of Azure ML's component as it ran on Spark, whole numbers of few values taken for categories as it does."""
    ours = {name: samples(CASES[name])}
    # Sent to Spark as doubles, which it never takes for categories; whole numbers are all we see.
    azure(ours if name.endswith("constant") else azureml.complete(ours), golden("azureml"))


def test_azure_ml_drops_rows_with_a_missing_value_in_any_column() -> None:
    """One hole drops its row from every column of the table."""
    told = golden("azureml")
    for size in ("small", "medium", "large"):
        table = {f"{size}: rows, {name}": samples(CASES[f"{size}: {name}"]) for name in ("normal", "with holes", "values, with holes")}
        azure(azureml.complete(table), told)


def test_azure_ml_decides_by_its_two_default_metrics() -> None:
    """Strictly above .1 on the normalised Wasserstein distance of numbers and the Jensen-Shannon distance of categories; no other decides."""
    random = np.random.default_rng(1)
    table: dict[str, Column] = {"x": random.normal(size=3000), "c": Category.of(["a", "b"] * 1500)}
    moved: dict[str, Column] = {"x": random.normal(0.2, 1, 3000), "c": Category.of(["a"] * 2000 + ["b"] * 1000)}
    told = {one.feature: one for one in compare("azureml", table, moved)}
    assert told["x"].decides.method == "NormalizedWassersteinDistance"
    assert told["c"].decides.method == "JensenShannonDistance"
    for one in told.values():
        assert one.decides.alert == (one.decides.value > 0.1)
        assert [reading.method for reading in one.readings.values() if not np.isnan(reading.threshold)] == [one.decides.method]


def test_the_installed_evidently_agrees() -> None:
    """What the package in this environment says today, on samples nobody stored: the default method of each column to 1e-9."""
    pd = pytest.importorskip("pandas")
    registry = pytest.importorskip("evidently.legacy.calculations.stattests.registry")
    kinds = pytest.importorskip("evidently.legacy.core").ColumnType
    random = np.random.default_rng(77)
    reference: dict[str, Column] = {"x": random.gamma(2, 2, 1500), "c": Category.of(random.choice(list("abcd"), 1500).tolist())}
    current: dict[str, Column] = {"x": random.gamma(2, 2.4, 400), "c": Category.of(random.choice(list("abce"), 400).tolist())}
    for one in compare("evidently", reference, current):
        sides = [side[one.feature] for side in (reference, current)]
        series = [pd.Series(side.decode() if isinstance(side, Category) else side) for side in sides]
        kind = kinds.Categorical if one.feature == "c" else kinds.Numerical
        result = registry.get_stattest(*series, kind, None)(*series, kind, None)
        assert one.decides.value == pytest.approx(result.drift_score, abs=TIGHT)
        assert (one.decides.threshold, one.decides.alert) == (result.actual_threshold, result.drifted)


@pytest.mark.parametrize(
    ("rows", "others"), [(30, 30), (50, 61), (997, 1511), (1000, 3000), (40, 10_000), (100, 10_001), (900, 20_000), (12_000, 11_000)]
)
def test_kolmogorov_smirnov_p_is_that_of_scipy(rows: int, others: int) -> None:
    """Exact up to 10,000 rows, as SciPy approximates beyond: in the middle and far out in the tail."""
    scipy = pytest.importorskip("scipy.stats")
    random = np.random.default_rng(rows)
    for shift in (0.0, 0.02, 0.1, 1.0):
        reference, current = random.normal(size=rows), random.normal(shift, 1, others)
        expected = scipy.ks_2samp(reference, current)
        statistic = ks_statistic(reference, current)
        assert statistic == pytest.approx(expected.statistic, abs=1e-15)
        assert ks_p_value(statistic, rows, others) == pytest.approx(expected.pvalue, rel=1e-9, abs=1e-14)


@pytest.mark.parametrize("rows", [2, 10, 100, 140, 141, 1000, 20_000])
def test_kolmogorovs_tail_is_that_of_scipy(rows: int) -> None:
    """Each of the methods it is put together from, from distances next to nothing to next to 1."""
    scipy = pytest.importorskip("scipy.stats")
    for distance in np.concatenate([np.linspace(0.0005, 1, 60), np.linspace(0.2, 3, 40) / np.sqrt(rows)]).tolist():
        assert kolmogorov_sf(rows, distance) == pytest.approx(scipy.kstwo.sf(distance, rows), rel=1e-7, abs=1e-12), distance


def test_a_column_without_values_or_of_free_text_is_left_out() -> None:
    """One bad column never stops the others, in any product's mode."""
    good = np.random.default_rng(2).normal(size=500)
    reference: dict[str, Column] = {
        "good": good,
        "empty": np.full(500, np.nan),
        "gone": good,
        "text": Text(("a b c",) * 500),
        "flag": good > 0,
        "ends": np.where(good > 2, np.inf, good),
    }
    current = {**reference, "empty": good, "good": good + 1}
    del current["gone"]
    for product in PRODUCTS:
        told = {one.feature: one for one in compare(product, reference, current)}
        # Azure ML drops every row that lacks any value, so a column that is empty on one side is set aside before.
        assert list(told) == ["good", "flag", "ends"], product
        assert all(np.isfinite(one.decides.value) for one in told.values())
        assert told["good"].decides.alert
        assert "no promise about false alarms" in told["good"].explanation


numbers = st.lists(st.floats(allow_subnormal=True) | st.integers(0, 3).map(float), min_size=1, max_size=60).map(np.array)
names = st.lists(st.sampled_from(["a", "b", "c", None]), min_size=1, max_size=60).map(Category.of)


@given(numbers | names, numbers | names)
def test_whatever_the_rows_hold_nothing_is_raised(reference: Column, current: Column) -> None:
    """Overflowing, tiny, missing, few, of another kind: a column gets its numbers or is left out, and its neighbour gets its own."""
    for product in PRODUCTS:
        found = compare(product, {"odd": reference}, {"odd": current}, fit(product, {"odd": reference}))
        assert [one.feature for one in found] in (["odd"], [])
        beside = {"good": np.arange(float(len(reference)))}, {"good": np.arange(float(len(current)))}
        if product != "azureml":
            assert "good" in [one.feature for one in compare(product, {"odd": reference, **beside[0]}, {"odd": current, **beside[1]})]


def test_numbers_written_as_text_are_compared_as_numbers() -> None:
    """The reference's kind decides; what cannot be read as it is missing."""
    numbers = np.arange(200.0) % 7
    written = Category.of([f"{value:g}" for value in numbers.tolist()])
    found = pair(numbers, written)
    assert found is not None
    assert found.reference.tolist() == found.current.tolist()
    back = pair(written, numbers)
    assert back is not None
    assert back.reference.tolist() == back.current.tolist()
