"""Calls that carry a secret in every place a text may stand, as OTLP spans, logs and metrics."""

import json
from collections.abc import Mapping, MutableSequence

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from agent.doctor.seeds import Seed

_USUAL = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "azure.ai.openai", "gen_ai.request.model": "gpt-4o"}
_BESIDE = 5
"""One call in so many has a search and a run of a tool beside it."""
_SELDOM = 50
"""One call in so many has secrets where names belong: each name is a series."""


def calls(resource: Mapping[str, str], numbers: range, moment: int) -> tuple[ExportTraceServiceRequest, ExportLogsServiceRequest]:
    """Return spans that end at `moment` (nanoseconds) or just after, and the log records of some of them.

    Prompt, answer, instructions, documents, tool calls and results, span events, exceptions, status messages, log bodies and unknown
    attributes hold a seed each, and so do now and then names of models, ids of answers and types of errors; a third of the calls fails.
    """
    traces, logs = ExportTraceServiceRequest(), ExportLogsServiceRequest()
    for request in (traces.resource_spans.add(), logs.resource_logs.add()):
        _set(request.resource.attributes, {**resource, "enduser.id": Seed.of(numbers.start).mail})
    spans, records = traces.resource_spans[0].scope_spans.add().spans, logs.resource_logs[0].scope_logs.add().log_records
    for number in numbers:
        seed, end = Seed.of(number), moment + number
        trace, identity = trace_of(number)
        span = spans.add(trace_id=trace, span_id=identity, name=seed.said("name"), kind=Span.SPAN_KIND_CLIENT)
        span.start_time_unix_nano, span.end_time_unix_nano = end - 1_000_000, end
        _set(span.attributes, _USUAL | {"custom.note": seed.said("note"), "gen_ai.system_instructions": _parts(seed.said("system"))})
        if number % _SELDOM == 1:
            names = {"gen_ai.response.model": seed.key, "gen_ai.response.id": seed.mail}
            _set(span.attributes, {**names, "azure.ai.openai.deployment": seed.mail, "error.type": seed.said("type")})
        tool = {"type": "tool_call", "id": "1", "name": "send", "arguments": {"to": seed.mail, "text": seed.said("tool")}}
        prompt = [{"role": "user", "parts": [{"type": "text", "content": seed.said("prompt")}]}]
        answer = [{"role": "assistant", "parts": [{"type": "text", "content": seed.said("answer")}, tool], "finish_reason": "stop"}]
        if number % 3 == 0:
            span.status.code, span.status.message = Status.STATUS_CODE_ERROR, seed.said("failed")
            event = span.events.add(name="exception", time_unix_nano=end)
            _set(event.attributes, {"exception.type": "ValueError", "exception.message": seed.said("exception")})
        elif number % 3 == 1:
            _set(span.attributes, {"gen_ai.response.finish_reasons": "stop", "gen_ai.input.messages": json.dumps(prompt)})
            _set(span.attributes, {"gen_ai.output.messages": json.dumps(answer)})
        else:
            record = records.add(
                trace_id=trace, span_id=identity, time_unix_nano=end, event_name="gen_ai.client.inference.operation.details"
            )
            _set(record.attributes, {"gen_ai.input.messages": json.dumps(prompt), "gen_ai.output.messages": json.dumps(answer)})
            record.body.string_value = seed.said("body")
        if number % _BESIDE == 0:
            for place, said in enumerate(_beside(seed, odd=number % _SELDOM == 0)):
                other = spans.add(trace_id=trace, span_id=((place + 1) << 40 | number).to_bytes(8, "big"), name=seed.said("step"))
                other.parent_span_id, other.start_time_unix_nano, other.end_time_unix_nano = identity, end - 1_000_000, end
                _set(other.attributes, said)
    return traces, logs


def _beside(seed: Seed, *, odd: bool) -> tuple[dict[str, str], dict[str, str]]:
    """Return the attributes of a search for documents and of a run of a tool."""
    found = {"retrieval.documents.0.document.content": seed.said("document"), "retrieval.documents.0.document.id": seed.mail}
    named = {"gen_ai.data_source.id": seed.mail} if odd else {}
    tool = {"gen_ai.tool.name": seed.key if odd else "send", "gen_ai.tool.call.arguments": seed.said("arguments")}
    return (
        {"openinference.span.kind": "RETRIEVER", "input.value": seed.said("query"), **found, **named},
        {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.result": seed.said("result"), **tool},
    )


def measures(resource: Mapping[str, str], numbers: range, moment: int) -> ExportMetricsServiceRequest:
    """Return durations of calls, a data point a record, with a seed among the attributes of each."""
    request = ExportMetricsServiceRequest()
    group = request.resource_metrics.add()
    _set(group.resource.attributes, {**resource, "enduser.id": Seed.of(numbers.start).mail})
    metric = group.scope_metrics.add().metrics.add(name="gen_ai.client.operation.duration", unit="s")
    metric.histogram.aggregation_temporality = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
    for number in numbers:
        seed = Seed.of(number)
        point = metric.histogram.data_points.add(count=1, sum=0.2, bucket_counts=[1, 0], explicit_bounds=[1.0])
        point.start_time_unix_nano, point.time_unix_nano = moment - 1_000_000, moment + number
        _set(point.attributes, _USUAL | {"user.note": seed.said("note"), "error.type": seed.said("type"), "user.id": seed.mail})
        if number % _SELDOM == 1:
            _set(point.attributes, {"gen_ai.response.model": seed.key})
    return request


def trace_of(number: int) -> tuple[bytes, bytes]:
    """Return the trace and span id of a record."""
    return (number + 1).to_bytes(16, "big"), (number + 1).to_bytes(8, "big")


def _parts(text: str) -> str:
    return json.dumps([{"type": "text", "content": text}])


def _set(attributes: MutableSequence[KeyValue], values: Mapping[str, str]) -> None:
    for key, value in values.items():
        one = KeyValue(key=key)
        one.value.string_value = value
        attributes.append(one)
