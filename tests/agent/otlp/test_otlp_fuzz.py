"""Whatever arrives: an answer, never an error nobody foresaw."""

import gzip
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from agent.config import Endpoint
from agent.sources.otlp import trace_message
from agent.sources.otlp.decode_logs import decode_logs
from agent.sources.otlp.decode_traces import decode_traces
from agent.sources.otlp.fault import Fault, Refused
from agent.sources.otlp.filters import in_text
from agent.sources.otlp.inflate import gunzip
from agent.sources.otlp.json_decode import from_json
from agent.sources.otlp.limits import Limits
from agent.sources.otlp.messages import conversation, dump, length, measure, reasons, request, response
from agent.sources.otlp.signals import SIGNALS
from agent.sources.otlp.values import plain
from agent.sources.otlp.wire import check_density, check_items
from detectors.safety.results import Entry

SAMPLES = Path(__file__).parents[2] / "data" / "otlp"
BODIES = {path.name: path.read_bytes() for path in sorted(SAMPLES.glob("*.pb")) if "metrics" not in path.name}
JSON_BODIES = {path.name: path.read_bytes() for path in sorted(SAMPLES.glob("*.json")) if "metrics" not in path.name}


class Anywhere:
    """One endpoint."""

    def route(self, _resource: dict[str, str], _host: str) -> Endpoint:
        """Return it."""
        return Endpoint("chat")


def _decode(name: str, body: bytes, *, json: bool) -> None:
    signal = next(signal for signal in SIGNALS if signal.path.rpartition("/")[2] in name)
    decode = decode_traces if signal.decode is decode_traces else decode_logs
    try:
        if json:
            message = signal.request()
            from_json(body, message, 1000)
            body = message.SerializeToString()
        else:
            check_items(body, 1)
        request = signal.parse(body)
    except (Refused, DecodeError):
        return
    assert decode(request, Anywhere(), content=True).fault is None


@given(st.sampled_from(sorted(BODIES)), st.data())
def test_damaged_protobuf_is_refused_or_decoded(name: str, data: st.DataObject) -> None:
    """Cut anywhere and with any bytes changed: refused, or read as far as it makes sense."""
    _decode(name, _damaged(BODIES[name], data), json=False)


@given(st.sampled_from(sorted(JSON_BODIES)), st.data())
def test_damaged_json_is_refused_or_decoded(name: str, data: st.DataObject) -> None:
    """The same for JSON."""
    _decode(name, _damaged(JSON_BODIES[name], data), json=True)


def _damaged(body: bytes, data: st.DataObject) -> bytes:
    changed = bytearray(body)
    for place, value in data.draw(st.lists(st.tuples(st.integers(0, len(body) - 1), st.integers(0, 255)), max_size=5)):
        changed[place] = value
    return bytes(changed[: data.draw(st.integers(0, len(body)))])


LEAVES = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(max_size=5) | st.binary(max_size=5)
KEYS = st.sampled_from(
    [
        "role", "content", "parts", "type", "text", "tool_calls", "function", "name", "arguments", "messages", "input", "output", "choices",
        "message", "finish_reason", "content_filter_results", "prompt_filter_results", "hate", "error", "filtered", "severity", "status",
    ]
)  # fmt: skip
DOCUMENTS = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12)
NAMES = st.sampled_from(
    [
        "gen_ai.operation.name", "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "input.value",
        "output.value", "gen_ai.prompt.0.content", "gen_ai.completion.0.tool_calls.0.name", "llm.input_messages.0.message.contents.0.x",
        "gen_ai.prompt.prompt_filter_results", "gen_ai.completion.0.content_filter_results", "gen_ai.response.finish_reasons",
        "gen_ai.usage.input_tokens", "llm.invocation_parameters", "mlflow.chat.tokenUsage", "error.type", "gen_ai.openai.api_base",
    ]
)  # fmt: skip


def _fill(target: Any, value: Any) -> None:
    if isinstance(value, list):
        target.array_value.SetInParent()
        for item in value:
            _fill(target.array_value.values.add(), item)
    elif isinstance(value, dict):
        target.kvlist_value.SetInParent()
        for key, item in value.items():
            _fill(target.kvlist_value.values.add(key=key).value, item)
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, int):
        target.int_value = value
    elif isinstance(value, bytes):
        target.bytes_value = value
    elif value is not None:
        target.double_value = value


