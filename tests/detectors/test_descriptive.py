"""Descriptive distances from counts, against SciPy on the raw values."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon  # type: ignore[import-untyped]  # SciPy ships no types
from scipy.stats import (  # type: ignore[import-untyped]  # SciPy ships no types
    chi2_contingency,
    ks_2samp,
    wasserstein_distance,
)

from detectors.catalog import DRIFT_SCORE
from detectors.drift import float_bits
from detectors.drift.baseline import BaselineBuilder
from detectors.drift.counting import means, tally
from detectors.drift.descriptive import ANY_KIND, NUMERIC, Sides, coarse, distances
from detectors.drift.drift import Drift
from detectors.drift.grid import fit_categories, fit_numeric
from detectors.types import Batch, Category, Window

SHAPES = {
    "normal": lambda random, n: random.normal(0, 1, n),
    "exponential": lambda random, n: random.exponential(1, n),
    "lognormal": lambda random, n: random.lognormal(0, 1, n),
    "uniform": lambda random, n: random.uniform(0, 1, n),
    "t3": lambda random, n: random.standard_t(3, n),
    "zero-inflated": lambda random, n: random.exponential(1, n) * (random.uniform(size=n) < 0.4),
}


def sides(reference: NDArray[np.float64], current: NDArray[np.float64]) -> Sides:
    """Return two samples as they are described."""
    grid = fit_numeric(reference)
    then, now = tally(grid, reference), tally(grid, current)
    assert then.sums is not None
    assert now.sums is not None
    groups = coarse(grid, then.cells)
    return Sides(grid, groups, then.cells, now.cells, means(grid, then.cells, then.sums), means(grid, now.cells, now.sums))


def measured(reference: NDArray[np.float64], current: NDArray[np.float64]) -> dict[str, float]:
    """Return our distances of two samples."""
    return distances([sides(reference, current)])[0]


def categories(then: list[int], now: list[int]) -> dict[str, float]:
    """Return our distances of counts of categories; none is missing."""
    grid = fit_categories({f"c{place}": 1 for place in range(len(then) - 2)}, top=len(then))
    reference, window = np.array([*then, 0]), np.array([*now, 0])
    return distances([Sides(grid, coarse(grid, reference), reference, window, np.empty(0))])[0]


@pytest.mark.parametrize("shift", [0.1, 0.25, 1.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_grid_distances_are_close_to_the_exact_ones(shape: str, shift: float) -> None:
    """KS from 128 cells errs by less than a cell (1/128), Wasserstein by a few percent."""
    random = np.random.default_rng(7)
    reference, current = SHAPES[shape](random, 20_000), SHAPES[shape](random, 5000)
    current = current + shift * reference.std()
    found = measured(reference, current)
    assert found["kolmogorov_smirnov"] == pytest.approx(ks_2samp(reference, current).statistic, abs=1 / 128)
    spread = fit_numeric(reference).spread
    clipped = np.clip(current, reference.min(), reference.max())
    assert found["wasserstein"] == pytest.approx(wasserstein_distance(reference, clipped) / spread, rel=0.05, abs=0.005)


counts = st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 5000)), min_size=3, max_size=25).filter(
    lambda pairs: sum(then for then, _ in pairs) > 0 and sum(now for _, now in pairs) > 0
)


@given(counts)
def test_distances_of_shares_are_the_exact_ones(pairs: list[tuple[int, int]]) -> None:
    """Each equals SciPy's, or its definition written out, on the same counts; groups nobody filled change nothing."""
    then, now = [one for one, _ in pairs], [one for _, one in pairs]
    found = categories(then, now)
    a, b = np.array(then, float), np.array(now, float)
    p, q = a / a.sum(), b / b.sum()
    assert found["jensen_shannon"] == pytest.approx(float(np.nan_to_num(jensenshannon(p, q, base=2))), abs=2e-8)
    assert found["hellinger"] == pytest.approx(float(np.linalg.norm(np.sqrt(p) - np.sqrt(q))) / np.sqrt(2), abs=1e-12)
    assert found["total_variation"] == pytest.approx(float(np.maximum(p - q, 0).sum()), abs=1e-12)
    assert found["l_infinity"] == pytest.approx(float(np.linalg.norm(p - q, np.inf)), abs=1e-12)
    smooth_p, smooth_q = (a + 0.5) / (a + 0.5).sum(), (b + 0.5) / (b + 0.5).sum()
    assert found["psi"] == pytest.approx(
        float(np.sum(smooth_p * np.log(smooth_p / smooth_q)) + np.sum(smooth_q * np.log(smooth_q / smooth_p))), abs=1e-12
    )
    table = np.array([a, b])[:, (a + b) > 0]
    for name, kind in (("chi_squared", "pearson"), ("g", "log-likelihood")):
        expected = chi2_contingency(table, correction=False, lambda_=kind)
        assert found[name] == pytest.approx(expected.statistic, rel=1e-9, abs=1e-9)
        assert found[f"{name}_p"] == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-12)


