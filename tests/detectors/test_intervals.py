"""Intervals of shares."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest  # type: ignore[import-untyped]  # SciPy ships no types

from detectors.intervals import wilson


@given(st.integers(1, 10**6).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials))))
def test_wilson_is_scipys(case: tuple[int, int]) -> None:
    """Both bounds are those of SciPy's Wilson interval, and hold the share between them."""
    hits, trials = case
    expected = binomtest(hits, trials).proportion_ci(0.95, method="wilson")

    lower, upper = wilson(hits, trials)

    assert (lower, upper) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert 0 <= lower <= hits / trials <= upper <= 1


@pytest.mark.parametrize(("hits", "trials"), [(0, 0), (-1, 5), (6, 5)])
def test_a_share_of_nothing_is_refused(hits: int, trials: int) -> None:
    """No interval is made up where there is no share."""
    with pytest.raises(ValueError, match="no share"):
        wilson(hits, trials)
