"""Single rules of the mapping, on spans made for them."""

from typing import Any

import orjson
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from agent.config import Endpoint
from agent.series import OTHER
from agent.sources.otlp import trace_message
from agent.sources.otlp.decode_logs import decode_logs
from agent.sources.otlp.decode_traces import decode_traces
from agent.sources.otlp.decoded import Decoded
from agent.sources.otlp.json_decode import from_json
from agent.sources.otlp.messages import conversation, length, measure
from agent.sources.otlp.rules import RULES
from detectors.types import Category, Text

CHAT = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o"}
START, END = 1_790_000_000_000_000_000, 1_790_000_001_500_000_000


class ByName:
    """An endpoint for each host."""

    def route(self, resource: dict[str, str], host: str) -> Endpoint:
        """Return it."""
        return Endpoint(host or resource.get("service.name") or "none")


def span(attributes: dict[str, Any], *, error: str | None = None, parent: str = "", **fields: Any) -> dict[str, Any]:
    """Return a span as OTLP/JSON."""
    return {
        "traceId": "0af7651916cd43dd8448eb211c80319c",
        "spanId": "b7ad6b7169203331",
        "parentSpanId": parent,
        "startTimeUnixNano": START,
        "endTimeUnixNano": str(END),
        "attributes": [{"key": key, "value": _value(value)} for key, value in attributes.items()],
        **({"status": {"code": 2, "message": error}} if error is not None else {}),
        **fields,
    }


def _value(value: Any) -> dict[str, Any]:
    if value == float("inf"):
        return {"doubleValue": "Infinity"}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(item) for item in value]}}
    kind = {bool: "boolValue", int: "intValue", float: "doubleValue", str: "stringValue"}[type(value)]
    return {kind: value}


def decode(*spans: dict[str, Any], resource: dict[str, Any] | None = None, content: bool = True) -> Decoded:
    """Decode spans of one resource."""
    request = ExportTraceServiceRequest()
    attributes = [{"key": key, "value": _value(value)} for key, value in (resource or {}).items()]
    document = {"resourceSpans": [{"resource": {"attributes": attributes}, "scopeSpans": [{"spans": list(spans)}]}]}
    from_json(orjson.dumps(document), request, 1000)
    return decode_traces(trace_message.parse(request.SerializeToString()), ByName(), content=content)


def one(attributes: dict[str, Any], **options: Any) -> dict[str, Any]:
    """Decode one span to its columns."""
    (batch,) = decode(span(attributes, **options)).batches
    row = {}
    for name, column in batch.columns.items():
        values = column.decode() if isinstance(column, Category) else column.values if isinstance(column, Text) else column.tolist()
        row[name] = values[0]
    return row


@pytest.mark.parametrize(
    ("attributes", "operation"),
    [
        (CHAT, "chat"),
        ({**CHAT, "gen_ai.operation.name": "text_completion"}, "text_completion"),
        ({"openinference.span.kind": "LLM"}, "chat"),
        ({"openinference.span.kind": "EMBEDDING"}, "embeddings"),
        ({"mlflow.spanType": '"CHAT_MODEL"'}, "chat"),
        ({"llm.request.type": "completion"}, "text_completion"),
        ({"gen_ai.system": "openai", "gen_ai.request.model": "gpt-4o"}, "chat"),
        ({**CHAT, "http.request.method": "POST"}, "chat"),
    ],
)
def test_calls_are_recognised(attributes: dict[str, Any], operation: str) -> None:
    """Every dialect's word for a call of a model."""
    assert one(attributes)["operation"] == operation


