"""Spans that serve calls, on spans made for them: searches for documents, runs of tools, and tool calls models asked for."""

import json
import math
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from agent.config import Endpoint
from agent.sources.otlp import trace_message
from agent.sources.otlp.decode_traces import decode_traces
from agent.sources.otlp.decoded import Decoded
from agent.sources.otlp.json_decode import from_json
from agent.sources.otlp.retrieved import listed, moment, retrieved
from detectors.types import Batch, Category

END = 1_790_000_001_500_000_000
DAY = 86_400
WEEK_OLD = datetime.fromtimestamp(END / 1e9 - 7 * DAY, UTC).isoformat()
YEAR_OLD = int(END / 1e9 - 365 * DAY)
CHAT = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o"}
OFFERED = json.dumps([{"type": "function", "name": "search"}, {"type": "function", "function": {"name": "book"}}])


class ByName:
    """An endpoint for each host."""

    def route(self, resource: dict[str, str], host: str) -> Endpoint:
        """Return it."""
        return Endpoint(host or resource.get("service.name") or "none")


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(item) for item in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": [{"key": key, "value": _value(one)} for key, one in value.items()]}}
    kind = {bool: "boolValue", int: "intValue", float: "doubleValue", str: "stringValue"}[type(value)]
    return {kind: value}


def _attributes(given: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in given.items()]


def decode(*spans: dict[str, Any], content: bool = False) -> Decoded:
    """Decode spans, given as attributes; `name`, `events` and `error` are the span's own."""
    built = []
    for number, attributes in enumerate(spans, 1):
        own = {key: attributes[key] for key in ("name", "events", "error") if key in attributes}
        built.append(
            {
                "traceId": "0af7651916cd43dd8448eb211c80319c",
                "spanId": f"{number:016x}",
                "name": own.get("name", ""),
                "startTimeUnixNano": str(END - 1_500_000_000),
                "endTimeUnixNano": str(END),
                "attributes": _attributes({key: value for key, value in attributes.items() if key not in own}),
                "events": [{"name": name, "attributes": _attributes(more)} for name, more in own.get("events", ())],
                **({"status": {"code": 2, "message": own["error"]}} if "error" in own else {}),
            }
        )
    request = ExportTraceServiceRequest()
    from_json(orjson.dumps({"resourceSpans": [{"scopeSpans": [{"spans": built}]}]}), request, 10_000)
    return decode_traces(trace_message.parse(request.SerializeToString()), ByName(), content=content)


def rows(batch: Batch) -> list[dict[str, Any]]:
    """Return a batch row by row, without what is missing."""
    columns = {name: column.decode() if isinstance(column, Category) else column.tolist() for name, column in batch.columns.items()}  # type: ignore[union-attr]  # no texts here
    found = [{name: values[row] for name, values in columns.items()} for row in range(batch.rows)]
    return [{name: value for name, value in one.items() if value is not None and value == value} for one in found]  # noqa: PLR0124 - NaN


def one(attributes: dict[str, Any]) -> dict[str, Any]:
    """Decode one span to its only row."""
    (batch,) = decode(attributes).batches
    (row,) = rows(batch)
    return {"kind": batch.kind, **row}


def _told(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in ("documents", "score", "mean_score", "age"))


SEMCONV = {"gen_ai.operation.name": "retrieval", "gen_ai.data_source.id": "handbook", "gen_ai.retrieval.query.text": "secret question"}
FOUND = [{"id": "a", "score": 0.75}, {"id": "b", "score": 0.25}]


