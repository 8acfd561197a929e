"""Cells and counts: the golden vectors, and integers that no cut, order or process changes."""

import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.drift import float_bits
from detectors.drift.counting import Counted, count, means, tally
from detectors.drift.grid import CategoryGrid, Grid, NumericGrid, fit_categories, fit_numeric, from_plain, set_aside, unseen_rate
from detectors.types import Category, Column

GOLDEN = json.loads((Path(__file__).parents[1] / "data" / "statistics" / "golden.json").read_text())["counting"]
NUMERIC = [case for case in GOLDEN if case["kind"] == "numeric"]
CATEGORICAL = [case for case in GOLDEN if case["kind"] != "numeric"]


def numbers(values: list[Any]) -> NDArray[np.float64]:
    """Read golden values: null is missing, infinities are strings."""
    return np.array([np.nan if value is None else float(value) for value in values])


@pytest.mark.parametrize("case", NUMERIC, ids=lambda case: case["name"])
def test_numeric_cells_are_the_golden_ones(case: dict[str, Any]) -> None:
    """Edges, atoms and both count vectors equal the golden file."""
    grid = fit_numeric(numbers(case["reference"]), case["k"])
    assert grid.edges.tolist() == case["edges"]
    assert grid.atoms.tolist() == case["atoms"]
    assert count(grid, numbers(case["reference"])).tolist() == case["reference_counts"]
    assert count(grid, numbers(case["current"])).tolist() == case["current_counts"]


@pytest.mark.parametrize("case", CATEGORICAL, ids=lambda case: case["name"])
def test_categorical_cells_are_the_golden_ones(case: dict[str, Any]) -> None:
    """Kept and further values and both count vectors equal the golden file."""
    grid = fit_categories(Category.of(case["reference"]), case["top"])
    assert list(grid.kept) == case["kept"]
    assert sorted(grid.other) == sorted(case["other"])
    assert count(grid, Category.of(case["reference"])).tolist() == case["reference_counts"]
    assert count(grid, Category.of(case["current"])).tolist() == case["current_counts"]


ANY_FLOAT = st.floats(width=64) | st.sampled_from([0.0, -0.0, 1.0, 2.0, np.nan, np.inf, -np.inf, 1.7e308, -1.7e308, 5e-324])
FLOATS = st.lists(ANY_FLOAT, max_size=60).map(lambda values: np.array(values, np.float64))


@given(FLOATS, FLOATS)
def test_counts_are_what_the_definition_says(reference: NDArray[np.float64], current: NDArray[np.float64]) -> None:
    """Cell of x = number of edges <= x; whatever is not finite is missing; every row is counted once."""
    grid = fit_numeric(reference, 8)
    expected = [0] * grid.columns
    for value in current.tolist():
        expected[sum(edge <= value for edge in grid.edges.tolist()) if np.isfinite(value) else -1] += 1
    counted = tally(grid, current)
    assert counted.cells.tolist() == expected
    finite = current[np.isfinite(current)]
    assert counted.below == np.count_nonzero(finite < grid.low)
    assert counted.above == np.count_nonzero(finite > grid.high)


@given(FLOATS, FLOATS, st.lists(st.integers(0, 60), max_size=4), st.randoms(use_true_random=False))
@settings(max_examples=200)
def test_cut_and_order_change_no_bit(reference: NDArray[np.float64], current: NDArray[np.float64], cuts: list[int], random: Any) -> None:
    """Counts, sums and out-of-range rows add up to the same integers however rows are ordered and cut."""
    grid = fit_numeric(reference, 8)
    whole = tally(grid, current)
    order = list(range(len(current)))
    random.shuffle(order)
    parts = [tally(grid, part) for part in np.split(current[np.array(order, np.intp)], sorted(min(cut, len(order)) for cut in cuts))]
    assert sum(part.cells for part in parts).tolist() == whole.cells.tolist()  # type: ignore[union-attr]  # never empty
    assert sum(_sums(part) for part in parts).tolist() == _sums(whole).tolist()  # type: ignore[union-attr]  # never empty
    assert (sum(part.below for part in parts), sum(part.above for part in parts)) == (whole.below, whole.above)