@pytest.mark.parametrize(
    "attributes",
    [
        {"http.request.method": "POST", "server.address": "api.openai.com"},
        {"http.request.method": "POST", "llm.request.type": "chat"},
        {"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "gpt-4o"},
        {"openinference.span.kind": "CHAIN"},
        {"openinference.span.kind": "AGENT", "llm.token_count.prompt": 9},
        {"traceloop.span.kind": "workflow"},
        {"traceloop.span.kind": "task"},
        {"db.system": "postgresql"},
    ],
)
def test_what_only_wraps_calls_is_not_counted(attributes: dict[str, Any]) -> None:
    """Agents, chains, tools, workflows and HTTP spans would count tokens twice; they are dropped with a reason."""
    decoded = decode(span(attributes))
    assert (decoded.batches, decoded.dropped) == ([], {"not_a_call": 1})


@pytest.mark.parametrize(
    ("attributes", "provider"),
    [
        ({"server.address": "Shop.OpenAI.Azure.com"}, "azure.ai.openai"),
        ({"server.address": "shop.cognitiveservices.azure.us"}, "azure.ai.openai"),
        ({"server.address": "shop.services.ai.azure.com"}, "azure.ai.openai"),
        ({"server.address": "evil-openai.azure.com.example.org"}, "openai"),
        ({"gen_ai.openai.api_base": "https://gateway/openai/"}, "azure.ai.openai"),
        ({"gen_ai.openai.api_version": "2024-10-21"}, "azure.ai.openai"),
        (
            {
                "gen_ai.response.finish_reasons": ["stop"],
                "gen_ai.output.messages": '[{"parts":[],"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}]',
            },
            "azure.ai.openai",
        ),
        ({"gen_ai.provider.name": "az.ai.inference"}, "azure.ai.inference"),
        ({"gen_ai.provider.name": "Anthropic"}, "anthropic"),
        ({"gen_ai.provider.name": "xai", "server.address": "shop.openai.azure.com"}, "x_ai"),
    ],
)
def test_azure_is_told_from_what_clients_claim(attributes: dict[str, Any], provider: str) -> None:
    """Most clients call Azure OpenAI plain openai."""
    assert one({**CHAT, **attributes})["provider"] == provider


def test_the_deployment_is_what_was_asked_for() -> None:
    """On Azure the requested model is the deployment's name; a deployment in the address says it better."""
    azure = {
        **CHAT,
        "gen_ai.request.model": "prod-4o",
        "gen_ai.response.model": "gpt-4o-2024-08-06",
        "server.address": "x.openai.azure.com",
    }
    assert [one(azure)[name] for name in ("deployment", "request_model", "model")] == ["prod-4o", "prod-4o", "gpt-4o-2024-08-06"]
    base = "https://x.openai.azure.com/openai/deployments/chat-eu/"
    assert one({**azure, "gen_ai.openai.api_base": base})["deployment"] == "chat-eu"


def test_the_best_place_wins_whatever_the_order() -> None:
    """Fallbacks have a rank; the order of the attributes does not matter."""
    names = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt")
    values = {name: number for number, name in enumerate(names, 1)}
    for order in (names, names[::-1], (names[1], names[0], names[2])):
        assert one({**CHAT, **{name: values[name] for name in order}})["input_tokens"] == 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["stop"], "stop"),
        ('["stop"]', "stop"),
        (["tool_calls"], "tool_call"),
        (["stop", "length"], "length,stop"),
        (["stop", "stop"], "stop"),
        (["STOP"], "stop"),
        (["end_turn"], "stop"),
        (["max_tokens"], "length"),
        (["my name is Ann"], "other"),
        (["unknown"], None),
        ([], None),
    ],
)
def test_finish_reasons_are_normalised(value: Any, expected: str | None) -> None:
    """Arrays, JSON and the words of other providers; nothing unbounded gets through."""
    assert one({**CHAT, "gen_ai.response.finish_reasons": value}).get("finish_reason") == expected


