"""Frames: a batch comes back as it was, and damaged bytes never become one."""

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from agent.errors import ConfigError, DriftlineError, InputError
from agent.spool.frame import VERSION, Frame, cursor_of, decode, encode
from detectors.types import Batch, Category, Column, Text

ANY_TEXT = st.text(st.characters(), max_size=8)


def columns(rows: int) -> st.SearchStrategy[Column]:
    """Columns of every type there is, of that many rows."""
    numbers = [arrays.arrays(dtype, rows) for dtype in (np.float64, np.int64, np.uint64, np.bool_)]
    category = st.lists(st.none() | ANY_TEXT, min_size=rows, max_size=rows).map(Category.of)
    text = st.lists(st.none() | ANY_TEXT, min_size=rows, max_size=rows).map(lambda values: Text(tuple(values)))
    return st.one_of(*numbers, category, text)


@st.composite
def frames(draw: st.DrawFn) -> Frame:
    """Frames with and without batch and cursor."""
    rows = draw(st.integers(0, 9))
    named = st.dictionaries(ANY_TEXT, columns(rows), max_size=4)
    batch = Batch(draw(ANY_TEXT), draw(st.sampled_from(["calls", "call_parts", "rows"])), rows, draw(named), draw(named))
    cursor = draw(st.none() | st.dictionaries(ANY_TEXT, st.integers() | ANY_TEXT, max_size=3))
    return Frame(draw(st.sampled_from([None, batch])), draw(ANY_TEXT), cursor, draw(st.integers(0, 2**63 - 1)))


def same_columns(left: Mapping[str, Column], right: Mapping[str, Column]) -> bool:
    """Tell whether names, order, types and values are equal, NaN bit by bit."""

    def parts(column: Column) -> tuple[Any, ...]:
        if isinstance(column, Category):
            return ("category", column.codes.tobytes(), column.values)
        if isinstance(column, Text):
            return ("text", column.values)
        return (column.dtype, column.tobytes())

    return list(left) == list(right) and all(parts(left[name]) == parts(right[name]) for name in left)


@settings(deadline=None)
@given(frames())
def test_round_trip(frame: Frame) -> None:
    """Columns of every type, cursor and source come back as they were."""
    data = encode(frame)
    found = decode(memoryview(data))
    assert len(data) % 8 == 0
    assert (found.source, found.cursor, found.received) == (frame.source, frame.cursor, frame.received)
    assert cursor_of(data) == (None if frame.cursor is None else (frame.source, frame.cursor))
    if frame.batch is None or found.batch is None:
        assert frame.batch is found.batch
    else:
        assert (found.batch.endpoint, found.batch.kind, found.batch.rows) == (frame.batch.endpoint, frame.batch.kind, frame.batch.rows)
        assert same_columns(found.batch.columns, frame.batch.columns)
        assert same_columns(found.batch.features, frame.batch.features)


@settings(deadline=None, max_examples=300)
@given(frames(), st.data())
def test_damaged_bytes_raise_a_sentence(frame: Frame, data: st.DataObject) -> None:
    """Should a CRC ever lie: cut or changed bytes give a frame or an error for people, nothing else."""
    whole = bytearray(encode(frame))
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    for damaged in (bytes(whole), encode(frame)[: data.draw(st.integers(0, len(whole) - 1))]):
        try:
            found = decode(damaged)
        except DriftlineError:
            continue
        if found.batch is not None:
            assert all(len(column) == found.batch.rows for column in (*found.batch.columns.values(), *found.batch.features.values()))


def test_a_newer_format_is_refused() -> None:
    """A frame of a newer driftline is never misread."""
    data = bytearray(encode(Frame(None, "otlp", None, 1)))
    data[0] = VERSION + 1
    with pytest.raises(ConfigError, match="newer driftline"):
        decode(bytes(data))


def test_columns_copy_nothing_and_are_aligned() -> None:
    """Arrays are read-only views of the bytes that were read, at multiples of their size."""
    data = encode(Frame(Batch("e", "rows", 3, {"time": np.arange(3), "ok": np.ones(3, np.bool_), "x": np.ones(3)}), "s", None, 1))
    batch = decode(data).batch
    assert batch is not None
    for column in batch.columns.values():
        assert isinstance(column, np.ndarray)
        assert not column.flags.owndata
        assert not column.flags.writeable
        assert column.flags.aligned


@pytest.mark.parametrize("column", [np.ones(2), Category.of(["a"]), np.ones(3, np.float32)], ids=["short", "short category", "float32"])
def test_columns_that_do_not_fit_are_refused_when_written(column: Column) -> None:
    """A column of another length or type is the sender's mistake and never reaches the disk."""
    with pytest.raises(ValueError, match="column 'x'"):
        encode(Frame(Batch("e", "rows", 3, {"x": column}), "s", None, 1))


def test_bytes_of_something_else_are_an_input_error() -> None:
    """A head that promises more than there is."""
    with pytest.raises(InputError):
        decode(b"\x01\x00\x00\x00\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00")


def test_a_frame_of_1000_calls_decodes_fast() -> None:
    """The pipeline gets a frame of 1000 calls in a fraction of a millisecond of its thread's time (0.2 ms; asserted with room for a busy machine)."""
    numbers = {f"number{index}": np.random.default_rng(index).random(1000) for index in range(12)}
    categories = {f"category{index}": Category(np.zeros(1000, np.int32), ("live", "x")) for index in range(10)}
    text = {"response_id": Text(tuple(f"chatcmpl-{index:029d}" for index in range(1000)))}
    data = encode(Frame(Batch("chat", "calls", 1000, {**numbers, **categories, **text}), "otlp", None, 1))
    best = min(_cpu_seconds(data) for _ in range(20))
    assert best < 0.001


def _cpu_seconds(data: bytes) -> float:
    start = time.thread_time()
    decode(data)
    return time.thread_time() - start