@pytest.mark.parametrize(
    ("attributes", "told", "source"),
    [
        ({**SEMCONV, "gen_ai.retrieval.documents": json.dumps(FOUND)}, (2, 0.75, 0.5, None), "handbook"),
        ({**SEMCONV, "gen_ai.retrieval.documents": FOUND}, (2, 0.75, 0.5, None), "handbook"),
        ({**SEMCONV, "gen_ai.retrieval.documents": "[]"}, (0, None, None, None), "handbook"),
        ({**SEMCONV, "gen_ai.retrieval.documents": []}, (0, None, None, None), "handbook"),
        (SEMCONV, (None, None, None, None), "handbook"),
        ({**SEMCONV, "gen_ai.retrieval.documents": "[{"}, (None, None, None, None), "handbook"),
        (
            {
                "openinference.span.kind": "RETRIEVER",
                "retrieval.documents.0.document.id": "a",
                "retrieval.documents.0.document.score": -0.5,
                "retrieval.documents.0.document.metadata": json.dumps({"last_modified": WEEK_OLD}),
                "retrieval.documents.1.document.score": 0.0,
                "retrieval.documents.1.document.metadata": json.dumps({"created_at": YEAR_OLD}),
            },
            (2, 0.0, -0.25, 7 * DAY),
            "__retrieval__",
        ),
        ({"openinference.span.kind": "RETRIEVER", "input.value": "secret question"}, (0, None, None, None), "__retrieval__"),
        ({"openinference.span.kind": "RETRIEVER", "output.value": "a long text"}, (None, None, None, None), "__retrieval__"),
        (
            {
                "mlflow.spanType": '"RETRIEVER"',
                "mlflow.spanOutputs": json.dumps([{"page_content": "x", "metadata": {"date": YEAR_OLD * 1000}}]),
            },
            (1, None, None, 365 * DAY),
            "__retrieval__",
        ),
        (
            {
                "mlflow.spanType": '"RETRIEVER"',
                "mlflow.spanOutputs": json.dumps({"value": [{"@search.score": 3.5, "metadata_storage_last_modified": WEEK_OLD}]}),
            },
            (1, 3.5, 3.5, 7 * DAY),
            "__retrieval__",
        ),
        ({"langfuse.observation.type": "retriever", "langfuse.observation.output": "[]"}, (0, None, None, None), "__retrieval__"),
        (
            {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.retriever.results": json.dumps([{"page_content": "x", "metadata": {"score": 2}}]),
            },
            (1, 2, 2, None),
            "__retrieval__",
        ),
        (
            {
                "db.system": "chroma",
                "db.operation": "query",
                "events": [
                    ("db.query.result", {"db.query.result.id": "a", "db.query.result.distance": 0.5}),
                    ("db.query.result", {"db.query.result.id": "b", "db.query.result.distance": 0.25}),
                ],
            },
            (2, 0.25, 0.375, None),
            "chroma",
        ),
        ({"db.system": "Pinecone", "db.vector.query.top_k": 3}, (None, None, None, None), "Pinecone"),
    ],
)
def test_a_search_is_read_whatever_dialect_tells_of_it(attributes: dict[str, Any], told: tuple[Any, ...], source: str) -> None:
    """Documents, best and mean score, age of the newest in seconds, and data source; what is not told stays unknown."""
    row = one(attributes)
    assert (row["kind"], row["deployment"], row["duration"]) == ("retrievals", source, 1.5)
    found = _told(row)
    assert found[:3] == told[:3]
    assert (found[3] is None) == (told[3] is None)
    assert told[3] is None or found[3] == pytest.approx(told[3], abs=2)
    assert "secret" not in str(row)


def test_a_search_that_failed_is_not_one_that_found_nothing() -> None:
    """Its number of documents is not known."""
    row = one({"openinference.span.kind": "RETRIEVER", "error": "connection to Ann's store timed out"})
    assert (row["error_type"], row.get("documents")) == ("timeout", None)


@pytest.mark.parametrize(
    ("attributes", "tool", "error"),
    [
        ({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}, "search", None),
        ({"gen_ai.operation.name": "execute_tool", "name": "execute_tool book"}, "book", None),
        ({"gen_ai.tool.name": "search", "error.type": "KeyError"}, "search", "KeyError"),
        ({"openinference.span.kind": "TOOL", "tool.name": "search", "error": "TimeoutError: x"}, "search", "timeout"),
        ({"mlflow.spanType": '"TOOL"', "name": "search"}, "search", None),
        ({"traceloop.span.kind": "tool", "traceloop.entity.name": "search", "name": "search.tool"}, "search", None),
        ({"langfuse.observation.type": "tool", "name": "search"}, "search", None),
        ({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "Ann Smith, 4 High Street"}, "__other__", None),
        ({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "x" * 65}, "__other__", None),
    ],
)
def test_a_run_of_a_tool_is_read_whatever_dialect_tells_of_it(attributes: dict[str, Any], tool: str, error: str | None) -> None:
    """Its name where that is one, how it ended and how long it took."""
    row = one(attributes)
    assert (row["kind"], row["tool"], row["deployment"], row["duration"]) == ("tools", tool, "__tools__", 1.5)
    assert row.get("error_type") == error


def test_names_of_tools_are_bounded() -> None:
    """A hundred of them keep their name, whoever sends how many."""
    spans = [{"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": f"hostile_{number}"} for number in range(300)]
    (batch,) = decode(*spans).batches
    names = [row["tool"] for row in rows(batch)]
    assert len(set(names)) <= 101
    assert names.count("__other__") >= 200


@pytest.mark.parametrize(
    "attributes",
    [
        {"db.system": "postgresql", "db.operation": "query"},
        {"db.system": "chroma", "db.operation": "add"},
        {"openinference.span.kind": "CHAIN"},
    ],
)
def test_what_serves_no_call_is_still_left_out(attributes: dict[str, Any]) -> None:
    """Other databases, writes and chains are no searches."""
    decoded = decode(attributes)
    assert (decoded.batches, decoded.dropped) == ([], {"not_a_call": 1})


def _asked(*calls: tuple[str, Any]) -> str:
    parts = [{"type": "tool_call", "id": "1", "name": name, "arguments": arguments} for name, arguments in calls]
    return json.dumps([{"role": "assistant", "parts": parts}])


NAMES = ("tool_calls", "tool_calls_read", "tool_calls_malformed", "tool_calls_known", "tool_calls_not_offered")


