"""How rare a split of rows into two sides is, against SciPy's exact counts of such splits."""

import numpy as np
import pytest
from scipy.special import gammaln  # type: ignore[import-untyped]  # SciPy ships no types
from scipy.stats import hypergeom, norm  # type: ignore[import-untyped]  # the same

from detectors.drift.check import check
from detectors.drift.splits import rate


@pytest.mark.parametrize(("n", "m", "ones"), [(40, 3000, 30), (40, 40, 8), (3000, 40, 30), (500, 700, 20)])
def test_it_is_the_exponent_of_the_hypergeometric_tail(n: int, m: int, ones: int) -> None:
    """Of two values it is the chance itself but for a factor, as of a normal tail: a little less at most, and not 20 times more."""
    score = np.array([-ones, n + m - ones]) / np.sqrt(ones * (n + m - ones))
    counts = np.array([n + m - ones, ones], np.float64)
    expected = ones * n / (n + m)
    for hits in range(int(expected) + 2, min(ones, n) + 1):
        told = -rate(score, counts, n, m, score @ [n - hits, hits])
        exact = hypergeom.logsf(hits - 1, n + m, ones, n)
        assert exact - 1 <= told <= exact + np.log(20)


def test_it_is_the_normal_tail_where_scores_are_even() -> None:
    """Z = 4 of 2,000 rows with uniform scores: 8."""
    score = np.sqrt(3) * np.linspace(-1, 1, 129)
    counts = np.full(129, 2000 / 129)
    score /= np.sqrt(counts @ score**2 / 2000)
    assert rate(score, counts, 1000, 1000, 4 * np.sqrt(1000 * 1000 / 2000)) == pytest.approx(8.0, rel=0.02)


def test_few_rows_of_a_nearly_constant_column_keep_the_level() -> None:
    """Three rows of forty that are not the one frequent value, 0.4 expected, happen once in 130 times: no drift (it was called so)."""
    then = np.where(np.arange(3000) < 30, np.arange(3000) + 1.0, 0.0)
    now = np.where(np.arange(40) < 3, [*range(10, 13), *[0] * 37], 0.0)
    (score,) = check({"x": then}, {"x": now}, 0.001).scores
    assert not score.drifted
    assert score.p_value > norm.sf(3.5)


@pytest.mark.parametrize(("n", "m"), [(30, 30), (40, 3000), (5000, 200), (3000, 3000), (10**6, 10**6)])
def test_sides_that_share_no_value_are_the_rarest_split(n: int, m: int) -> None:
    """One of C(n + m, n): the supremum lies at infinity, and is reached all the same."""
    score = np.array([-np.sqrt(m / n), np.sqrt(n / m)])
    told = rate(score, np.array([n, m], np.float64), n, m, float(score[0] * n))
    assert told == pytest.approx(gammaln(n + m + 1) - gammaln(n + 1) - gammaln(m + 1), rel=0.1)
