"""OTLP/JSON to the protobuf messages, so that both encodings run through one decoder."""

from base64 import b64encode
from typing import Any

import orjson
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import Message

from agent.sources.otlp.fault import Fault, Refused

_IDS = frozenset({"traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"})
_GROUPS = ("resourceSpans", "resourceLogs", "resource_spans", "resource_logs")
_SCOPES = ("scopeSpans", "scopeLogs", "scope_spans", "scope_logs")
_ITEMS = ("spans", "logRecords", "log_records")
_DEPTH = 64


def from_json(body: bytes, message: Message, limit: int) -> None:
    """Fill `message` from OTLP/JSON. Raises Refused.

    OTLP writes ids as hex where protobuf's JSON means base64, so they are rewritten; an id that is no hex becomes
    one of a wrong length, and its record is rejected for it. Unknown fields are ignored.
    """
    try:
        document = orjson.loads(body) if body else {}
    except orjson.JSONDecodeError as error:
        raise Refused(Fault.MALFORMED, f"the body is not valid JSON: position {error.pos}") from None
    if not isinstance(document, dict):
        raise Refused(Fault.MALFORMED, "the body is not a JSON object")
    count = 0
    for group in _listed(document, _GROUPS):
        for scope in _listed(group, _SCOPES):
            for item in _listed(scope, _ITEMS):
                count += 1
                _rewrite(item)
                for link in _listed(item, ("links",)):
                    _rewrite(link)
    if count > limit:
        raise Refused(Fault.TOO_LARGE, f"more than {limit} records in one request")
    try:
        ParseDict(document, message, ignore_unknown_fields=True, max_recursion_depth=_DEPTH)
    except (ParseError, ValueError, TypeError, AttributeError, RecursionError):
        # The parser's own text may quote what was sent.
        raise Refused(Fault.MALFORMED, "the JSON body is not an OTLP request") from None


def _listed(document: dict[str, Any], names: tuple[str, ...]) -> list[dict[str, Any]]:
    return [item for name in names if isinstance(document.get(name), list) for item in document[name] if isinstance(item, dict)]


def _rewrite(item: dict[str, Any]) -> None:
    for name in _IDS & item.keys():
        value = item[name]
        try:
            item[name] = b64encode(bytes.fromhex(value)).decode()
        except (TypeError, ValueError):
            # One zero byte; an empty id would mean "none".
            item[name] = "AA=="
