"""References built from rows that are read twice: bounded, the same for every cut, columns chosen as live ones are."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from detectors.drift.baseline import KEPT_VALUES, BaselineBuilder
from detectors.drift.drift import Drift
from detectors.drift.grid import NumericGrid, fit_numeric
from detectors.drift.state import DriftState
from detectors.types import Batch, Category, Column, Text, Window

START = datetime(2025, 1, 6, tzinfo=UTC)


def window(number: int) -> Window:
    """Return the n-th day."""
    return Window(START + timedelta(days=number), START + timedelta(days=number + 1))


def batch(features: dict[str, Column]) -> Batch:
    """Return rows of these features."""
    return Batch("e", "rows", len(next(iter(features.values()))), {}, features)


def built(batches: Sequence[tuple[Batch, Window | None]]) -> DriftState:
    """Return the reference of batches with their windows."""
    builder = BaselineBuilder()
    for one, _ in batches:
        builder.learn(one)
    builder.fix()
    for one, when in batches:
        builder.count(one, when)
    return builder.state()


def test_the_cut_of_the_rows_changes_nothing() -> None:
    """A file read in one piece, in pieces of 1,000 and in pieces of 17 leads to the same reference, also beyond the sample."""
    random = np.random.default_rng(1)
    rows = 2 * KEPT_VALUES + 12_345
    whole = batch({"x": random.lognormal(0, 2, rows), "c": Category(random.integers(0, 9, rows).astype(np.int32), tuple("abcdefghi"))})
    states = []
    for size in (rows, 100_000, 1717):
        parts = [whole.take(np.arange(start, min(start + size, rows))) for start in range(0, rows, size)]
        states.append(built([(part, None) for part in parts]))
    first = states[0]
    for other in states[1:]:
        for left, right in zip(first.cells, other.cells, strict=True):
            assert left.file is not None
            assert right.file is not None
            assert left.file.tolist() == right.file.tolist()
            assert repr(left.grid.plain()) == repr(right.grid.plain())
            assert left.means.tolist() == right.means.tolist()


def test_cells_of_a_thinned_column_are_close_to_the_exact_ones() -> None:
    """Beyond the sample each cell still holds about 1/128 of the rows, and the range is exact."""
    random = np.random.default_rng(2)
    values = random.standard_t(2, 5 * KEPT_VALUES)
    state = built([(batch({"x": part}), None) for part in np.array_split(values, 40)])
    (known,) = state.cells
    assert isinstance(known.grid, NumericGrid)
    assert (known.grid.low, known.grid.high) == (values.min(), values.max())
    assert known.file is not None
    assert known.file.sum() == len(values)
    assert np.max(np.abs(known.file[:-1] / len(values) * 128 - 1)) < 0.2


def test_a_short_column_gets_exact_cells_and_means() -> None:
    """Up to the size of the sample the cells are those of all values; means are those of the values."""
    values = np.random.default_rng(3).normal(10, 3, 5000)
    (known,) = built([(batch({"x": values}), None)]).cells
    assert isinstance(known.grid, NumericGrid)
    assert known.grid.edges.tolist() == fit_numeric(values).edges.tolist()
    assert np.nansum(known.means * known.file[:-1]) / 5000 == pytest.approx(values.mean())  # type: ignore[index]  # a file has counts


def test_columns_that_cannot_be_watched_are_named() -> None:
    """Ids, running numbers, free text and more than 5,000 values are set aside with the reason; a column of mixed types is what most rows are."""
    rows = 6000
    builder = BaselineBuilder()
    reasons: dict[str, Column] = {
        "id": Category.of([f"order {number}" for number in range(rows)]),
        "zip": Category(np.arange(rows, dtype=np.int32) % 5500, tuple(f"z{number}" for number in range(5500))),
        "note": Text(("hello",) * rows),
        "x": np.arange(rows, dtype=np.float64) % 100,
        "counter": np.arange(rows, dtype=np.float64) + 7,
    }
    builder.learn(batch(reasons))
    builder.learn(batch({"x": Category.of(["7.5", "n/a"])}))
    aside = builder.fix()
    assert set(aside) == {"id", "zip", "note", "counter"}
    builder.count(batch({"x": Category.of(["7.5", "n/a"] * 20)}), None)
    (known,) = builder.state().cells
    assert known.file is not None
    assert known.file[-1] == 20


def test_windows_arrive_in_any_order_and_small_ones_count_nowhere() -> None:
    """Windows are sorted by time, may be counted in parts, and need 30 rows."""
    random = np.random.default_rng(4)
    parts = [(batch({"x": random.normal(size=20 if n == 7 else 100)}), window(n)) for n in range(20)]
    forward, backward = built(parts), built([*parts[10:], *parts[:10]])
    assert [one.day for one in forward.windows] == [START.toordinal() + n for n in range(20) if n != 7]
    assert [one.day for one in backward.windows] == [one.day for one in forward.windows]
    split = built([(piece, when) for one, when in parts for piece in (one.take(np.arange(10)), one.take(np.arange(10, one.rows)))])
    assert [one.packed for one in split.windows] == [one.packed for one in forward.windows]
    assert forward.used == 19


def test_nothing_to_build_from_is_a_fresh_start() -> None:
    """Without rows the detector starts as without a reference."""
    builder = BaselineBuilder()
    builder.fix()
    state = Drift().restore(builder.state().plain())
    assert state.cells == ()
    assert state.windows == ()


def test_wanted_features_only() -> None:
    """A builder watches what its detector watches."""
    builder = BaselineBuilder(("x",))
    builder.learn(batch({"x": np.arange(50.0), "y": np.arange(50.0)}))
    builder.fix()
    assert [known.name for known in builder.state().cells] == ["x"]
