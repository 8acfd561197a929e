"""Tails of distributions against SciPy, over wide grids."""

from fractions import Fraction
from math import comb, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import special, stats  # type: ignore[import-untyped]  # SciPy ships no types

from detectors.drift.factorials import log_binomial_mass, log_gamma
from detectors.drift.rates import log_rate_tail
from detectors.drift.survival import chi2_isf, f_isf, log_chi2_sf, log_f_sf, log_normal_sf, log_t_sf, normal_isf

SMALLEST = -690.0  # where SciPy's own p underflows


def close(actual: NDArray[np.float64], p: NDArray[np.float64], complement: NDArray[np.float64], relative: float = 1e-9) -> None:
    """Compare log p; beside 1 the complement is what can be compared."""
    with np.errstate(divide="ignore"):
        expected = np.where(p > 0.5, np.log1p(-complement), np.log(p))
    shown = expected > SMALLEST
    assert shown.mean() > 0.3
    np.testing.assert_allclose(actual[shown], expected[shown], rtol=1e-9, atol=relative)


def test_f_tail() -> None:
    """To 1e-9 relative from p = 1 to 1e-300, degrees of freedom from 0.3 to 430,000."""
    x = np.geomspace(1e-6, 1e6, 61)[:, None, None]
    d1 = np.geomspace(0.3, 200, 15)[:, None]
    d2 = np.geomspace(0.3, 430_000, 25)
    close(log_f_sf(x, d1, d2), stats.f.sf(x, d1, d2), stats.f.cdf(x, d1, d2))


def test_t_tail() -> None:
    """To 1e-9 relative on both sides."""
    x = np.concatenate([-np.geomspace(1e-4, 1e3, 40), [0.0], np.geomspace(1e-4, 1e3, 40)])[:, None]
    df = np.geomspace(1, 3000, 20)
    close(log_t_sf(x, df), stats.t.sf(x, df), stats.t.cdf(x, df))


def test_chi_square_tail() -> None:
    """To 1e-9 relative up to 5000 degrees of freedom."""
    x, df = np.geomspace(1e-4, 1400, 60)[:, None], np.geomspace(0.3, 5000, 40)
    close(log_chi2_sf(x, df), stats.chi2.sf(x, df), stats.chi2.cdf(x, df))


def test_normal_tail() -> None:
    """Both sides, far beyond where p underflows, and back again."""
    x = np.linspace(-8, 60, 200)
    np.testing.assert_allclose(log_normal_sf(x), stats.norm.logsf(x), rtol=1e-11, atol=1e-15)
    for p in (1e-12, 0.025, 0.5, 0.975):
        assert normal_isf(p) == pytest.approx(stats.norm.isf(p), rel=1e-9, abs=1e-12)


@given(st.floats(-700, -0.01), st.floats(0.3, 200), st.floats(0.3, 430_000))
def test_f_quantile_inverts_the_tail(log_p: float, d1: float, d2: float) -> None:
    """The quantile leads back to its p, wherever it is a number that can be written."""
    x = f_isf(log_p, d1, d2)
    if 1e-290 < x < 1e290:
        assert log_f_sf(x, d1, d2).item() == pytest.approx(log_p, rel=1e-9, abs=1e-9)


def test_ends_of_the_range() -> None:
    """Zero, negative, infinite and empty input is answered, not failed on."""
    assert log_f_sf(np.array([0.0, -1.0]), 2.0, 9.0).tolist() == [0.0, 0.0]
    assert log_f_sf(np.empty(0), 2.0, 9.0).shape == (0,)
    assert log_chi2_sf(0.0, 3.0) == 0
    assert np.isneginf(log_chi2_sf(1e308, 3.0)) or log_chi2_sf(1e308, 3.0) < -1e300
    assert log_f_sf(1e300, 2.0, 9.0) < -3000


