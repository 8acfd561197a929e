"""OTLP/JSON to the protobuf messages, so that both encodings run through one decoder.

Protobuf's own JSON parser is ten times slower and would read the hex of ids as base64; it is left the metrics.
"""

from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from agent.sources.otlp.fault import Fault, Refused

_DEPTH = 64
_COMMAS = 1_000_000
_SCALARS: Mapping[str, tuple[str, Callable[[Any], Any] | None]] = {
    "stringValue": ("string_value", None),
    "intValue": ("int_value", int),
    "doubleValue": ("double_value", float),
    "boolValue": ("bool_value", None),
    "bytesValue": ("bytes_value", b64decode),
}
_WRONG_ID = b"\0"
"""Stands for an id that is no hex: its length is wrong, so its record is rejected for it."""


def from_json(body: bytes, message: Any, limit: int) -> None:
    """Fill a request message from OTLP/JSON. Raises Refused: TOO_LARGE over `limit` records, MALFORMED if unreadable.

    Integers may be numbers or text, enums numbers or names; unknown fields are ignored, and so are the fields of spans
    and log records that no decoder reads.
    """
    if body.count(b",") > _COMMAS:
        # An object of two bytes costs sixty-four in memory.
        raise Refused(Fault.TOO_LARGE, f"the JSON body has more than {_COMMAS} values")
    try:
        document = orjson.loads(body) if body else {}
        if isinstance(message, ExportTraceServiceRequest):
            _traces(document, message, limit)
        elif isinstance(message, ExportLogsServiceRequest):
            _logs(document, message, limit)
        else:
            _metrics(document, message)
    except orjson.JSONDecodeError as error:
        raise Refused(Fault.MALFORMED, f"the body is not valid JSON: position {error.pos}") from None
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        # The errors' own text may quote what was sent.
        raise Refused(Fault.MALFORMED, "the JSON body is not an OTLP request") from None


def _metrics(document: Any, request: Any) -> None:
    from google.protobuf.json_format import ParseDict, ParseError  # noqa: PLC0415 - few clients send metrics as JSON

    try:
        ParseDict(document, request, ignore_unknown_fields=True, max_recursion_depth=_DEPTH)
    except ParseError as error:
        raise ValueError from error


def _traces(document: dict[str, Any], request: ExportTraceServiceRequest, limit: int) -> None:
    left = limit
    for group in _list(document, "resourceSpans"):
        resource_spans = request.resource_spans.add()
        _attributes(group.get("resource") or {}, resource_spans.resource.attributes, _DEPTH)
        for scope in _list(group, "scopeSpans"):
            spans = resource_spans.scope_spans.add().spans
            items = _list(scope, "spans")
            left = _count(left, items)
            for item in items:
                _span(item, spans.add())


def _logs(document: dict[str, Any], request: ExportLogsServiceRequest, limit: int) -> None:
    left = limit
    for group in _list(document, "resourceLogs"):
        resource_logs = request.resource_logs.add()
        _attributes(group.get("resource") or {}, resource_logs.resource.attributes, _DEPTH)
        for scope in _list(group, "scopeLogs"):
            records = resource_logs.scope_logs.add().log_records
            items = _list(scope, "logRecords")
            left = _count(left, items)
            for item in items:
                _record(item, records.add())


def _count(left: int, items: list[Any]) -> int:
    if len(items) > left:
        raise Refused(Fault.TOO_LARGE, "too many records in one request")
    return left - len(items)


def _span(item: dict[str, Any], span: Span) -> None:
    span.trace_id = _id(item.get("traceId"))
    span.span_id = _id(item.get("spanId"))
    span.parent_span_id = _id(item.get("parentSpanId"))
    span.trace_state = item.get("traceState") or ""
    span.name = item.get("name") or ""
    span.start_time_unix_nano = int(item.get("startTimeUnixNano") or 0)
    span.end_time_unix_nano = int(item.get("endTimeUnixNano") or 0)
    _attributes(item, span.attributes, _DEPTH)
    for found in _list(item, "events"):
        event = span.events.add(name=found.get("name") or "", time_unix_nano=int(found.get("timeUnixNano") or 0))
        _attributes(found, event.attributes, _DEPTH)
    if status := item.get("status"):
        code = status.get("code") or 0
        span.status.code = Status.StatusCode.Value(code) if isinstance(code, str) and not code.isdigit() else int(code)  # type: ignore[assignment]  # any int32
        span.status.message = status.get("message") or ""


def _record(item: dict[str, Any], record: LogRecord) -> None:
    record.trace_id = _id(item.get("traceId"))
    record.span_id = _id(item.get("spanId"))
    record.time_unix_nano = int(item.get("timeUnixNano") or 0)
    record.observed_time_unix_nano = int(item.get("observedTimeUnixNano") or 0)
    record.event_name = item.get("eventName") or ""
    _attributes(item, record.attributes, _DEPTH)
    if body := item.get("body"):
        _value(body, record.body, _DEPTH)


def _attributes(item: dict[str, Any], target: Any, depth: int, name: str = "attributes") -> None:
    for found in _list(item, name):
        attribute = target.add(key=found.get("key") or "")
        if value := found.get("value"):
            _value(value, attribute.value, depth)


def _value(item: dict[str, Any], target: AnyValue, depth: int) -> None:
    if depth == 0:
        raise ValueError
    for kind, value in item.items():
        if value is None:
            continue
        if kind in _SCALARS:
            field, convert = _SCALARS[kind]
            setattr(target, field, value if convert is None else convert(value))
        elif kind == "arrayValue":
            target.array_value.SetInParent()
            for found in _list(value, "values"):
                _value(found, target.array_value.values.add(), depth - 1)
        elif kind == "kvlistValue":
            target.kvlist_value.SetInParent()
            _attributes(value, target.kvlist_value.values, depth - 1, "values")


def _list(item: dict[str, Any], name: str) -> list[Any]:
    found = item.get(name)
    if found is None:
        return []
    if not isinstance(found, list):
        raise TypeError
    return found


def _id(value: Any) -> bytes:
    if not value:
        return b""
    try:
        return bytes.fromhex(value)
    except (TypeError, ValueError):
        return _WRONG_ID