@pytest.mark.parametrize(
    ("attributes", "message", "error", "flags"),
    [
        ({"error.type": "openai.RateLimitError"}, "", "429", (True, False)),
        ({}, "Error code: 429 - slow down", "429", (True, False)),
        ({}, "request 42999 failed", "other", (False, False)),
        ({"error.type": "429"}, "", "429", (True, False)),
        ({"error.type": "BadRequestError"}, "Error code: 400 - triggering content management policy", "content_filter", (False, True)),
        ({"error.type": "BadRequestError"}, "Error code: 400 - bad JSON", "BadRequestError", (False, False)),
        ({"error.type": "openai.APITimeoutError"}, "", "timeout", (False, False)),
        ({"error.type": "500"}, "", "500", (False, False)),
        ({}, "Error code: 503 - overloaded", "503", (False, False)),
        ({"http.response.status_code": 401}, "", "401", (False, False)),
        ({"error.type": "_OTHER"}, "", "other", (False, False)),
        ({"error.type": "user Ann said no"}, "Ann again", "other", (False, False)),
    ],
)
def test_errors_have_bounded_names(attributes: dict[str, Any], message: str, error: str, flags: tuple[bool, bool]) -> None:
    """A class, a code or a word of ours; never the text."""
    row = one({**CHAT, **attributes}, error=message)
    assert row["error_type"] == error
    assert (row.get("throttled", False), row.get("blocked_prompt", False)) == flags


FILTERED = '{"choices":[{"content_filter_results":{"violence":{"filtered":true,"severity":"high"}},"finish_reason":"content_filter"}]}'


@pytest.mark.parametrize(
    ("attribute", "value", "expected"),
    [
        ("output.value", FILTERED, "completion/violence/high/blocked"),
        ("mlflow.spanOutputs", FILTERED, "completion/violence/high/blocked"),
        ("gen_ai.completion.0.content_filter_results", '{"self-harm":{"filtered":false,"severity":"low"}}', "completion/self_harm/low/annotated"),
        ("gen_ai.prompt.prompt_filter_results", '[{"content_filter_results":{"jailbreak":{"detected":true,"filtered":false}}}]', "prompt/jailbreak/none/annotated"),
        ("gen_ai.prompt.prompt_filter_results", '[{"content_filter_result":{"error":{"code":"x","message":"y"}}}]', "prompt/unknown/not_run/passed"),
        ("gen_ai.prompt.prompt_filter_results", '[{"content_filter_results":{"custom_blocklist":{"filtered":true,"details":[]}}}]', "prompt/custom_blocklists/none/blocked"),
        ("gen_ai.prompt.prompt_filter_results", '[{"content_filter_results":{"custom_blocklists":[{"id":"x","filtered":true}]}}]', "prompt/custom_blocklists/none/blocked"),
        (
            "microsoft.foundry.content_filter.results",
            ('[{"blocked":true,"source_type":"prompt","content_filter_results":{"indirect_attack":{"detected":true,"filtered":true}}},'
            '{"source_type":"completion","content_filter_results":{"purview":{"detected":false,"filtered":false,"details":{"error":"x"}}}}]'),
            "completion/purview/none/passed|prompt/indirect_attack/none/blocked",
        ),
        (
            "output.value",
            ('[{"choices":[],"prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}]},'
            '{"choices":[{"index":0,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}]},'
            '{"choices":[{"index":0,"content_filter_results":{"hate":{"filtered":true,"severity":"medium"}}}]}]'),
            "completion/hate/medium/blocked|prompt/hate/safe/passed",
        ),
        ("output.value", '{"content_filters":[{"source_type":"prompt","content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}]}', "prompt/hate/safe/passed"),
        ("output.value", '{"content_filter_results": 7}', None),
        ("output.value", "{not JSON, content_filter_results", None),
    ],
)  # fmt: skip
def test_filter_results_in_all_shapes(attribute: str, value: str, expected: str | None) -> None:
    """Every form Azure and its clients have been seen to give them."""
    assert one({**CHAT, attribute: value}).get("filters") == expected


