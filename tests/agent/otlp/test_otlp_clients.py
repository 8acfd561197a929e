"""What single clients do in a way of their own, on spans made for it."""

from typing import Any

import numpy as np
import orjson
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from agent.config import Endpoint
from agent.sources.otlp import trace_message
from agent.sources.otlp.decode_traces import decode_traces
from agent.sources.otlp.join import Joiner
from agent.sources.otlp.json_decode import from_json
from agent.sources.otlp.merge import Row, rows_of
from detectors.types import Batch

START, SECOND = 1_790_000_000_000_000_000, 1_000_000_000
CHAT = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "chat-eu"}
BLOCKED = "'content_filter_result': {'jailbreak': {'filtered': True, 'detected': True}}"


class Anywhere:
    """One endpoint."""

    def route(self, _resource: dict[str, str], _host: str) -> Endpoint:
        """Return it."""
        return Endpoint("chat")


def span(number: int, attributes: dict[str, Any], *, parent: int = 0, lasts: float = 1.0, **fields: Any) -> dict[str, Any]:
    """Return a span as OTLP/JSON, which ends `number` seconds after the first."""
    end = START + number * SECOND
    return {
        "traceId": "0af7651916cd43dd8448eb211c80319c",
        "spanId": f"{number:016x}",
        "parentSpanId": f"{parent:016x}" if parent else "",
        "startTimeUnixNano": end - int(lasts * SECOND),
        "endTimeUnixNano": end,
        "attributes": [{"key": key, "value": _value(value)} for key, value in attributes.items()],
        **fields,
    }


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(item) for item in value]}}
    return {{bool: "boolValue", int: "intValue", float: "doubleValue", str: "stringValue"}[type(value)]: value}


def calls(*requests: list[dict[str, Any]]) -> list[Row]:
    """Send requests one after the other; return the calls that were counted."""
    joiner = Joiner(lambda _reason, _count: None)
    ready: list[Batch] = []
    for spans in requests:
        request = ExportTraceServiceRequest()
        from_json(orjson.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}), request, 100)
        for batch in decode_traces(trace_message.parse(request.SerializeToString()), Anywhere(), content=True).batches:
            ready += joiner.push(batch, 0.0)
    ready += joiner.due(float("inf"))
    return [row for batch in ready for row in rows_of(batch, np.arange(batch.rows))]


STREAM = {**CHAT, "gen_ai.input.messages": '[{"role":"user","parts":[{"type":"text","content":"Hi"}]}]', "logfire.span_type": "span"}
END = {
    **STREAM,
    "logfire.span_type": "log",
    "gen_ai.usage.output_tokens": 5,
    "gen_ai.output.messages": '[{"role":"assistant","parts":[{"type":"text","content":"Hello"}],"finish_reason":"stop"}]',
}


@pytest.mark.parametrize("parent", [0, 1, 9])
@pytest.mark.parametrize("together", [True, False])
def test_a_stream_told_in_two_spans_is_one_call(parent: int, *, together: bool) -> None:
    """Logfire's: the second is a child, a sibling or of a trace of its own; the call lasts until then."""
    above = 9 if parent == 9 else 0
    first, second = span(1, STREAM, parent=above), span(3, END, parent=parent, lasts=0.0)
    (row,) = calls([first, second]) if together else calls([first], [second])
    assert (row["duration"], row["finish_reason"], row["output_tokens"], row["output_length"]) == (3.0, "stop", 5.0, 5.0)


def test_ends_of_streams_go_to_calls_like_theirs() -> None:
    """Two streams, two ends, and one end of a stream that never came: two calls."""
    other = {**END, "gen_ai.request.model": "chat-us", "gen_ai.usage.output_tokens": 7}
    begun = [span(1, STREAM), span(2, {**STREAM, "gen_ai.request.model": "chat-us"})]
    found = calls(begun, [span(4, other, lasts=0.0), span(5, END, lasts=0.0), span(6, END, lasts=0.0)])
    assert sorted((row["deployment"], row["output_tokens"]) for row in found) == [("chat-eu", 5.0), ("chat-us", 7.0)]


