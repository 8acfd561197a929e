"""Reading texts and fractions without a message."""

import math
from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from agent.sources.otlp.marks import start_of
from agent.sources.otlp.usual_form import fraction, text

NAME = "gen_ai.input.messages"
START = start_of(NAME) or b""


def _stock(attribute: bytes) -> Any:
    value = KeyValue.FromString(attribute).value
    return getattr(value, value.WhichOneof("value") or "string_value")


def _never(attribute: bytes) -> Any:
    raise AssertionError(attribute)


def _same(found: Any) -> Any:
    return found


EDGES = (0, 1, 2**7, 2**14, 2**21)


@pytest.mark.parametrize("size", sorted({edge + by for edge in EDGES for by in range(-8, 9) if edge + by >= 0}))
def test_a_text_of_any_length_is_what_was_sent(size: int) -> None:
    """Around every length at which protobuf needs another byte for it; hardly one goes the long way."""
    sent = "ä" * (size // 2) + "x" * (size % 2)
    attribute = KeyValue(key=NAME, value=AnyValue(string_value=sent)).SerializeToString()
    assert text(START, _same, _never)(attribute) == sent


@given(
    st.sampled_from([NAME, "gen_ai.input.message", "gen_ai.input.messages2", ""]), st.text() | st.floats() | st.integers(0, 9) | st.binary()
)
def test_every_attribute_reads_as_the_stock_message_has_it(name: str, sent: Any) -> None:
    """Whatever its name and type."""
    kind = {str: "string_value", float: "double_value", int: "int_value", bytes: "bytes_value"}[type(sent)]
    attribute = KeyValue(key=name, value=AnyValue(**{kind: sent})).SerializeToString()
    for read in (text, fraction):
        found = read(START, _same, _stock)(attribute)
        assert found == sent or math.isnan(found)


@given(st.binary(max_size=300))
def test_bytes_of_any_kind_read_as_the_stock_message_has_them(tail: bytes) -> None:
    """Another order, fields twice, lengths written in more bytes than they need: what the stock message makes of it."""
    for attribute in (START + tail, START + b"\x12" + tail, tail):
        try:
            expected = _stock(attribute)
        except DecodeError:
            with pytest.raises(DecodeError):
                text(START, _same, _stock)(attribute)
        else:
            assert repr(text(START, _same, _stock)(attribute)) == repr(expected)


def test_a_text_that_is_no_utf_8_is_malformed() -> None:
    """As the stock message has it."""
    with pytest.raises(DecodeError):
        text(START, _same, _stock)(START + b"\x12\x04\n\x02\xff\xfe")
