"""What is worked out once for spans that are alike is what each of them would have given alone."""

from collections import Counter
from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from agent.config import Endpoint
from agent.sources.otlp import azure, shape, trace_message
from agent.sources.otlp.call import complete, filter_entries, operation
from agent.sources.otlp.decode_traces import decode_traces
from agent.sources.otlp.decoded import Decoded
from agent.sources.otlp.dialects import FIELDS, At, Inside
from agent.sources.otlp.fault import Refused
from agent.sources.otlp.rules import RULES, read
from agent.sources.otlp.shape import shape_of
from agent.sources.otlp.wire import check_items


class Anywhere:
    """One endpoint."""

    def route(self, _resource: dict[str, str], _host: str) -> Endpoint:
        """Return it."""
        return Endpoint("chat")


def _array(texts: list[str]) -> AnyValue:
    value = AnyValue()
    value.array_value.SetInParent()
    for text in texts:
        value.array_value.values.add(string_value=text)
    return value


NAMES = sorted(place.attribute for places in FIELDS.values() for place in places if isinstance(place, At))
OTHERS = ["gen_ai.prompt.0.content", "gen_ai.completion.1.role", "llm.tools.0.x", "gen_ai.new.3", "gen_ai.tool.name", "server.port", ""]
DOCUMENT = '{"model": "m", "id": "i", "usage": {"prompt_tokens": 3}, "choices": [{"finish_reason": "stop"}]}'
VALUES = st.one_of(
    st.sampled_from(
        ["", "chat", "LLM", "openai", "gpt-4o", "stop", '["stop"]', '"quoted"', "7", "x" * 300, "text\n", DOCUMENT, "true", "live"]
    ).map(lambda text: AnyValue(string_value=text)),
    st.integers(-2, 300).map(lambda value: AnyValue(int_value=value)),
    st.sampled_from([0.0, -1.0, 0.25, float("nan"), float("inf")]).map(lambda value: AnyValue(double_value=value)),
    st.booleans().map(lambda value: AnyValue(bool_value=value)),
    st.lists(st.sampled_from(["stop", "length", ""]), max_size=2).map(_array),
    st.just(AnyValue()),
)


def _alone(attributes: list[KeyValue]) -> tuple[Any, ...]:
    unmapped: Counter[str] = Counter()
    found, ranks = read(attributes, unmapped)
    called, host = operation(found, ranks), azure.host(found)
    if called is not None:
        complete(found, ranks, called, host, filtered=bool(filter_entries(found)))
    return sorted(found.items()), called, host, unmapped


def _together(attributes: list[KeyValue], like: list[KeyValue]) -> tuple[Any, ...]:
    encoded, others = ([attribute.SerializeToString() for attribute in listed] for listed in (attributes, like))
    known = shape_of(encoded, shape_of(others))
    found = known.read(encoded)
    if known.called is not None and not known.settled:
        complete(found, dict(known.ranks), known.called, known.host, filtered=bool(filter_entries(found)))
    return sorted(found.items()), known.called, known.host, known.unmapped


ATTRIBUTES = st.lists(st.builds(KeyValue, key=st.sampled_from(NAMES + OTHERS), value=VALUES), max_size=12)


@given(ATTRIBUTES, ATTRIBUTES, st.data())
def test_a_span_says_the_same_alone_and_by_its_shape(attributes: list[KeyValue], before: list[KeyValue], data: st.DataObject) -> None:
    """Any attributes in any order, twice or of the wrong type: the same fields, whatever span came before."""
    alike = [KeyValue(key=attribute.key, value=data.draw(VALUES)) for attribute in attributes]
    expected = repr(_alone(attributes))
    for like in (before, alike, attributes):
        assert repr(_together(attributes, like)) == expected


def test_fields_whose_values_vary_come_from_attributes_first() -> None:
    """A shape knows no rank of such a field; it needs none while every attribute goes before every document."""
    for places in FIELDS.values():
        rules = [RULES[place.attribute] for place in places if isinstance(place, At)]
        varied = {rule.varied for rule in rules if rule is not None}
        assert len(varied) <= 1
        if varied == {True}:
            kinds = [isinstance(place, Inside) for place in places]
            assert kinds == sorted(kinds)


def _request(*attributes: bytes, called: bool = True, identity: bytes = b"2" * 8) -> bytes:
    """Return a request of one span with these attributes, which the stock messages would refuse to hold."""
    request: Any = trace_message.parse(b"")
    made = request.resource_spans.add().scope_spans.add().spans.add(trace_id=b"1" * 16, span_id=identity)
    made.attributes.append(
        KeyValue(key="gen_ai.operation.name", value=AnyValue(string_value="chat" if called else "chain")).SerializeToString()
    )
    made.attributes.extend(attributes)
    encoded: bytes = request.SerializeToString()
    return encoded