@pytest.mark.parametrize(
    "message",
    [
        (
            "Error code: 400 - {'error': {'code': 'content_filter', 'innererror': {'code': 'ResponsibleAIPolicyViolation', "
            "'content_filter_result': {'hate': {'filtered': False, 'severity': 'safe'}, 'jailbreak': {'filtered': True, 'detected': True}}}}}"
        ),
        (
            '(content_filter) Inner error: {\n "code": "ResponsibleAIPolicyViolation",\n "content_filter_results": '
            '{\n "hate": {\n "filtered": false,\n "severity": "safe"\n },\n "jailbreak": {\n "filtered": true,\n "detected": true\n }\n }\n}'
        ),
    ],
)
def test_a_blocked_prompt_tells_its_category(message: str) -> None:
    """The body of a 400 stands in the error's text, as Python or as JSON."""
    assert one(CHAT, error=message)["filters"] == "prompt/hate/safe/passed|prompt/jailbreak/none/blocked"


def test_unmapped_attributes_are_counted_by_name() -> None:
    """GenAI attributes nobody reads show up, indices folded; known ones, foreign ones and strange ones do not make names."""
    attributes = {
        **CHAT, "gen_ai.new.thing": 1, "llm.odd.3.text": "x", "gen_ai.request.temperature": 0.1, "db.system": "x", "llm.user said\nx": "y",
        "gen_ai.tool.definitions": "[]",
    }  # fmt: skip
    assert decode(span(attributes)).unmapped == {"gen_ai.new.thing": 1, "llm.odd.N.text": 1, OTHER: 1}


def test_names_seen_are_remembered_within_bounds() -> None:
    """A sender of ever new names costs no memory."""
    decode(span({f"gen_ai.x{number}": 1 for number in range(6000)}))
    assert len(RULES) <= 4096


def test_times_that_cannot_be_are_mended() -> None:
    """End before start: no duration. A time no column can hold: the time of arrival. Both are counted."""
    decoded = decode(span(CHAT, endTimeUnixNano=START - 1), span(CHAT, endTimeUnixNano=2**64 - 1))
    (batch,) = decoded.batches
    assert batch.columns["time"].tolist() == [START - 1, 0]  # type: ignore[union-attr]  # an array
    assert decoded.adjusted == {"negative_duration": 1, "time_out_of_range": 1}
    assert one(CHAT)["duration"] == 1.5


@pytest.mark.parametrize("value", [-5, float("inf"), "many", True])
def test_numbers_that_cannot_be_are_missing(value: Any) -> None:
    """Negative, infinite or no numbers at all."""
    assert "input_tokens" not in one({**CHAT, "gen_ai.usage.input_tokens": value})


def test_each_endpoint_gets_its_own_batch() -> None:
    """Calls are routed by resource and host; ids and times stay with them."""
    hosts = ("a.example", "b.example", "a.example")
    spans = [span({**CHAT, "server.address": host}, spanId=f"{number:016x}") for number, host in enumerate(hosts, 1)]
    batches = {batch.endpoint: batch.rows for batch in decode(*spans).batches}
    assert batches == {"a.example": 2, "b.example": 1}


def test_the_parent_of_a_call_has_the_hash_of_its_span() -> None:
    """`parent` of a child equals `id` of its parent; no parent is 0."""
    (batch,) = decode(span(CHAT), span(CHAT, spanId="00f067aa0ba902b7", parent="b7ad6b7169203331")).batches
    ids, parents = (batch.columns[name].tolist() for name in ("id", "parent"))  # type: ignore[union-attr]  # arrays
    assert parents == [0, ids[0]]


def test_version_and_traffic() -> None:
    """The service's version is the call's; traffic only as one of its four kinds."""
    (batch,) = decode(span({**CHAT, "driftline.traffic": "canary"}), resource={"service.version": "1.2"}).batches
    assert isinstance(batch.columns["version"], Category)
    assert batch.columns["version"].values == ("1.2",)
    assert one({**CHAT, "driftline.traffic": "canary"})["traffic"] == "canary"
    assert "traffic" not in one({**CHAT, "driftline.traffic": "other"})


