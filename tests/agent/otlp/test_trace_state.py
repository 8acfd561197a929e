"""What a span's `tracestate` says of sampling upstream is read, and what is malformed, impossible or absurd is ignored and counted."""

import secrets

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace._sampling_experimental import composable_traceid_ratio_based, composite_sampler
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from agent.config import Endpoint
from agent.sources.otlp.decode_traces import decode_traces
from agent.sources.otlp.decoded import Decoded
from agent.sources.otlp.json_decode import from_json
from agent.sources.otlp.signals import SIGNALS
from agent.sources.otlp.trace_message import parse
from agent.sources.otlp.trace_state import adjusted_count
from detectors.usage.thinning import weights_of

HIGH = bytes(9) + b"\xff" * 7
"""A trace id that passes every threshold."""


class _Router:
    def route(self, _attributes: object, _host: str) -> Endpoint:
        return Endpoint("chat")


def _decoded(states: list[str], traces: list[bytes]) -> Decoded:
    spans = [
        {
            "traceId": trace.hex(),
            "spanId": f"{number + 1:016x}",
            "traceState": state,
            "startTimeUnixNano": "1000000000",
            "endTimeUnixNano": "2000000000",
            "attributes": [
                {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
                {"key": "gen_ai.request.model", "value": {"stringValue": "gpt"}},
            ],
        }
        for number, (state, trace) in enumerate(zip(states, traces, strict=True))
    ]
    message = SIGNALS[0].request()
    from_json(orjson.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}), message, 1000)
    return decode_traces(parse(message.SerializeToString()), _Router())


@pytest.mark.parametrize(
    ("state", "weight"),
    [
        ("ot=th:0", 1.0),
        ("ot=th:8", 2.0),
        ("vendor=1, ot=th:c;rv:ffffffffffffff", 4.0),
        ("ot=th:fd70a4", 100.0),
        ("ot=rv:00000000000001", None),
        ("other=ot=th:8", None),
        ("", None),
        ("congo=t61rcWkgMzE", None),
    ],
)
def test_adjusted_counts(state: str, weight: float | None) -> None:
    """As OpenTelemetry's specification has it: 1 / (1 - T / 2^56)."""
    found = adjusted_count(state, HIGH)
    assert found == (None if weight is None else pytest.approx(weight, rel=1e-6))


HOSTILE = [
    "ot=th:xyz",
    "ot=th:",
    "ot=th:8g",
    "ot=th:E6",
    "ot=th:-8",
    "ot=th=0",
    "ot=",
    "ot=th:123456789abcdef",
    "ot=th:8;th:c",
    "ot=th:8,ot=th:c",
    "ot=th:8;rv:12",
    "ot=th:8;rv:00000000000000",
    "ot=th:ffffffffffffff",
    "ot=th:8;" + "x:1;" * 1000,
    "ot=th:٨",
]


def test_hostile_states_are_ignored_and_counted() -> None:
    """Each costs its own weight and nothing else, and shows in the counters."""
    decoded = _decoded([*HOSTILE, "ot=th:8"], [HIGH] * (len(HOSTILE) + 1))
    assert decoded.adjusted["invalid_tracestate"] == len(HOSTILE)
    [batch] = decoded.batches
    weights = weights_of(batch)
    assert weights is not None
    assert weights.tolist() == [1.0] * len(HOSTILE) + [2.0]


@given(st.text(max_size=60) | st.from_regex(r"\A(v=1,)?ot=(th:[0-9a-f]{0,15};?|rv:[0-9a-f]{13,15};?|:|;|=){0,4}\Z"))
def test_nothing_makes_a_weight_below_one_or_without_bound(state: str) -> None:
    """Whatever a sender writes."""
    try:
        weight = adjusted_count(state, HIGH)
    except ValueError:
        return
    assert weight is None or 1 <= weight <= 16_384


def test_a_span_that_could_not_have_been_kept_counts_once() -> None:
    """Its threshold is above its random bits: whoever wrote it did not sample by it."""
    assert _decoded(["ot=th:8"], [bytes(15) + b"\x01"]).adjusted["invalid_tracestate"] == 1


def test_plain_spans_have_no_weight() -> None:
    """Most clients say nothing of sampling."""
    [batch] = _decoded(["", "vendor=1"], [HIGH, HIGH]).batches
    assert "weight" not in batch.columns


def test_the_sdks_consistent_sampler_is_undone() -> None:
    """Spans of the Python SDK's sampler of one in ten stand for ten."""
    memory = InMemorySpanExporter()
    provider = TracerProvider(sampler=composite_sampler(composable_traceid_ratio_based(0.1)), resource=Resource({"service.name": "shop"}))
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("test")
    for _ in range(400):
        span = tracer.start_span("chat")
        # Attributes given at the start are lost in this sampler.
        span.set_attributes({"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt"})
        span.end()
    kept = memory.get_finished_spans()
    decoded = decode_traces(parse(encode_spans(kept).SerializeToString()), _Router())
    [batch] = decoded.batches
    weights = weights_of(batch)
    assert weights is not None
    assert not decoded.adjusted
    assert weights.tolist() == pytest.approx([10.0] * len(kept))


def test_thinned_spans_stand_for_all() -> None:
    """Of random traces those above the threshold are kept; their weights add up to all, within four standard errors."""
    traces = [secrets.token_bytes(16) for _ in range(2000)]
    kept = [trace for trace in traces if int.from_bytes(trace[-7:], "big") >= 0xC0000000000000]
    [batch] = _decoded(["ot=th:c"] * len(kept), kept).batches
    weights = weights_of(batch)
    assert weights is not None
    assert abs(weights.sum() - 2000) < 4 * (2000 * 0.25 * 0.75) ** 0.5 * 4
