"""Effects and trees that learn errors: the best question, nothing left over, the same rows the same trees."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor  # type: ignore[import-untyped]  # scikit-learn ships no types

from detectors.decay import error_features
from detectors.decay.error_trees import DRAWN_IN, LEAF_ROWS, MOST_ASKED, MOST_ROWS, grow, trees_from
from detectors.types import Category, Text


def coded(seed: int, rows: int) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.int64]], tuple[int, ...]]:
    """Return three columns of codes and their numbers of codes."""
    rng = np.random.default_rng(seed)
    sizes = (8, 30, 3)
    return np.stack([rng.integers(0, size, rows) for size in sizes]), sizes


def test_the_first_question_is_the_best_there_is() -> None:
    """With an interaction that no effect explains, the first cut is the one brute force finds."""
    codes, sizes = coded(1, 1_000)
    values = np.where((codes[0] > 3) ^ (codes[1] > 12), 1.0, -1.0) + np.random.default_rng(2).normal(0, 0.1, 1_000)
    grown = grow(codes, sizes, values, trees=1)
    effects = sum(grown.effects[first:][column] for column, first in zip(codes, grown.first.tolist(), strict=False))
    # The effects seen here were settled once more after the tree; with one tree of depth 1 they moved by little.
    left = values - grown.base - effects
    gains = {
        (column, cut): sum(
            float(left[side].sum()) ** 2 / (np.count_nonzero(side) + DRAWN_IN) for side in (codes[column] > cut, codes[column] <= cut)
        )
        for column, size in enumerate(sizes)
        for cut in range(size)
    }
    assert gains[int(grown.columns[0, 0]), int(grown.cuts[0, 0])] >= 0.8 * max(gains.values())


def test_hardly_anything_is_left_over_in_any_code() -> None:
    """In the rows that were learnt from, the mean of each code of each column is met to a hundredth of the values' spread."""
    codes, sizes = coded(3, 20_000)
    values = codes[0] * 0.5 + np.where(codes[1] > 12, codes[2], 0) + np.random.default_rng(4).normal(0, 1, 20_000)
    left = values - grow(codes, sizes, values).predict(codes)
    for column, size in zip(codes, sizes, strict=True):
        assert np.abs(np.bincount(column, left, minlength=size) / np.bincount(column, minlength=size)).max() < 0.01 * values.std()


def test_rows_are_predicted_about_as_well_as_by_scikit_learn() -> None:
    """On new rows with an interaction, the squared error is at most a tenth above that of histogram boosting, noise included."""
    codes, sizes = coded(5, 40_000)
    values = (
        codes[0] * 0.5 + np.where(codes[1] > 12, codes[2], 0) * np.where(codes[0] > 4, 2, 1) + np.random.default_rng(6).normal(0, 1, 40_000)
    )
    learnt, new = slice(0, 20_000), slice(20_000, 40_000)
    mine = grow(codes[:, learnt], sizes, values[learnt]).predict(codes[:, new])
    other = HistGradientBoostingRegressor(random_state=0).fit(codes[:, learnt].T, values[learnt]).predict(codes[:, new].T)
    assert np.mean((mine - values[new]) ** 2) <= 1.1 * np.mean((other - values[new]) ** 2)


def test_the_same_rows_lead_to_the_same_trees_and_no_prediction_exceeds_the_bound() -> None:
    """Twice the same bits; `plain` keeps all; the bound holds for every code there is."""
    codes, sizes = coded(7, 2_000)
    values = np.random.default_rng(8).exponential(3, 2_000)
    one, again = grow(codes, sizes, values), grow(codes, sizes, values)
    np.testing.assert_array_equal(one.predict(codes), again.predict(codes))
    np.testing.assert_array_equal(one.predict(codes), trees_from(one.plain()).predict(codes))
    assert np.abs(one.predict(codes)).max() <= one.bound


@pytest.mark.parametrize("rows", [LEAF_ROWS - 1, MOST_ROWS + 1])
def test_too_few_or_too_many_rows_are_refused(rows: int) -> None:
    """Fewer teach nothing; more would not be summed exactly."""
    with pytest.raises(ValueError, match=f"{rows} rows"):
        grow(np.zeros((1, rows), np.int64), (2,), np.zeros(rows))


def test_equal_values_are_predicted_as_they_are() -> None:
    """Nothing to learn is no fault."""
    codes, sizes = coded(9, 1_000)
    assert np.allclose(grow(codes, sizes, np.full(1_000, 2.5)).predict(codes), 2.5)


def test_columns_are_coded_missing_first() -> None:
    """0 is missing or unheard of; numbers rise; categories rise with their mean error; text and constants are left out."""
    errors = np.array([5.0, 1.0, 5.0, 1.0])
    category = error_features.learn("kind", Category.of(["bad", "good", "bad", "good"]), errors)
    number = error_features.learn("x", np.array([1.0, 2.0, 3.0, np.nan]), errors)
    assert category is not None
    assert number is not None
    assert category.code(Category.of(["bad", "good", None, "new"]), 4).tolist() == [2, 1, 0, 0]
    found = number.code(np.array([-9.0, 2.0, 9.0, np.nan]), 4)
    assert found[3] == 0
    assert np.all(np.diff(found[:3]) > 0)
    assert found.max() < number.size
    assert error_features.learn("note", Text(("a", "b", "c", "d")), errors) is None
    assert error_features.learn("same", np.ones(4), errors) is None


def test_of_many_columns_trees_ask_about_a_few_and_every_code_keeps_its_effect() -> None:
    """A hundred columns cost what thirty-two do; what the weakest of them moves is still expected."""
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 4, (100, 4_000))
    values = codes[:60].sum(axis=0) + 0.2 * codes[99]
    trees = grow(codes, [4] * 100, values, 5)
    assert len(np.unique(trees.columns)) <= MOST_ASKED
    left = values - trees.predict(codes)
    for column in codes:
        assert np.abs(np.bincount(column, left) / np.bincount(column)).max() < 0.05