def _sums(counted: Counted) -> NDArray[np.int64]:
    assert counted.sums is not None
    return counted.sums


def _counted(work: tuple[Grid, Column]) -> tuple[list[int], list[int]]:
    counted = tally(*work)
    return counted.cells.tolist(), _sums(counted).tolist()


def test_two_processes_merge_to_the_same_integers() -> None:
    """Halves counted in other processes add up to what one process counts."""
    values = np.random.default_rng(1).lognormal(0, 2, 20_000)
    values[::17] = np.nan
    grid = fit_numeric(values[:5000])
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        left, right = pool.map(_counted, [(grid, values[:777]), (grid, values[777:])])
    whole = tally(grid, values)
    assert (np.add(left[0], right[0])).tolist() == whole.cells.tolist()
    assert (np.add(left[1], right[1])).tolist() == _sums(whole).tolist()


@pytest.mark.parametrize("dtype", [np.bool_, np.int8, np.int64, np.uint64, np.float32])
def test_narrow_types_count_as_their_float64(dtype: type[np.generic]) -> None:
    """A column counts the same in its own type and widened."""
    values = np.random.default_rng(2).integers(0, 100, 1000).astype(dtype)
    grid = fit_numeric(values.astype(np.float64))
    assert count(grid, values).tolist() == count(grid, values.astype(np.float64)).tolist()
    assert fit_numeric(values).edges.tolist() == grid.edges.tolist()


def test_cell_means_are_the_means_of_the_values() -> None:
    """Fixed-point sums give each cell's mean to 1e-7; values beyond the reference count as its end."""
    random = np.random.default_rng(3)
    reference = random.normal(5, 2, 10_000)
    reference[0] = 150
    grid = fit_numeric(reference)
    current = random.normal(6, 3, 5000)
    counted = tally(grid, current)
    place = np.searchsorted(grid.edges, current, side="right")
    clipped = np.clip(current, grid.low, grid.high)
    found = means(grid, counted.cells, _sums(counted))
    for cell in range(127):
        assert found[cell] == pytest.approx(clipped[place == cell].mean(), abs=1e-7)
    assert found[127] == pytest.approx(clipped[place == 127].mean(), abs=1e-6)


def test_a_column_that_changes_type_has_a_stated_answer() -> None:
    """Text in a numeric grid is read as numbers, the rest are type errors; numbers in a categorical grid by their spelling."""
    numeric = fit_numeric(np.array([1.0, 2.0, 3.0, 4.0]), 2)
    counted = tally(numeric, Category.of(["1", " 2.5e0 ", "9", "", None, "nan", "oops", "oops", "1_0"]))
    assert counted.cells.tolist() == [1, 2, 6]
    assert (counted.type_errors, counted.below, counted.above) == (3, 0, 1)
    categories = fit_categories({"1": 9, "2": 8, "red": 7, "true": 1}, 3)
    counted = tally(categories, np.array([1.0, 2.0, 2.0, 7.5, np.nan]))
    assert counted.cells.tolist() == [1, 2, 0, 0, 0, 2]
    assert counted.type_errors == 1
    assert tally(categories, np.array([True, False])).cells.tolist() == [0, 0, 0, 1, 0, 1]


def test_categories_across_batches_with_other_dictionaries() -> None:
    """Codes mean what their batch's dictionary says; long names are one category up to 64 characters."""
    grid = fit_categories({"a": 3, "b": 2, "x" * 64: 1}, 2)
    assert count(grid, Category.of(["b", "a", None, "z"])).tolist() == [1, 1, 0, 1, 1]
    assert count(grid, Category.of(["x" * 70, "b"])).tolist() == [0, 1, 1, 0, 0]