def test_log_records_that_are_no_part_of_a_call() -> None:
    """Plain logs and parts without a span are counted apart; a bad id is the sender's fault."""
    body = (
        b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"hello"}},'
        b'{"eventName":"gen_ai.choice","body":{"kvlistValue":{"values":[]}}},{"eventName":"gen_ai.choice","spanId":"zz"}]}]}]}'
    )
    request = ExportLogsServiceRequest()
    from_json(body, request, 10)
    decoded = decode_logs(request, ByName())
    assert (decoded.batches, decoded.dropped, decoded.rejected) == ([], {"not_a_call": 1, "no_span": 1}, {"invalid_id": 1})


@pytest.mark.parametrize(
    "value",
    [
        '[{"role":"user","parts":[{"type":"text","content":"Hi"},{"type":"text","content":"there"}]},{"role":"user","parts":[]}]',
        '[{"role":"user","parts":[{"type":"tool_call","name":"f","arguments":{}},{"type":"text","content":"Hi"}]}]',
        '[{"role":"user","content":"Hi"},{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"x"}}]}]',
        "plain text", "[not JSON", "[]", '"quoted"', '["a","b"]', '[1,{"parts":7}]', "{}",
    ],
)  # fmt: skip
def test_lengths_are_the_same_with_and_without_messages(value: str) -> None:
    """The quick count equals the length of the messages it does not build."""
    assert (measure(value) or 0) == length(conversation(value))


def _event(name: str, **attributes: str) -> dict[str, Any]:
    return {
        "name": name,
        "timeUnixNano": START + 250_000_000,
        "attributes": [{"key": k, "value": _value(v)} for k, v in attributes.items()],
    }


@pytest.mark.parametrize(
    "events",
    [
        [
            _event("gen_ai.user.message", **{"gen_ai.event.content": '{"role":"user","content":"Hi"}'}),
            _event("gen_ai.choice", **{"gen_ai.event.content": '{"message":{"content":"Hello"},"finish_reason":"stop"}'}),
        ],
        [
            _event("gen_ai.content.prompt", **{"gen_ai.prompt": '[{"role":"user","content":"Hi"}]'}),
            _event("gen_ai.content.completion", **{"gen_ai.completion": '[{"role":"assistant","content":"Hello","finish_reason":"stop"}]'}),
        ],
    ],
)
def test_messages_in_span_events(events: list[dict[str, Any]]) -> None:
    """Older conventions put messages into events of the span."""
    row = one(CHAT, events=events)
    assert (row["input_length"], row["output_length"], row["finish_reason"]) == (2, 5, "stop")
    assert orjson.loads(row["input"]) == [{"role": "user", "text": "Hi", "tool_calls": []}]


@pytest.mark.parametrize("name", ["First Token Stream Event", "gen_ai.content.completion.chunk", "llm.content.completion.chunk"])
def test_the_first_chunk_is_the_first_token(name: str) -> None:
    """Clients that mark chunks with events tell the time to first token that way."""
    assert one(CHAT, events=[_event(name), {**_event(name), "timeUnixNano": END}])["time_to_first_token"] == 0.25


class Moody(ByName):
    """Fails for one host."""

    def route(self, resource: dict[str, str], host: str) -> Endpoint:
        """Return an endpoint, or fail."""
        if host == "bad":
            raise KeyError(host)
        return super().route(resource, host)


def test_one_record_that_fails_does_not_take_the_others_along() -> None:
    """It is dropped and counted, wherever it failed; the others are whole."""
    request = ExportTraceServiceRequest()
    spans = [span({**CHAT, "server.address": host}) for host in ("good", "bad", "good")]
    from_json(orjson.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}), request, 10)
    decoded = decode_traces(trace_message.parse(request.SerializeToString()), Moody())
    assert [batch.rows for batch in decoded.batches] == [2]
    assert decoded.dropped == {"fault": 1}


def test_made_up_categories_do_not_fill_memory() -> None:
    """Thousands of categories in one answer: the column stays short."""
    results = {f"category_{number}": {"filtered": True} for number in range(5000)}
    filters = one({**CHAT, "output.value": orjson.dumps({"choices": [{"content_filter_results": results}]}).decode()})["filters"]
    assert len(filters.split("|")) == 64
