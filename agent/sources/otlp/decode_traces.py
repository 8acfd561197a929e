"""Spans to calls: one row for every call of a model, none for what only wraps one."""

from collections.abc import Iterable
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from agent.sources import Router
from agent.sources.otlp import filters
from agent.sources.otlp.call import Conversation, complete, filter_entries, finish_reason, keep_text
from agent.sources.otlp.clients import client_of
from agent.sources.otlp.decoded import NO_SPAN, NO_TRACE, Decoded, Rows
from agent.sources.otlp.dialects import EVENT_CONTENT, FIRST_TOKEN_EVENTS
from agent.sources.otlp.failure import failure
from agent.sources.otlp.shape import Shape, shape_of
from agent.sources.otlp.trace_message import Span, TraceRequest
from agent.sources.otlp.trace_state import adjusted_count
from agent.sources.otlp.values import name, parse, plain
from detectors.safety.results import Entry

_ERROR = 2
_SECOND = 1e-9
_SILENT = Conversation()
LATEST = 2**63 - 1
"""The last nanosecond a time column can hold; beyond it a record gets the time of arrival."""


def decode_traces(request: TraceRequest, router: Router, *, content: bool = False) -> Decoded:
    """Read a request. `content` keeps text whatever the endpoint's mode says. Raises DecodeError for a malformed attribute."""
    decoded = Decoded()
    found_rows: dict[str, Rows] = {}
    for group in request.resource_spans:
        reader = _Resource(group.resource.attributes, router, found_rows, decoded, content=content)
        for scope in group.scope_spans:
            for span in scope.spans:
                try:
                    reader.span(span)
                except DecodeError:
                    raise
                except Exception as error:  # noqa: BLE001 - one poison record must not stop the others
                    decoded.failed(error)
    decoded.batches = [beside.batch() for beside in decoded.beside.values() if beside.records]
    decoded.batches += [rows.batch() for rows in found_rows.values() if rows.records]
    return decoded


def strings(attributes: Iterable[KeyValue]) -> dict[str, str]:
    """Return resource attributes as text; lists and maps are left out."""
    values = ((item.key, plain(item.value)) for item in attributes)
    return {key: str(value) for key, value in values if isinstance(value, str | int | float)}


class _Resource:
    """Reads the spans of one resource into the rows of their endpoints."""

    def __init__(self, attributes: Iterable[KeyValue], router: Router, rows: dict[str, Rows], decoded: Decoded, *, content: bool) -> None:
        self._attributes = strings(attributes)
        self._version = name(self._attributes.get("service.version"))
        self._router = router
        self._rows = rows
        self._decoded = decoded
        self._content = content
        self._like: Shape | None = None
        self._by_host: dict[str, Rows] = {}

    def span(self, span: Span) -> None:
        """Add a row for a model call; count everything else."""
        # First, so that a malformed attribute shows wherever it stands.
        attributes = span.attributes[:]
        shape = self._like = shape_of(attributes, self._like)
        found = shape.read(attributes)
        trace, identity = span.trace_id, span.span_id
        if len(trace) != 16 or len(identity) != 8 or trace == NO_TRACE or identity == NO_SPAN:
            self._decoded.rejected["invalid_id"] += 1
            return
        if shape.unmapped:
            self._decoded.unmapped.update(shape.unmapped)
        if shape.called is None:
            self._beside(span, shape, found)
            return
        host = shape.host
        rows = self._by_host.get(host) or self._find(host)
        start, end = span.start_time_unix_nano, span.end_time_unix_nano
        if end < start:
            self._decoded.adjusted["negative_duration"] += 1
        elif start:
            found["duration"] = (end - start) * _SECOND
        events = _Events(span, found) if span.events else None
        entries: list[Entry] = []
        if not shape.settled:
            entries = filter_entries(found)
            complete(found, dict(shape.ranks), shape.called, host, filtered=bool(entries))
        if span.status.code == _ERROR or "error" in found:
            _fail(span, found, entries, events)
        found["filters"] = filters.column(entries) if entries else None
        if events is not None and found["finish_reason"] is None:
            found["finish_reason"] = finish_reason(events.said.reasons)
        keep_text(found, _SILENT if events is None else events.said)
        found["version"] = self._version
        parent = span.parent_span_id
        if state := span.trace_state:
            self._weigh(state, trace, rows)
        # Nothing may fail from here on: the lists stay of one length.
        rows.times.append(end if end <= LATEST else self._no_time())
        rows.ids += (trace, identity)
        rows.parents += (trace, parent if len(parent) == 8 else NO_SPAN)
        rows.records.append(found)

    def _beside(self, span: Span, shape: Shape, found: dict[str, Any]) -> None:
        """Add a row for what serves calls: a search for documents, a run of a tool."""
        if shape.beside is None:
            self._decoded.dropped["not_a_call"] += 1
            return
        start, end = span.start_time_unix_nano, span.end_time_unix_nano
        if 0 < start <= end:
            found["duration"] = (end - start) * _SECOND
        # A store's own host is none of the model's.
        endpoint = self._router.route(self._attributes, "")
        self._decoded.beside_of(endpoint.name, shape.beside).add(span, found, end if end <= LATEST else self._no_time())

    def _find(self, host: str) -> Rows:
        endpoint = self._router.route(self._attributes, host)
        rows = self._rows.get(endpoint.name)
        if rows is None:
            rows = self._rows[endpoint.name] = Rows(endpoint.name, self._content or endpoint.content != "off", "calls")
            rows.names_calls = endpoint.names_calls
        self._by_host[host] = rows
        rows.clients.append((len(rows.times), client_of(self._attributes)))
        return rows

    def _no_time(self) -> int:
        self._decoded.adjusted["time_out_of_range"] += 1
        return 0

    def _weigh(self, state: str, trace: bytes, rows: Rows) -> None:
        """Note how many calls the next row stands for."""
        try:
            weight = adjusted_count(state, trace)
        except ValueError:
            self._decoded.adjusted["invalid_tracestate"] += 1
            return
        if weight is not None:
            rows.weights[len(rows.times)] = weight


class _Events:
    """What the events of a span add: first token, exception, messages."""

    def __init__(self, span: Span, found: dict[str, Any]) -> None:
        self.said = Conversation()
        self.exception: dict[str, str] = {}
        first = 0
        for item in span.events:
            if item.name.startswith(FIRST_TOKEN_EVENTS):
                first = first or item.time_unix_nano
            elif item.name == "exception":
                self.exception = strings(item.attributes)
            elif item.name.startswith("gen_ai."):
                self.said.add(item.name, next((parse(plain(a.value)) for a in item.attributes if a.key in EVENT_CONTENT), None))
        if first > span.start_time_unix_nano > 0:
            found.setdefault("time_to_first_token", (first - span.start_time_unix_nano) * _SECOND)


def _fail(span: Span, found: dict[str, Any], entries: list[Entry], events: _Events | None) -> None:
    exception = events.exception if events is not None else {}
    message = "\n".join((span.status.message, found.get("error_message") or "", exception.get("exception.message", "")))
    status = found.get("http_status")
    fault = failure(found.get("error") or exception.get("exception.type"), message, int(status) if status else None)
    found["error_type"] = fault.error_type
    found["throttled"] = fault.throttled
    found["blocked_prompt"] = fault.blocked_prompt
    if fault.blocked_prompt:
        entries += filters.in_text(message)