def test_columns_that_identify_or_tell_are_set_aside() -> None:
    """Ids and free text are named with the reason; tail numbers, users and 5,000 frequent categories are not."""
    assert "id" in str(set_aside({f"id {number}": 1 for number in range(1000)}))
    assert "text" in str(set_aside({f"a long sentence about order number {number % 300}": 5 for number in range(300)}))
    assert set_aside({f"N{number}": 20 for number in range(4000)}) is None
    assert unseen_rate({f"c{number}": 10 for number in range(5000)}) == pytest.approx(2**-9)
    assert fit_categories({f"c{number}": 10 for number in range(5000)}).columns == 23
    assert set_aside({}) is None


def test_unseen_rate_is_what_a_random_half_sees() -> None:
    """The formula equals the mean over real half/half splits."""
    random = np.random.default_rng(4)
    values = random.zipf(1.5, 2000)
    names, counts = np.unique(values, return_counts=True)
    shares = []
    for _ in range(200):
        side = random.integers(0, 2, len(values)).astype(bool)
        shares.append(np.mean(~np.isin(values[side], values[~side])))
    expected = unseen_rate(dict(zip(map(str, names.tolist()), counts.tolist(), strict=True)))
    assert np.mean(shares) == pytest.approx(expected, rel=0.03)


@given(FLOATS, FLOATS)
@settings(max_examples=200)
def test_cutting_float_bits_loses_nothing(early: NDArray[np.float64], late: NDArray[np.float64]) -> None:
    """Rows tallied before a grid existed, cut later, give the cells that counting the rows themselves gives."""
    grid = float_bits.fit(float_bits.tally(early)[0], 8)
    for column in (early, late):
        bits, missing = float_bits.tally(column)
        vector = float_bits.recut(bits, grid)
        vector[-1] = missing
        assert vector.tolist() == count(grid, column).tolist()


@given(FLOATS)
def test_float_bit_cells_rise_with_the_values(values: NDArray[np.float64]) -> None:
    """A larger value never lies in a lower cell, and each cell's lower end is its smallest value."""
    ordered = np.sort(values[np.isfinite(values)])
    cells = float_bits.cells(ordered)
    assert np.all(np.diff(cells) >= 0)
    ends = float_bits.lower(cells)
    assert np.all(ends <= ordered)
    assert np.array_equal(float_bits.cells(ends), cells)


@pytest.mark.parametrize("offset", [0.0, 285.0, 2000.0, 1e5])
def test_float_bits_find_the_quantiles(offset: float) -> None:
    """Edges cut from bits hold the shares that exact quantiles hold, as far as cells of 0.4 % allow."""
    values = np.random.default_rng(5).normal(offset, 1 + offset / 50, 4000)
    grid = float_bits.fit(float_bits.tally(values)[0])
    shares = count(grid, values)[:-1] / len(values)
    assert np.max(shares) < 0.1
    assert grid.spread == pytest.approx(1 + offset / 50, rel=0.15)


@pytest.mark.parametrize("grid", [fit_numeric(np.array([1.0, 1.0, 2.0, 9.0]), 4), fit_categories({"a": 2, "b": 1}, 1)])
def test_a_grid_survives_saving(grid: Grid) -> None:
    """A grid taken back from data counts as before."""
    again = from_plain(grid.plain())
    if isinstance(grid, NumericGrid):
        assert isinstance(again, NumericGrid)
        assert again.keys.tolist() == grid.keys.tolist()
    else:
        assert isinstance(again, CategoryGrid)
        assert again == grid


def test_ten_million_rows_in_one_cell_do_not_overflow() -> None:
    """Sums of 10^7 equal rows keep their mean."""
    grid = fit_numeric(np.arange(1000.0))
    one = tally(grid, np.full(10_000, 998.5))
    cells, sums = one.cells * 1000, _sums(one) * 1000
    assert cells.sum() == 10_000_000
    assert np.nanmax(means(grid, cells, sums)) == pytest.approx(998.5)
