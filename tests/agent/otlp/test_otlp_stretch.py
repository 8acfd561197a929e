"""Calls read together, column by column, are what they would have been one by one."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from agent.concatenation import concatenate
from agent.config import Endpoint
from agent.sources.otlp import trace_message
from agent.sources.otlp.alike import alike
from agent.sources.otlp.decode_traces import decode_traces
from agent.sources.otlp.decoded import Decoded
from agent.sources.otlp.lengths import Unusual, length, lengths
from agent.sources.otlp.marks import start_of
from agent.sources.otlp.messages import measure
from detectors.types import Batch, Category, Column, Text

SAMPLES = Path(__file__).parents[2] / "data" / "otlp"
CAPTURES = sorted(path.name for path in SAMPLES.glob("*.traces.pb"))
_ONLY_ALONE = {"input", "output", "trace"}
"""Columns of texts, which are read one by one."""


class ByService:
    """An endpoint for each service."""

    def route(self, resource: dict[str, str], _host: str) -> Endpoint:
        """Return it."""
        return Endpoint(resource.get("service.name", "chat"))


def _decode(request: ExportTraceServiceRequest, *, content: bool) -> Decoded:
    return decode_traces(trace_message.parse(request.SerializeToString()), ByService(), content=content)


def _plain(column: Column) -> list[Any]:
    if isinstance(column, Category):
        return column.decode()
    return list(column.values) if isinstance(column, Text) else [None if value != value else value for value in column.tolist()]  # noqa: PLR0124 - NaN


def _rows(batch: Batch) -> list[dict[str, Any]]:
    """Return what each record says, in their order."""
    columns = {name: _plain(column) for name, column in batch.columns.items() if name not in _ONLY_ALONE}
    return [
        {name: values[row] for name, values in columns.items() if values[row] not in {None, False} or name == "time"}
        for row in range(batch.rows)
    ]


def _told(decoded: Decoded) -> dict[str, Any]:
    """Return everything a request led to."""
    kinds: dict[tuple[str, str], list[Batch]] = {}
    for batch in decoded.batches:
        kinds.setdefault((batch.endpoint, batch.kind), []).append(batch)
    return {
        "rows": {key: _rows(concatenate(batches)) for key, batches in kinds.items()},
        "counts": [dict(sorted(counter.items())) for counter in (decoded.rejected, decoded.dropped, decoded.unmapped, decoded.adjusted)],
        "fault": type(decoded.fault),
    }


def _same_both_ways(request: ExportTraceServiceRequest) -> None:
    assert _told(_decode(request, content=False)) == _told(_decode(request, content=True))


def _often(request: ExportTraceServiceRequest, times: int) -> ExportTraceServiceRequest:
    """Return a request with every span so often, each with ids of its own that keep parents and children together."""
    found = ExportTraceServiceRequest()
    found.CopyFrom(request)
    for group in found.resource_spans:
        for scope in group.scope_spans:
            for span in list(scope.spans):
                for number in range(1, times):
                    copy = scope.spans.add()
                    copy.CopyFrom(span)
                    copy.trace_id = bytes([number]) + span.trace_id[1:]
                    copy.end_time_unix_nano = span.end_time_unix_nano + number
    return found


@pytest.mark.parametrize("name", CAPTURES)
@pytest.mark.parametrize("times", [1, 7])
def test_recorded_clients(name: str, times: int) -> None:
    """Real exports, once and as of a busy application: the same calls, counts and reasons."""
    request = ExportTraceServiceRequest()
    request.ParseFromString((SAMPLES / name).read_bytes())
    _same_both_ways(_often(request, times))


PROMPT = '[{"role":"user","parts":[{"type":"text","content":"Bonjour"}]}]'
ANSWERS = [
    '[{"role":"assistant","parts":[{"type":"text","content":"Salut"}],"finish_reason":"stop"}]',
    '[{"role":"assistant","parts":[{"type":"text","content":"a"},{"type":"text","content":"b\\n"}]}]',
    '[{"role":"assistant","parts":[{"type":"tool_call","name":"find","arguments":"{}"}],"finish_reason":"tool_call"}]',
    '[{"message":{"content_filter_results":{"hate":{"filtered":true,"severity":"high"}}}}]',
    '[{"role":"assistant","parts":[]}]',
    "[]",
    "",
    "plain words",
    "[{cut",
    '[{"role":"assistant","content":"légère"}]',
    '"quoted"',
    '\n [{"role":"assistant","parts":[{"type":"text","content":"abc"}]}]',
    '[{"role":1e999,"parts":[{"type":"text","content":"abc"}]}]',
    '[{"role":' + "[" * 1100 + "]" * 1100 + ',"parts":[]}]',
    " []",
    "[1]",
    " 7",
]
STARTED = 1_790_000_000_000_000_000
Values = dict[str, Any]
Oddity = Callable[[Span, Values], None]


def _fail(span: Span, _values: Values) -> None:
    span.status.code = Status.STATUS_CODE_ERROR


def _tell_by_event(span: Span, _values: Values) -> None:
    span.events.add(name="gen_ai.choice").attributes.add(key="gen_ai.event.content").value.string_value = '{"finish_reason":"length"}'


def _set(name: str, value: Any) -> Oddity:
    return lambda span, _values: setattr(span, name, value)


def _say(name: str, value: Any) -> Oddity:
    return lambda _span, values: values.update({name: value})


def _only(*without: str, name: str = "chat", **said: Any) -> Oddity:
    def change(span: Span, values: Values) -> None:
        span.name = name
        values.update(said)
        for key in without:
            values.pop(key)

    return change


ODDITIES: Mapping[str, Oddity] = {
    "failed": _fail,
    "failed, and says how": _say("error.type", "429"),
    "told by an event": _tell_by_event,
    "no trace": _set("trace_id", b""),
    "a trace of zeros": _set("trace_id", bytes(16)),
    "a short trace": _set("trace_id", b"short"),
    "no span": _set("span_id", b""),
    "a span of zeros": _set("span_id", bytes(8)),
    "a parent": _set("parent_span_id", b"12345678"),
    "a parent that is none": _set("parent_span_id", b"bad"),
    "sampled by half": _set("trace_state", "ot=th:8"),
    "sampled wrongly": _set("trace_state", "ot=th:zz"),
    "without an end": _set("end_time_unix_nano", 0),
    "the end of time": _set("end_time_unix_nano", 2**64 - 1),
    "backwards": _set("end_time_unix_nano", STARTED - 5),
    "without a start": _set("start_time_unix_nano", 0),
    "a tool": _say("gen_ai.operation.name", "execute_tool"),
    "an embedding": _say("gen_ai.operation.name", "embeddings"),
    "tools": _say("gen_ai.tool.definitions", "[]"),
    "instructions": _say("gen_ai.system_instructions", '[{"type":"text","content":"Be kind"}]'),
    "instructions in words": _say("gen_ai.system_instructions", "[INST] Be kind"),
    "instructions cut short": _say("gen_ai.system_instructions", '[{"type":"text","con'),
    "no instructions": _say("gen_ai.system_instructions", "[]"),
    "empty instructions": _say("gen_ai.system_instructions", '[{"type":"text","content":""}]'),
    "two instructions": _say("gen_ai.system_instructions", '[{"type":"text","content":""},{"type":"text","content":"a"}]'),
    "instructions as a list": _say("gen_ai.system_instructions", ["Be", "kind"]),
    "instructions alone": _only("gen_ai.input.messages", **{"gen_ai.system_instructions": "Be kind"}),
    "no finish reason": _only("gen_ai.response.finish_reasons"),
    "neither answer nor finish reason": _only("gen_ai.response.finish_reasons", "gen_ai.output.messages"),
    "an embedding of nothing": _only("gen_ai.response.finish_reasons", "gen_ai.output.messages", **{"gen_ai.operation.name": "embeddings"}),
    "no provider": _only("gen_ai.provider.name"),
    "no provider, but a name": _only("gen_ai.provider.name", name="OpenAI-generation"),
    "a first token": _say("langfuse.observation.completion_start_time", "2026-09-21T00:00:00.5Z"),
    "a conversation": _say("gen_ai.conversation.id", "c-1"),
    "a conversation without a name": _say("gen_ai.conversation.id", ""),
    "two names of a conversation": _only(**{"gen_ai.conversation.id": "c-1", "session.id": "s-1"}),
    "an empty id": _say("gen_ai.response.id", ""),
    "a long id": _say("gen_ai.response.id", "x" * 400),
    "an id that is a number": _say("gen_ai.response.id", 7),
    "answers as a list": _say("gen_ai.output.messages", ["a", "b"]),
    "another model": _say("gen_ai.request.model", "gpt-4o-mini"),
    "no model": _say("gen_ai.request.model", ""),
    "cut short": _say("gen_ai.response.finish_reasons", ["length"]),
    "called a tool": _say("gen_ai.response.finish_reasons", ["tool_calls"]),
    "filtered": _say("gen_ai.response.finish_reasons", ["content_filter"]),
    **{f"answer {number}": _say("gen_ai.output.messages", answer) for number, answer in enumerate(ANSWERS)},
}


def _span(number: int, oddity: Oddity | None = None) -> Span:
    """Return a call that is usual but for one thing."""
    span = Span(trace_id=number.to_bytes(16, "big"), span_id=(number + 1).to_bytes(8, "big"), name="chat")
    span.start_time_unix_nano = STARTED
    span.end_time_unix_nano = span.start_time_unix_nano + 10**9 + number
    values: Values = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "server.address": "shop.openai.azure.com",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.id": f"chatcmpl-{number}",
        "gen_ai.usage.input_tokens": (0, 1, 7, 300, -3)[number % 5],
        "gen_ai.usage.output_tokens": number,
        "user.id": f"u{number}",
        "gen_ai.unheard_of": number,
        "gen_ai.response.time_to_first_chunk": (0.0, 0.25, float("nan"))[number % 3],
        "gen_ai.input.messages": PROMPT,
        "gen_ai.output.messages": ANSWERS[0],
    }
    if oddity is not None:
        oddity(span, values)
    for key, value in values.items():
        place = span.attributes.add(key=key).value
        if isinstance(value, list):
            for item in value:
                place.array_value.values.add(string_value=item)
        else:
            setattr(place, {str: "string_value", int: "int_value", float: "double_value"}[type(value)], value)
    return span


@st.composite
def requests(draw: st.DrawFn) -> ExportTraceServiceRequest:
    """Requests of one or two services, with calls of which few are unusual."""
    request = ExportTraceServiceRequest()
    number = 0
    for service in range(draw(st.integers(1, 2))):
        group = request.resource_spans.add()
        group.resource.attributes.add(key="service.name").value.string_value = draw(st.sampled_from(["shop", "bot"]))
        group.resource.attributes.add(key="service.instance.id").value.string_value = str(service)
        scope = group.scope_spans.add()
        for _ in range(draw(st.integers(0, 12))):
            number += 1
            scope.spans.append(_span(number, draw(st.sampled_from([None, None, None, *ODDITIES.values()]))))
    return request


@pytest.mark.parametrize("oddity", ODDITIES.values(), ids=list(ODDITIES))
def test_one_among_many(oddity: Oddity) -> None:
    """A call that differs in one thing among ten that do not."""
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.extend(_span(number, oddity if number == 5 else None) for number in range(1, 12))
    _same_both_ways(request)


@pytest.mark.parametrize("oddity", ODDITIES.values(), ids=list(ODDITIES))
def test_many_of_a_kind(oddity: Oddity) -> None:
    """An application all of whose calls differ in the same thing, and two that do not."""
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.extend(
        _span(number, None if number in {3, 9} else oddity) for number in range(1, 12)
    )
    _same_both_ways(request)


@given(requests())
def test_any_mixture(request: ExportTraceServiceRequest) -> None:
    """Failed, sampled, filtered, rejected, nameless and other calls among usual ones."""
    _same_both_ways(request)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["role", "parts", "type", "content", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)
PART = st.fixed_dictionaries({"type": st.sampled_from(["text", "blob"]), "content": st.text() | st.none()})
MESSAGES = st.lists(
    st.fixed_dictionaries({"parts": st.lists(PART, max_size=3)}, optional={"role": JSON, "finish_reason": JSON}), max_size=3
)
START = start_of("gen_ai.input.messages") or b""


def _pair(key: str, value: str) -> bytes:
    return KeyValue(key=key, value=AnyValue(string_value=value)).SerializeToString()


def _attribute(text: bytes) -> bytes:
    """Return an attribute as bytes, which the stock messages would refuse to hold."""
    sound = KeyValue(key="gen_ai.input.messages", value=AnyValue(string_value="x" * len(text))).SerializeToString()
    return sound[: len(sound) - len(text)] + text


@given(
    st.one_of(MESSAGES.map(json.dumps), MESSAGES.map(lambda value: json.dumps(value, ensure_ascii=False)), JSON.map(json.dumps), st.text())
)
def test_the_length_is_that_of_the_messages(text: str) -> None:
    """Whatever stands there: messages in the usual form, other JSON, or no JSON at all."""
    encoded = text.encode("utf-8", "replace")
    assert list(lengths([_attribute(encoded)], START)) == [measure(encoded.decode())] == [length(encoded.decode())]


@pytest.mark.parametrize("text", [b"\xff", b'[{"role":"\xff","parts":[{"type":"text","content":"a"}]}]'])
def test_text_that_is_none_is_left_to_others(text: bytes) -> None:
    """Bad UTF-8 is not passed over, also where nobody looks."""
    with pytest.raises(Unusual):
        list(lengths([_attribute(text)], START))


@pytest.mark.parametrize("text", [b"\xff", b'[{"role":"\xff","parts":[{"type":"text","content":"a"}]}]'])
def test_bad_text_in_one_of_many_is_the_whole_request_s_fault(text: bytes) -> None:
    """As it is for one span."""
    request: Any = trace_message.parse(b"")
    scope = request.resource_spans.add().scope_spans.add()
    for number in range(10):
        span = scope.spans.add(trace_id=b"1" * 16, span_id=bytes([number]) * 7 + b"x")
        for key, value in (("gen_ai.operation.name", "chat"), ("gen_ai.response.finish_reasons", '["stop"]')):
            span.attributes.append(_pair(key, value))
        span.attributes.append(_attribute(text if number == 7 else b"[]"))
    with pytest.raises(DecodeError):
        decode_traces(trace_message.parse(request.SerializeToString()), ByService())


@pytest.mark.parametrize(
    "name",
    ["instructions", "instructions alone", "a conversation", "neither answer nor finish reason", "an embedding of nothing", "cut short"],
)
def test_what_is_read_together(name: str) -> None:
    """Calls of agents, in conversations, embeddings and answers nobody recorded: nothing sets them apart."""
    groups = list(alike([[pair.SerializeToString() for pair in _span(number, ODDITIES[name]).attributes] for number in range(1, 9)]))
    assert [(len(group.members), [shape.plan is not None for shape in group.shapes]) for group in groups] == [(8, [True])]


def test_calls_of_two_models_in_turn_are_read_together() -> None:
    """Values do not matter, only where the attributes stand: a span with more of them is in another group."""
    spans: list[Sequence[bytes]] = []
    for number in range(12):
        pairs = [
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.request.model", f"m{number % 2}"),
            ("gen_ai.response.finish_reasons", '["stop"]'),
        ]
        spans.append([*(_pair(key, value) for key, value in pairs), _attribute(PROMPT.encode())])
    spans[5] = [*spans[5], _pair("gen_ai.provider.name", "openai")]
    groups = [([shape.fixed["request_model"] for shape in group.shapes], list(group.members)) for group in alike(spans)]
    assert groups == [(["m0", "m1"], [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11]), (["m1"], [5])]
