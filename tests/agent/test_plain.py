"""State as bytes: what goes in comes out, and nothing else comes in."""

import contextlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from agent.errors import ConfigError, InputError
from agent.plain import VERSION, pack, unpack

DTYPES = (np.bool_, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint32, np.uint64, np.float32, np.float64)
ANY_TEXT = st.text(st.characters(), max_size=8)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**200), 2**200)
    | st.floats()
    | ANY_TEXT
    | st.binary(max_size=20)
    | st.sampled_from(DTYPES).flatmap(
        lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
    )
)
PLAIN = st.dictionaries(
    ANY_TEXT,
    st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4), max_leaves=12),
    max_size=4,
)


def same(left: Any, right: Any) -> bool:
    """Tell whether two values are equal with their types, NaN included."""
    if isinstance(left, np.ndarray):
        return bool(left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes())
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and (left == right or (left != left and right != right))  # noqa: PLR0124  # NaN


@settings(deadline=None)
@given(PLAIN)
def test_round_trip(value: dict[str, Any]) -> None:
    """Every plain value comes back as it was: integers of any size, NaN, lone surrogates, arrays of any shape."""
    assert same(value, unpack(pack(value)))


def test_arrays_come_back_writable_and_little_endian() -> None:
    """A detector may go on counting into the arrays it saved."""
    restored = unpack(pack({"counts": np.arange(3, dtype=">i8")}))["counts"]
    restored += 1
    assert restored.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    "value", [object(), {1, 2}, np.array(["a"]), np.array([object()]), np.array([1j])], ids=["object", "set", "text", "objects", "complex"]
)
def test_nothing_else_is_kept(value: object) -> None:
    """What is no data is refused when it is saved, not when it is needed."""
    with pytest.raises(TypeError):
        pack({"state": value})


def test_a_newer_format_is_refused() -> None:
    """State of a newer driftline is never misread."""
    with pytest.raises(ConfigError, match="newer driftline"):
        unpack(bytes((VERSION + 1,)) + pack({})[1:])


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=40))
def test_foreign_bytes_are_an_input_error(data: bytes) -> None:
    """Bytes that are no state raise a sentence, whatever they are."""
    with contextlib.suppress(InputError):
        unpack(bytes((VERSION,)) + data)
    with pytest.raises(InputError):
        unpack(b"")