def _writable(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:
        return b"{}"


@given(st.dictionaries(NAMES, DOCUMENTS, max_size=8), st.booleans())
def test_attributes_of_any_shape_are_read(attributes: dict[str, Any], as_text: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
    """Values of the wrong type, nested anyhow, as structure or as JSON text: a call, never an error; text stays text."""
    message = ExportTraceServiceRequest()
    span = message.resource_spans.add().scope_spans.add().spans.add(trace_id=b"1" * 16, span_id=b"2" * 8)
    span.attributes.add(key="gen_ai.operation.name").value.string_value = "chat"
    value: Any
    for key, value in attributes.items():
        target = span.attributes.add(key=key).value
        if as_text:
            target.string_value = _writable(value).decode()
        else:
            _fill(target, value)
    span.status.code = Status.STATUS_CODE_ERROR
    span.status.message = _writable(attributes).decode()
    decoded = decode_traces(trace_message.parse(message.SerializeToString()), Anywhere(), content=True)
    assert decoded.fault is None
    assert sum(batch.rows for batch in decoded.batches) + decoded.dropped["not_a_call"] == 1


@given(DOCUMENTS)
def test_messages_of_any_shape_are_read(document: Any) -> None:
    """Every reader of messages takes any document, and the quick count of characters is right for it."""
    assert (measure(document) or 0) == length(conversation(document))
    dump([*request(document), *response(document)])
    list(reasons(document))


@given(st.text())
def test_error_texts_of_any_kind_are_searched(text: str) -> None:
    """Looking for filter results in a text never fails, and what is found is a result."""
    assert all(isinstance(entry, Entry) for entry in in_text("content_filter_result" + text))


@given(st.binary(max_size=2000), st.data())
def test_gunzip_gives_back_or_refuses(content: bytes, data: st.DataObject) -> None:
    """A whole member comes back; anything else is refused, nothing is guessed."""
    packed = gzip.compress(content)
    assert gunzip(packed, Limits()) == content
    try:
        found = gunzip(_damaged(packed, data), Limits())
    except Refused:
        return
    # Name, time and flags of the header are not covered by the checksum.
    assert zlib.crc32(found) == zlib.crc32(content)


@pytest.mark.parametrize("element", [b"\x4a\x00", b"\x5a\x00", b"\x4a\x02\x0a\x00"])
def test_a_body_of_tiny_values_is_refused(element: bytes) -> None:
    """16 MiB of empty attributes or events would be 200 to 500 MB of messages."""
    with pytest.raises(Refused) as caught:
        check_density(element * (2**24 // len(element)))
    assert caught.value.fault is Fault.TOO_LARGE
    assert Counter(refused_by_density(body) for body in BODIES.values()) == {False: len(BODIES)}


def refused_by_density(body: bytes) -> bool:
    """Whether a body of 16 MiB like this one would be refused."""
    try:
        check_density(body * (2**24 // len(body)))
    except Refused:
        return True
    return False


@pytest.mark.parametrize(("depth", "readable"), [(45, True), (50, False), (5000, False)])
def test_nesting_is_bounded(depth: int, readable: bool) -> None:  # noqa: FBT001 - a parameter
    """Protobuf refuses deep nesting by itself; what it lets through is read."""
    message = ExportTraceServiceRequest()
    target = message.resource_spans.add().resource.attributes.add(key="a").value
    inner = b"\x0a\x01x"
    for _ in range(depth):
        inner = b"\x2a" + _size(b"\x0a" + _size(inner) + inner) + b"\x0a" + _size(inner) + inner
    if readable:
        target.MergeFromString(inner)
        assert plain(target) is not None
    else:
        with pytest.raises(DecodeError):
            ExportTraceServiceRequest.FromString(_around(inner))


def _around(value: bytes) -> bytes:
    body = b"\x0a\x01a\x12" + _size(value) + value
    for tag in (b"\x0a", b"\x0a", b"\x0a"):
        body = tag + _size(body) + body
    return body


def _size(body: bytes) -> bytes:
    left, found = len(body), bytearray()
    while left > 127:
        found.append(left & 127 | 128)
        left >>= 7
    found.append(left)
    return bytes(found)
