"""Bins of a probability: in order, narrow, exact, and the same however rows were cut."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.decay.score_bins import BINS, count, means, place

PROBABILITIES = st.lists(st.floats(0, 1), min_size=1, max_size=200).map(np.array)


@given(PROBABILITIES)
def test_bins_keep_the_order(probabilities: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
    """A higher probability is never in a lower bin, and every bin is one of the table."""
    bins = place(np.sort(probabilities)).bins
    assert np.all(np.diff(bins) >= 0)
    assert bins.min() >= 0
    assert bins.max() < BINS


@pytest.mark.parametrize("probability", [0.0, 1e-300, 1e-9, 2.0**-24, 0.1, 0.25, 0.499999, 0.5, 0.500001, 0.75, 0.9999, 1 - 2.0**-53, 1.0])
def test_the_mean_of_a_bin_is_that_of_its_rows(probability: float) -> None:
    """A bin with one row remembers where it lies, to 2^-20 of the bin's width, which is at most 1/32 of the way to the nearer end (2^-24 near it)."""
    rows, inside = count(place(np.array([probability])))
    found = means(rows, inside)[rows > 0].item()
    nearer = min(probability, 1 - probability)
    assert abs(found - probability) <= max(nearer / 32, 2.0**-24) * 2.0**-19
    assert (found == probability) or probability not in {0.0, 0.5, 1.0}


def test_a_bin_is_at_most_a_128th_wide() -> None:
    """Neighbouring bins, all empty, have middles closer than that."""
    nothing = np.zeros(BINS, np.int64)
    middles = means(nothing, nothing)
    assert np.all(np.diff(middles) > 0)
    assert np.diff(middles).max() <= 1 / 128


@given(PROBABILITIES, st.integers(0, 200))
def test_counts_add_up(probabilities: np.ndarray[tuple[int], np.dtype[np.float64]], cut: int) -> None:
    """Two parts in either order count to the same integers as the whole."""
    whole = count(place(probabilities))
    first, second = count(place(probabilities[:cut])), count(place(probabilities[cut:]))
    for one, left, right in zip(whole, second, first, strict=True):
        np.testing.assert_array_equal(one, left + right)