def test_an_answer_of_nothing_is_a_blocked_prompt() -> None:
    """Pydantic AI makes an empty answer of the 400, and tells the category in the agent's span only."""
    nothing = {**CHAT, "gen_ai.output.messages": '[{"role":"assistant","parts":[],"finish_reason":"content_filter"}]'}
    agent = span(2, {"gen_ai.operation.name": "invoke_agent"}, status={"code": 2, "message": f"ContentFilterError: {BLOCKED}"})
    (row,) = calls([span(1, {**nothing, "gen_ai.response.finish_reasons": ["content_filter"]}, parent=2), agent])
    assert (row["blocked_prompt"], row["error_type"], row["filters"]) == (True, "content_filter", "prompt/jailbreak/none/blocked")
    assert "finish_reason" not in row


@pytest.mark.parametrize("more", [{"gen_ai.response.id": "x"}, {"gen_ai.usage.input_tokens": 3}])
def test_an_answer_that_was_cut_at_once_is_none(more: dict[str, Any]) -> None:
    """It has an id or cost tokens: the model had begun."""
    cut = {
        **CHAT,
        "gen_ai.output.messages": '[{"role":"assistant","parts":[]}]',
        "gen_ai.response.finish_reasons": ["content_filter"],
        **more,
    }
    (row,) = calls([span(1, cut)])
    assert ("blocked_prompt" in row, row["finish_reason"]) == (False, "content_filter")


def test_an_agent_s_error_changes_no_other_call() -> None:
    """Only the blocked call below it, and only where it does not know better."""
    agent = span(4, {"gen_ai.operation.name": "invoke_agent"}, status={"code": 2, "message": BLOCKED})
    fine = {**CHAT, "gen_ai.response.finish_reasons": ["stop"]}
    blocked = {"code": 2, "message": "content management policy"}
    rows = calls([span(1, fine, parent=4), span(2, CHAT, parent=9, status=blocked), span(3, CHAT, parent=4, status=blocked), agent])
    assert [row.get("filters") for row in sorted(rows, key=lambda row: row["time"])] == [None, None, "prompt/jailbreak/none/blocked"]


@pytest.mark.parametrize(
    ("kind", "message", "blocked"),
    [
        ("ValueError", "Azure has not provided the response due to a content filter being triggered", False),
        (
            "openai.ContentFilterFinishReasonError",
            "Could not parse response content as the request was rejected by the content filter",
            False,
        ),
        (
            "<class 'semantic_kernel.exceptions.content_filter_ai_exception.ContentFilterAIException'>",
            "service encountered a content error",
            True,
        ),
        ("OpenAIContentFilterException", "service encountered a content error", True),
    ],
)
def test_a_filtered_answer_is_no_blocked_prompt(kind: str, message: str, *, blocked: bool) -> None:
    """Clients raise errors for both; the name is the same, the count is not."""
    (row,) = calls([span(1, {**CHAT, "error.type": kind}, status={"code": 2, "message": message})])
    assert (row["error_type"], row.get("blocked_prompt", False)) == ("content_filter", blocked)


def test_chunks_tell_what_the_client_lost() -> None:
    """MLflow writes that a stream ended well whatever the filter did; its chunks know."""
    pieces = [
        {"choices": [{"finish_reason": None, "content_filter_results": {"violence": {"filtered": False, "severity": "safe"}}}]},
        {"choices": [{"finish_reason": "content_filter", "content_filter_results": {"violence": {"filtered": True, "severity": "high"}}}]},
    ]
    events = [
        {
            "name": f"mlflow.chunk.item.{number}",
            "timeUnixNano": START,
            "attributes": [{"key": "mlflow.chunk.value", "value": {"stringValue": text}}],
        }
        for number, text in enumerate(orjson.dumps(piece).decode() for piece in pieces)
    ]
    (row,) = calls([span(1, {**CHAT, "mlflow.spanOutputs": '{"choices":[{"finish_reason":"stop"}]}'}, events=events)])
    assert (row["finish_reason"], row["filters"]) == ("content_filter", "completion/violence/high/blocked")