@pytest.mark.parametrize(
    ("attributes", "counts"),
    [
        ({"gen_ai.tool.definitions": OFFERED, "gen_ai.output.messages": _asked(("search", {"q": 1}), ("book", "{}"))}, (2, 2, 0, 2, 0)),
        ({"gen_ai.tool.definitions": OFFERED, "gen_ai.output.messages": _asked(("search", '{"q": '), ("delete", "[1]"))}, (2, 2, 2, 2, 1)),
        ({"gen_ai.output.messages": _asked(("search", "{")), "gen_ai.response.finish_reasons": ["tool_calls"]}, (1, 1, 1, 0, 0)),
        ({"gen_ai.tool.definitions": OFFERED, "gen_ai.output.messages": _asked(("search", None), ("search", ""))}, (2, 1, 0, 2, 0)),
        (
            {
                "llm.request.functions.0.name": "search",
                "llm.request.functions.0.parameters": "{}",
                "gen_ai.completion.0.finish_reason": "tool_calls",
                "gen_ai.completion.0.tool_calls.0.name": "delete",
                "gen_ai.completion.0.tool_calls.0.arguments": "{}",
            },
            (1, 1, 0, 1, 1),
        ),
        (
            {
                "llm.tools.0.tool.json_schema": json.dumps({"type": "function", "function": {"name": "search"}}),
                "llm.output_messages.0.message.role": "assistant",
                "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "search",
                "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": "no json",
            },
            (1, 1, 1, 1, 0),
        ),
        (
            {
                "mlflow.spanInputs": json.dumps({"tools": [{"type": "function", "function": {"name": "search"}}], "messages": []}),
                "mlflow.spanOutputs": json.dumps(
                    {
                        "choices": [
                            {
                                "finish_reason": "tool_calls",
                                "message": {"role": "assistant", "tool_calls": [{"function": {"name": "rm", "arguments": "{}"}}]},
                            }
                        ]
                    }
                ),
            },
            (1, 1, 0, 1, 1),
        ),
    ],
)
def test_tool_calls_are_checked_on_every_call(attributes: dict[str, Any], counts: tuple[int, ...]) -> None:
    """Exact without keeping any text: asked for, readable, no JSON object, of a request whose tools are known, not offered."""
    row = one({**CHAT, **attributes})
    assert row["kind"] == "calls"
    assert tuple(row[name] for name in NAMES) == counts
    assert "input" not in row
    assert "output" not in row


def test_calls_without_tools_have_no_columns_of_them() -> None:
    """Nothing is added to what most calls are."""
    (batch,) = decode({**CHAT, "gen_ai.response.finish_reasons": ["stop"], "gen_ai.tool.definitions": OFFERED}).batches
    assert not set(NAMES) & set(batch.columns)


def test_turns_of_a_conversation_have_one_hash_whatever_dialect_names_it() -> None:
    """Other conversations have another, calls without one 0; the name itself is nowhere."""
    names = ["gen_ai.conversation.id", "session.id", "traceloop.association.properties.session_id"]
    (batch,) = decode(*({**CHAT, name: "thread-of-ann"} for name in names), CHAT, {**CHAT, "session.id": "other"}).batches
    found = batch.columns["conversation"].tolist()  # type: ignore[union-attr]  # an array
    assert len({*found[:3]}) == 1
    assert found[3] == 0
    assert len({*found}) == 3
    assert not any(isinstance(column, Category) and "thread-of-ann" in column.values for column in batch.columns.values())


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["score", "date", "metadata", "value", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
_DOCUMENT = st.fixed_dictionaries({"score": _JSON, "metadata": _JSON, "document": _JSON, "date": _JSON})


@settings(max_examples=50)
@given(st.lists(_JSON | _DOCUMENT, max_size=3))
def test_documents_of_any_form_are_measured(documents: list[Any]) -> None:
    """Whatever they hold, their number is right and every measure is a finite number or unknown."""
    found = retrieved(documents, text=True)
    assert found.documents == len(documents)
    assert all(math.isnan(value) or math.isfinite(value) for value in (found.best, found.mean, found.newest))
    assert len(found.text) <= 65_536


@given(_JSON)
def test_answers_and_dates_of_any_form_are_read(value: Any) -> None:
    """A list, or nothing; a moment, or nothing."""
    assert isinstance(listed(value), list | None)
    assert isinstance(moment(value), float | None)


@given(
    st.dictionaries(
        st.sampled_from(["gen_ai.retrieval.documents", "retrieval.documents.0.document.score", "gen_ai.tool.name", "db.system"]),
        st.text() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**63 - 1) | st.booleans(),
    )
)
def test_attributes_of_any_type_cost_no_span(attributes: dict[str, Any]) -> None:
    """A value of the wrong type is a value that is not known."""
    decoded = decode({"gen_ai.operation.name": "retrieval", **attributes})
    assert decoded.fault is None
    assert sum(batch.rows for batch in decoded.batches) == 1
