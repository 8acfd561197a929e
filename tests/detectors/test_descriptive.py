"""Descriptive distances from counts, against SciPy on the raw values."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon  # type: ignore[import-untyped]  # SciPy ships no types
from scipy.stats import ks_2samp, wasserstein_distance  # type: ignore[import-untyped]  # SciPy ships no types

from detectors.drift import float_bits
from detectors.drift.counting import means, tally
from detectors.drift.descriptive import coarse, distances, jensen_shannon, psi
from detectors.drift.grid import fit_categories, fit_numeric

SHAPES = {
    "normal": lambda random, n: random.normal(0, 1, n),
    "exponential": lambda random, n: random.exponential(1, n),
    "lognormal": lambda random, n: random.lognormal(0, 1, n),
    "uniform": lambda random, n: random.uniform(0, 1, n),
    "t3": lambda random, n: random.standard_t(3, n),
    "zero-inflated": lambda random, n: random.exponential(1, n) * (random.uniform(size=n) < 0.4),
}


def measured(reference: NDArray[np.float64], current: NDArray[np.float64]) -> dict[str, float]:
    """Return our distances of two samples."""
    grid = fit_numeric(reference)
    then, now = tally(grid, reference), tally(grid, current)
    assert then.sums is not None
    assert now.sums is not None
    return distances(
        grid, coarse(grid, then.cells), then.cells, now.cells, means(grid, then.cells, then.sums), means(grid, now.cells, now.sums)
    )


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


def test_coarse_distances_are_those_of_scipy() -> None:
    """Jensen-Shannon equals SciPy's on the same groups; PSI is the symmetric divergence of the smoothed shares."""
    random = np.random.default_rng(8)
    then, now = random.integers(0, 50, 10).astype(float), random.integers(1, 50, 10).astype(float)
    assert jensen_shannon(then, now) == pytest.approx(float(jensenshannon(then, now, base=2)), abs=1e-12)
    p, q = (then + 0.5) / (then + 0.5).sum(), (now + 0.5) / (now + 0.5).sum()
    assert psi(then, now) == pytest.approx(float(np.sum(p * np.log(p / q)) + np.sum(q * np.log(q / p))))


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
            assert value == pytest.approx(plain[name], abs=0.05)


def test_categories_that_change_entirely_are_far_apart() -> None:
    """No common value: Jensen-Shannon distance 1."""
    grid = fit_categories({"a": 60, "b": 40})
    found = distances(grid, np.arange(4), np.array([60, 40, 0, 0, 0]), np.array([0, 0, 0, 90, 10]), np.empty(0))
    assert found["jensen_shannon"] == 1.0
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
    found = distances(grid, coarse(grid, then), then, now.cells, float_bits.means(bits, grid))
    assert found["wasserstein"] == pytest.approx(wasserstein_distance(reference, current) / grid.spread, rel=0.05)