def test_results_beside_the_messages() -> None:
    """OpenLLMetry puts them into the messages of the answer, also where all else is told by attributes."""
    said = '[{"role":"assistant","parts":[],"content_filter_results":{"hate":{"filtered":false,"severity":"low"}}}]'
    (row,) = calls([span(1, {**CHAT, "gen_ai.response.finish_reasons": ["stop"], "gen_ai.output.messages": said})])
    assert row["filters"] == "completion/hate/low/annotated"


@pytest.mark.parametrize(
    ("attributes", "column", "value"),
    [
        ({"server.address": "https://shop.openai.azure.com/openai/"}, "provider", "azure.ai.openai"),
        ({"server.address": "http://127.0.0.1:18080/openai/"}, "provider", "azure.ai.openai"),
        ({"gen_ai.request.model": "unknown", "traceloop.association.properties.ls_model_name": "prod"}, "deployment", "prod"),
        ({"gen_ai.request.model": "", "llm.invocation_parameters": '{"azure_deployment":"prod"}'}, "deployment", "prod"),
        ({"gen_ai.response.finish_reason": "FinishReason.TOOL_CALLS"}, "finish_reason", "tool_call"),
        ({"langfuse.observation.metadata.finish_reason": '"length"'}, "finish_reason", "length"),
        ({"langfuse.observation.completion_start_time": '"2026-09-21T14:13:20.250Z"'}, "time_to_first_token", 0.25),
        ({"gen_ai.client.operation.time_to_first_chunk": 0.25}, "time_to_first_token", 0.25),
        ({"gen_ai.usage.raw": '{"prompt_tokens_details":{"cached_tokens":4}}'}, "cache_read_tokens", 4.0),
        ({"langfuse.observation.output": "bare text"}, "output_length", 9.0),
        ({"langfuse.observation.output": '{"role":"assistant","content":"one message"}'}, "output_length", 11.0),
        (
            {"output": '[{"id":"a","choices":[{"delta":{"content":"two "}}]},{"choices":[{"delta":{"content":"chunks"}}]}]'},
            "output_length",
            10.0,
        ),
        ({"gen_ai.completion": '{"generations":[[{"text":"x","generation_info":{"finish_reason":"stop"}}]]}'}, "finish_reason", "stop"),
        ({"llm.usage.reasoning_tokens": 6}, "reasoning_tokens", 6.0),
        ({"response_data": '{"message":{"content":"old","role":"assistant"},"usage":{"prompt_tokens":5}}'}, "input_tokens", 5.0),
        ({"langfuse.observation.output": '{"id":"msg_1","role":"assistant","content":"x"}'}, "response_id", None),
    ],
)
def test_where_clients_put_it(attributes: dict[str, Any], column: str, value: Any) -> None:
    """One place each, as recorded."""
    (row,) = calls([span(1, {**CHAT, **attributes})])
    assert row.get(column) == value


def test_old_logfire_names_neither_operation_nor_provider() -> None:
    """Of streams and failures; what it asked, and of which model, is enough. Spans of other things are no calls for it."""
    old = {"logfire.span_type": "span", "request_data": '{"messages":[{"role":"user","content":"Hi"}]}'}
    found = calls(
        [
            span(1, {**old, "gen_ai.request.model": "chat-eu"}, status={"code": 2, "message": "Error code: 429"}),
            span(2, {**old, "gen_ai.request.model": "text-embedding-3-small"}),
            span(3, old),
        ]
    )
    assert {row["operation"]: row.get("error_type") for row in found} == {"chat": "429", "embeddings": None}
