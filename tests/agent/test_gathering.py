"""Frames are joined on their way into the pipeline: what is counted is the same, and order is kept."""

import math
from collections.abc import Iterator

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.concatenation import concatenate
from agent.gathering import gathered
from agent.spool.frame import Frame
from detectors.types import Batch, Category, Column, Text

SECOND = 10**9


def rows(frames: list[Frame]) -> Iterator[tuple[str, str, str, dict[str, object]]]:
    """Yield every row with where it came from; columns that are all missing and columns left out are the same."""
    for frame in frames:
        batch = frame.batch
        if batch is None:
            continue
        for row in range(batch.rows):
            values = {name: value for name, column in batch.columns.items() if (value := _value(column, row)) is not None}
            yield frame.source, batch.endpoint, batch.kind, values


def _value(column: Column, row: int) -> object:
    if isinstance(column, Category):
        return column.decode()[row]
    value = column.values[row] if isinstance(column, Text) else column[row].item()
    missing = value is None or value is False or (isinstance(value, float) and math.isnan(value))
    return None if missing else value


@st.composite
def frames(draw: st.DrawFn) -> Frame:
    """A frame of calls as they come: some columns are left out, some times are missing."""
    count = draw(st.integers(1, 4))
    columns: dict[str, Column] = {"id": np.array(draw(st.lists(st.integers(1, 9), min_size=count, max_size=count)), np.uint64)}
    if draw(st.booleans()):
        columns["time"] = np.array(draw(st.lists(st.integers(1, 9), min_size=count, max_size=count)), np.int64)
    if draw(st.booleans()):
        columns["model"] = Category.of(draw(st.lists(st.sampled_from(["a", "b", None]), min_size=count, max_size=count)))
    if draw(st.booleans()):
        columns["response_id"] = Text(tuple(draw(st.lists(st.sampled_from(["x", None]), min_size=count, max_size=count))))
    if draw(st.booleans()):
        columns["throttled"] = np.array(draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    if draw(st.booleans()):
        columns["duration"] = np.array(draw(st.lists(st.sampled_from([0.5, np.nan]), min_size=count, max_size=count)))
    batch = Batch(draw(st.sampled_from(["chat", "shop"])), "calls", count, columns)
    empty = draw(st.integers(0, 9)) == 0
    return Frame(None if empty else batch, draw(st.sampled_from(["otlp", "files"])), None, draw(st.integers(1, 4)) * SECOND)


@given(st.lists(frames(), max_size=12))
def test_the_same_rows_in_the_same_order(given_frames: list[Frame]) -> None:
    """Joining loses, adds and moves no row; one without a time has that of its own arrival."""
    expected = [
        (source, endpoint, kind, {"time": arrival, **values})
        for frame, arrival in ((one, one.received) for one in given_frames)
        for source, endpoint, kind, values in rows([frame])
    ]
    found = [
        (source, endpoint, kind, {"time": frame.received, **values})
        for frame in gathered(given_frames)
        for source, endpoint, kind, values in rows([frame])
    ]

    assert found == expected


def test_small_neighbours_become_one() -> None:
    """Frames of one second, source, endpoint and kind are one; another source, a second later, or too many rows begin anew."""
    batch = Batch("chat", "calls", 3000, {"id": np.arange(3000, dtype=np.uint64), "time": np.ones(3000, np.int64)})
    cases = [
        ([(0, "a"), (0, "a")], [6000]),
        ([(0, "a"), (0, "b")], [3000, 3000]),
        ([(0, "a"), (2, "a")], [3000, 3000]),
        ([(0, "a")] * 3, [6000, 3000]),
    ]
    for arrivals, sizes in cases:
        found = gathered([Frame(batch, source, None, second * SECOND) for second, source in arrivals])
        assert [frame.batch.rows for frame in found if frame.batch is not None] == sizes


def test_columns_of_two_types_stay_apart() -> None:
    """A column that was a number and is a category now is not forced into one of them."""
    number = Batch("m", "rows", 1, {}, {"size": np.array([1.0])})
    word = Batch("m", "rows", 1, {}, {"size": Category.of(["XL"])})

    assert len(list(gathered([Frame(one, "files", None, SECOND) for one in (number, word, number)]))) == 3


def test_a_column_some_lack_is_missing_there() -> None:
    """Null, NaN, 0 and false, by the kind of column."""
    full = Batch(
        "e",
        "calls",
        1,
        {"id": np.array([7], np.uint64), "throttled": np.array([True]), "duration": np.array([1.0]), "model": Category.of(["a"])},
    )
    both = concatenate([full, Batch("e", "calls", 1, {})])

    assert {name: column.dtype.str for name, column in both.columns.items() if isinstance(column, np.ndarray)} == {
        "id": "<u8",
        "throttled": "|b1",
        "duration": "<f8",
    }
    assert _value(both.columns["model"], 1) is _value(both.columns["throttled"], 1) is _value(both.columns["duration"], 1) is None
    assert _value(both.columns["id"], 1) == 0


def test_requests_of_metrics_stay_apart() -> None:
    """What one request tells of duration and tokens is read together, whenever it is read: a frame each."""
    sent = [Frame(Batch("chat", "call_counts", 1, {"time": np.array([1])}), "otlp", None, time) for time in (1, 2)]
    assert list(gathered(sent)) == sent
