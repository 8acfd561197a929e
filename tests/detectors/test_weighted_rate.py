"""Rates from unequal samples: unbiased, and covered where they are rare."""

import numpy as np
import pytest
from scipy import stats  # type: ignore[import-untyped]  # SciPy ships no types

from detectors.quality.priority_sample import PrioritySample
from detectors.quality.weighted_rate import weighted_rate


def test_with_equal_weights_a_rare_rate_has_the_exact_poisson_interval() -> None:
    """3 of 10,000: the bounds are Garwood's to within the share itself, as SciPy's chi-square gives them."""
    found = weighted_rate(np.arange(10_000) < 3, np.full(10_000, 0.2))
    assert found.value == pytest.approx(3e-4)
    assert found.lower == pytest.approx(stats.chi2.ppf(0.025, 6) / 2e4, rel=1e-3)
    assert found.upper == pytest.approx(stats.chi2.ppf(0.975, 8) / 2e4, rel=1e-3)


def test_no_hit_is_not_a_rate_of_zero() -> None:
    """The upper bound of 0 in 100 is the one SciPy's chi-square gives; the lower is 0."""
    found = weighted_rate(np.zeros(100, np.bool_), np.ones(100))
    assert (found.value, found.lower) == (0, 0)
    assert found.upper == pytest.approx(stats.chi2.ppf(0.975, 2) / 200)


def test_hits_and_misses_mirror_each_other() -> None:
    """The rate of what did not happen is 1 minus the rate of what did, bounds swapped."""
    hits = np.random.default_rng(5).random(80) < 0.2
    weights = np.random.default_rng(6).uniform(0.1, 1, 80)
    one, other = weighted_rate(hits, weights), weighted_rate(~hits, weights)
    assert (one.value, one.lower, one.upper) == pytest.approx((1 - other.value, 1 - other.upper, 1 - other.lower))


@pytest.mark.parametrize(("rate", "recall", "false_positives"), [(0.0045, 0.6, 0.02), (0.03, 0.8, 0.05), (0.3, 0.9, 0.1)])
def test_the_interval_covers(rate: float, recall: float, false_positives: float) -> None:
    """A priority sample of 400 in 8,000, what a cheap scorer flags ten times as likely: at least 93 in 100 intervals cover."""
    chance, covered, errors = np.random.default_rng(8), 0, []
    for run in range(300):
        unsafe = chance.random(8_000) < rate
        flagged = chance.random(8_000) < np.where(unsafe, recall, false_positives)
        first = run * 8_000
        keys = np.arange(first, first + 8_000, dtype=np.uint64)
        sample = PrioritySample(400).add(keys, np.where(flagged, 10.0, 1.0))
        found = weighted_rate(unsafe[sample.keys.astype(np.int64) - first], sample.probabilities)
        covered += found.lower <= unsafe.mean() <= found.upper
        errors.append(found.value - unsafe.mean())
    assert covered >= 279
    assert abs(np.mean(errors)) < 4 * np.std(errors) / np.sqrt(300)


@pytest.mark.parametrize("probabilities", [[], [0.0], [1.5], [np.nan]])
def test_no_items_or_no_probability_is_refused(probabilities: list[float]) -> None:
    """A rate of nothing, or of items that could not be drawn, is an error."""
    with pytest.raises(ValueError, match="needs items"):
        weighted_rate(np.zeros(len(probabilities), np.bool_), np.array(probabilities))