@given(st.floats(0.01, 1e8))
def test_log_gamma(z: float) -> None:
    """Log-gamma agrees with SciPy."""
    assert log_gamma(z).item() == pytest.approx(special.gammaln(z), rel=1e-12, abs=1e-13)


@given(st.integers(1, 300), st.data())
def test_binomial_mass(n: int, data: st.DataObject) -> None:
    """The binomial mass agrees with exact whole-number arithmetic, its last value included."""
    x = data.draw(st.integers(1, n))
    exact = log(comb(n, x)) + x * log(0.3) + (n - x) * log(0.7)
    assert log_binomial_mass(float(x), float(n), 0.3, 0.7).item() == pytest.approx(exact, abs=1e-9)


def exact_rate_tail(x: int, n: int, r: int, m: int) -> Fraction:
    """Sum the beta-binomial masses as fractions: a = r + 1/2, b = m - r + 1/2."""
    a, b = Fraction(2 * r + 1, 2), Fraction(2 * (m - r) + 1, 2)
    mass = Fraction(1)  # P(X = 0) as a product of (b + i) / (a + b + i)
    for i in range(n):
        mass *= (b + i) / (a + b + i)
    total = Fraction(0)
    for k in range(n + 1):
        if k >= x:
            total += mass
        if k < n:
            mass *= (n - k) * (a + k) / ((k + 1) * (b + n - k - 1))
    return total


@given(st.integers(1, 60), st.integers(0, 200), st.data())
def test_rate_tail_is_exact(n: int, m: int, data: st.DataObject) -> None:
    """The beta-binomial tail agrees with exact fractions, above and below the mean."""
    r, x = data.draw(st.integers(0, m)), data.draw(st.integers(0, n))
    exact = exact_rate_tail(x, n, r, m)
    near = float(exact) if exact < Fraction(1, 2) else None
    actual = log_rate_tail(x, n, r, m).item()
    if near is not None:
        assert actual == pytest.approx(log(exact.numerator) - log(exact.denominator), rel=1e-10, abs=1e-10)
    else:
        assert np.exp(actual) == pytest.approx(float(exact), rel=1e-10)


def test_rate_tail_of_ten_million_rows() -> None:
    """Counts of 10^7 keep their precision: the tail meets the normal approximation to a percent, four sd out."""
    n, m = 10**7, 56 * 10**7
    share = 0.1
    sd = float(np.sqrt(n * share * (1 - share) * (1 + n / m)))
    x = int(n * share + 4 * sd)
    z = (x - 0.5 - n * share) / sd
    assert log_rate_tail(x, n, int(share * m), m) == pytest.approx(stats.norm.logsf(z), abs=0.01)
    assert log_rate_tail(n, n, 0, m) < -1e7


def test_rate_tail_beside_scipy_in_the_middle() -> None:
    """For ordinary sizes it agrees with SciPy's masses, summed."""
    random = np.random.default_rng(3)
    for _ in range(60):
        n, m = int(random.integers(30, 2000)), int(random.integers(100, 50_000))
        r = int(m * random.random() ** 3)
        x = int(random.integers(1, n + 1))
        masses = stats.betabinom.logpmf(np.arange(x, n + 1), n, r + 0.5, m - r + 0.5)
        assert log_rate_tail(x, n, r, m) == pytest.approx(special.logsumexp(masses), rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("freedom", [1e-3, 0.02, 0.5, 1.0, 3.7, 40.0, 5e3])
@pytest.mark.parametrize("p", [1e-300, 1e-9, 0.025, 0.5, 0.975, 1 - 1e-6])
def test_chi_square_quantiles_are_scipys(freedom: float, p: float) -> None:
    """The x of a tail equals SciPy's to 1e-8, where it is not below what a float can say."""
    expected = stats.chi2.isf(p, freedom)
    if expected > 1e-290:
        assert chi2_isf(np.log(p), freedom) == pytest.approx(expected, rel=1e-8)