def test_a_feature_is_described_the_same_alone_and_among_others() -> None:
    """Features of different lengths and kinds go through together; none leaks into another."""
    random = np.random.default_rng(3)
    vocabulary = fit_categories({"a": 6, "b": 4})
    then, now = np.array([6, 4, 0, 0, 3]), np.array([1, 1, 0, 7, 0])
    several = [
        sides(random.normal(size=3000), random.normal(0.3, 1, 400)),
        Sides(vocabulary, coarse(vocabulary, then), then, now, np.empty(0)),
        sides(np.round(random.exponential(2, 500)), random.exponential(2, 50)),
        sides(np.full(100, 3.0), np.full(50, 4.0)),
    ]
    for one, found in zip(several, distances(several), strict=True):
        assert found == pytest.approx(distances([one])[0], abs=1e-12, nan_ok=True)
    assert list(distances(several)[1]) == list(ANY_KIND)
    assert list(distances(several)[0]) == [*ANY_KIND, *NUMERIC]
    assert distances([]) == []


@pytest.mark.parametrize("rows", [200, 5000])
def test_the_p_values_know_how_many_rows_there_were(rows: int) -> None:
    """Where nothing changed p is below 5 % in about 5 % of windows, whatever their size; PSI and the distances fall with it."""
    random = np.random.default_rng(rows)
    share = np.array([0.3, 0.25, 0.2, 0.15, 0.1])
    below = [
        [
            categories([*random.multinomial(rows, share).tolist(), 0, 0], [*random.multinomial(rows, share).tolist(), 0, 0])[name] < 0.05
            for name in ("chi_squared_p", "g_p")
        ]
        for _ in range(400)
    ]
    assert np.mean(below, axis=0) == pytest.approx([0.05, 0.05], abs=0.035)


def test_no_values_is_undefined_and_never_zero() -> None:
    """All-missing windows and references give NaN in every distance, a constant reference no Wasserstein in its own spread."""
    values, nothing = np.arange(100.0), np.full(100, np.nan)
    assert all(np.isnan(value) for value in measured(values, nothing).values())
    assert all(np.isnan(value) for value in measured(nothing, values).values())
    constant = measured(np.full(100, 3.0), np.full(50, 3.0))
    assert constant["psi"] == pytest.approx(0.0, abs=0.01)
    assert constant["kolmogorov_smirnov"] == 0.0
    assert np.isnan(constant["wasserstein"])


def test_one_outlier_moves_nothing() -> None:
    """A value of 1e6 in the window or the reference moves no distance by more than .05."""
    random = np.random.default_rng(9)
    reference, current = random.normal(size=5000), random.normal(size=1000)
    plain = measured(reference, current)
    for changed in (measured(reference, np.append(current, 1e6)), measured(np.append(reference, 1e6), current)):
        for name, value in changed.items():
            if not name.startswith(("chi_squared", "g")):  # sums over rows, and their tails: one row more moves them
                assert value == pytest.approx(plain[name], abs=0.05)


def test_categories_that_change_entirely_are_far_apart() -> None:
    """No common value: every distance that ends at 1 is 1."""
    found = categories([60, 40, 0, 0], [0, 0, 0, 90])
    assert all(found[name] == pytest.approx(1.0) for name in ("jensen_shannon", "hellinger", "total_variation"))
    assert found["l_infinity"] == pytest.approx(1.0)
    assert found["psi"] > 5


def test_distances_from_float_bits_use_the_reference_means() -> None:
    """Without sums a window's cells stand at the reference's means: Wasserstein within 5 % of the exact one."""
    random = np.random.default_rng(10)
    reference, current = random.normal(100, 10, 20_000), random.normal(105, 10, 5000)
    bits = float_bits.tally(reference)[0]
    grid = float_bits.fit(bits)
    now = tally(grid, current)
    assert now.sums is None
    then = float_bits.recut(bits, grid)
    found = distances([Sides(grid, coarse(grid, then), then, now.cells, float_bits.means(bits, grid))])[0]
    assert found["wasserstein"] == pytest.approx(wasserstein_distance(reference, current) / grid.spread, rel=0.05)


def test_every_method_is_in_findings_and_in_the_gauge() -> None:
    """A judged window tells all eleven of a number and nine of a category, each by its name, and the same in both places."""
    random = np.random.default_rng(12)
    detector, builder = Drift(), BaselineBuilder()
    start = datetime(2026, 1, 1, tzinfo=UTC)
    windows = [Window(start + timedelta(days=day), start + timedelta(days=day + 1)) for day in range(31)]
    batches = [
        Batch("e", "rows", 300, {}, {"x": random.normal(size=300), "c": Category.of(random.choice(["a", "b"], 300).tolist())})
        for _ in windows
    ]
    for batch in batches[:30]:
        builder.learn(batch)
    builder.fix()
    for window, batch in zip(windows[:30], batches[:30], strict=True):
        builder.count(batch, window)
    state = detector.restore(builder.state().plain())
    step = detector.step(state, windows[30], detector.observe(state, batches[30]))
    for feature, methods in (("x", {*ANY_KIND, *NUMERIC}), ("c", set(ANY_KIND))):
        fixed = next(one for one in step.findings if one.feature == feature and one.reference == "fixed")
        told = {
            score.attributes["method"]: score.value
            for score in step.scores
            if score.metric is DRIFT_SCORE and (score.attributes["feature"], score.attributes["reference"]) == (feature, "fixed")
        }
        assert set(fixed.methods) == set(told) == methods
        assert told == dict(fixed.methods)
