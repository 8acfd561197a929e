"""Isotonic regression: the same steps as scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import isotonic_regression  # type: ignore[import-untyped]  # scikit-learn ships no types

from detectors.decay.isotonic import isotonic

POINTS = st.lists(st.tuples(st.floats(-5, 5), st.floats(0.01, 100)), min_size=1, max_size=60)


@given(POINTS)
def test_the_levels_are_those_of_scikit_learn(points: list[tuple[float, float]]) -> None:
    """Values, weights and ties in any order lead to the levels an independent implementation finds."""
    values, weights = np.array(points).T.copy()
    assert isotonic(values, weights).fitted() == pytest.approx(isotonic_regression(values, sample_weight=weights), abs=1e-9)


@given(POINTS)
def test_runs_rise_and_keep_every_point_and_all_weight(points: list[tuple[float, float]]) -> None:
    """Levels rise strictly; the weighted mean is that of the values."""
    values, weights = np.array(points).T.copy()
    steps = isotonic(values, weights)
    assert np.all(np.diff(steps.levels) > 0)
    assert steps.sizes.sum() == len(values)
    assert steps.weights.sum() == pytest.approx(weights.sum())
    assert steps.levels @ steps.weights == pytest.approx(values @ weights, abs=1e-9 * weights.sum())