def _decode(body: bytes) -> Decoded:
    return decode_traces(trace_message.parse(body), Anywhere(), content=True)


@pytest.mark.parametrize(
    "name", [b"gen_ai.response.id", b"gen_ai.input.messages", b"gen_ai.usage.input_tokens", b"gen_ai.request.model", b"no.one"]
)
@pytest.mark.parametrize("called", [True, False])
@pytest.mark.parametrize("identity", [b"2" * 8, b"", b"short"])
@pytest.mark.parametrize("value", [b"\x12\x04\x0a\x02\xff\xfe", b"\x12\x09\x0a", b"\x12\x01\xff", b"\x0b"])
def test_a_malformed_attribute_is_the_whole_request_s_fault(name: bytes, value: bytes, identity: bytes, called: bool) -> None:  # noqa: FBT001 - a parameter
    """Bad UTF-8 or a length that does not fit, in an attribute that is read or not, of a call, another span or a rejected one."""
    attribute = b"\x0a" + bytes([len(name)]) + name + value
    with pytest.raises(DecodeError):
        ExportTraceServiceRequest.FromString(_request(attribute, called=called, identity=identity))
    for _ in range(2):
        with pytest.raises(DecodeError):
            _decode(_request(attribute, called=called, identity=identity))


def test_attributes_in_an_unusual_form_are_read() -> None:
    """Protobuf allows the value before the key, a key in pieces, and lengths with leading zeros."""
    key, value = b"\x0a\x1agen_ai.usage.output_tokens", b"\x12\x02\x18\x07"
    for attribute in (key + value, value + key, b"\x0a\x01x" + key + value, b"\x0a\x9a\x00" + key[2:] + value, key + b"\x12\x00" + value):
        (batch,) = _decode(_request(attribute)).batches
        assert batch.columns["output_tokens"].tolist() == [7.0]  # type: ignore[union-attr]  # a number


def _memories() -> list[Any]:
    return [memory for memory in (*vars(shape).values(), *vars(shape._marks).values()) if isinstance(memory, dict)]


def test_no_text_is_remembered() -> None:
    """What a prompt, an answer or an error says is gone with its request, however short."""
    for name in (
        "gen_ai.input.messages",
        "output.value",
        "gen_ai.prompt.0.content",
        "langfuse.observation.status_message",
        "gen_ai.usage.input_tokens",
        "gen_ai.tool.call.arguments",
        "gen_ai.made.up",
        "no.one",
    ):
        _decode(_request(KeyValue(key=name, value=AnyValue(string_value="my secret")).SerializeToString()))
    assert "my secret" not in repr(_memories())


def test_memory_is_bounded() -> None:
    """Values and names made up anew in each span: what is remembered of them has an end."""
    for number in range(12_000):
        pairs = {"gen_ai.request.model": f"m{number}", "gen_ai.usage.input_tokens": str(number), f"gen_ai.prompt.{number}.content": "x"}
        encoded = [KeyValue(key=key, value=AnyValue(string_value=text)).SerializeToString() for key, text in pairs.items()]
        assert shape_of(encoded).read(encoded)["request_model"] == f"m{number}"
    assert max(map(len, _memories())) <= 8192


@pytest.mark.parametrize(
    "pairs",
    [
        [("gen_ai.request.model", "large" * 20_000)],
        [("gen_ai." + "large" * 20_000, "x")],
        [("gen_ai.prompt.0." + "large" * 20_000, "x")],
        [("gen_ai.request.model", f"large{number}") for number in range(300)],
    ],
)
def test_what_is_large_is_not_remembered(pairs: list[tuple[str, str]]) -> None:
    """A long value, a long name or a great many of them are read, and gone with their request."""
    _decode(_request(*(KeyValue(key=key, value=AnyValue(string_value=text)).SerializeToString() for key, text in pairs)))
    assert "large" * 100 not in repr([*_memories(), RULES])
    assert max(map(len, shape._shapes)) <= 256


@pytest.mark.parametrize("tag", [b"\x12", b"\x92\x00", b"\x92\x80\x80\x00"])
def test_items_are_counted_however_they_are_written(tag: bytes) -> None:
    """A tag with leading zeros begins an item too."""
    spans = (tag + b"\x00") * 11
    scope = b"\x12" + bytes([len(spans)]) + spans
    body = b"\x0a" + bytes([len(scope)]) + scope
    check_items(body, 11)
    with pytest.raises(Refused):
        check_items(body, 10)
