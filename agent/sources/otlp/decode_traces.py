"""Spans to calls: one row for every call of a model, none for what only wraps one."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from agent.sources import Router
from agent.sources.otlp import filters
from agent.sources.otlp.alike import Alike, alike
from agent.sources.otlp.call import Conversation, finish_reason, keep_text
from agent.sources.otlp.clients import client_of
from agent.sources.otlp.columns import LATEST
from agent.sources.otlp.decoded import NO_SPAN, NO_TRACE, Block, Decoded, Rows
from agent.sources.otlp.dialects import FILTERS
from agent.sources.otlp.lengths import Unusual
from agent.sources.otlp.shape import Shape, shape_of
from agent.sources.otlp.span_parts import Events, fail, told
from agent.sources.otlp.stretch import ERROR, OBJECT, SECOND, read
from agent.sources.otlp.trace_message import Span, TraceRequest
from agent.sources.otlp.trace_state import adjusted_count
from agent.sources.otlp.values import name, plain, strings
from detectors.safety.results import Entry

_SILENT = Conversation()
_STRETCH = 128
"""Spans read together at most: what they hold stays in the nearer memory."""
_FEW = 4
"""Spans that are as quickly read one by one."""


def decode_traces(request: TraceRequest, router: Router, *, content: bool = False) -> Decoded:
    """Read a request. `content` keeps text whatever the endpoint's mode says. Raises DecodeError for a malformed attribute."""
    decoded = Decoded()
    found_rows: dict[str, Rows] = {}
    for group in request.resource_spans:
        reader = _Resource(group.resource.attributes, router, found_rows, decoded, content=content)
        for scope in group.scope_spans:
            for low in range(0, len(scope.spans), _STRETCH):
                reader.stretch(scope.spans[low : low + _STRETCH])
    decoded.batches = [beside.batch() for beside in decoded.beside.values() if beside.records]
    decoded.batches += [rows.batch() for rows in found_rows.values() if rows.records or rows.blocks]
    return decoded


class _Resource:
    """Reads the spans of one resource into the rows of their endpoints."""

    def __init__(self, attributes: Iterable[KeyValue], router: Router, rows: dict[str, Rows], decoded: Decoded, *, content: bool) -> None:
        self._attributes = strings(attributes)
        self._version = name(self._attributes.get("service.version"))
        self._client = client_of(self._attributes)
        self._router = router
        self._rows = rows
        self._decoded = decoded
        self._content = content
        self._like: Shape | None = None
        self._by_host: dict[str, Rows] = {}

    def stretch(self, spans: Sequence[Span]) -> None:
        """Add rows for the model calls; count everything else. Raises DecodeError."""
        # First, so that a malformed attribute shows wherever it stands.
        attributes = [span.attributes[:] for span in spans]
        alone: Sequence[int] = range(len(spans))
        try:
            alone = self._together(spans, attributes) if len(spans) >= _FEW else alone
        except DecodeError:
            raise
        except Unusual:
            pass  # a form that only reading one by one knows
        except Exception as error:  # noqa: BLE001 - it costs no record that can be read alone, and is told as any other
            self._decoded.fault = error
        for row in alone:
            try:
                self._span(spans[row], attributes[row], row)
            except DecodeError:
                raise
            except Exception as error:  # noqa: BLE001 - one poison record must not stop the others
                self._decoded.failed(error)
        self._decoded.spans += len(spans)

    def _together(self, spans: Sequence[Span], attributes: Sequence[Sequence[bytes]]) -> Sequence[int]:
        """Add the calls that can be read column by column; return which spans are left. Adds nothing if it fails."""
        found: list[tuple[Rows, Block, Alike]] = []
        for group in alike(attributes, self._like):
            self._like = group.shapes[0]
            targets = [self._target(shape) for shape in group.shapes]
            for rows in {id(rows): rows for rows in targets if rows is not None}.values():
                part = group if len(targets) == 1 else group.only([targets[index] is rows for index in group.which])
                if len(part.members) >= _FEW:
                    block, part = read(spans, part, self._version)
                    found += [] if block is None else [(rows, block, part)]
        left = set(range(len(spans)))
        for rows, block, part in found:
            rows.blocks.append((self._client, block, [self._decoded.spans + row for row in part.members]))
            left.difference_update(part.members)
            if block.negative:
                self._decoded.adjusted["negative_duration"] += block.negative
            for index, times in Counter(part.which).items():
                for attribute, count in part.shapes[index].unmapped.items():
                    self._decoded.unmapped[attribute] += times * count
        return sorted(left)

    def _target(self, shape: Shape) -> Rows | None:
        """Return where calls of a shape go that can be read column by column."""
        if shape.plan is None:
            return None
        rows = self._by_host.get(shape.host) or self._find(shape.host)
        return None if rows.keeps_text else rows

    def _span(self, span: Span, attributes: Sequence[bytes], row: int) -> None:
        """Add a row for a model call; count everything else."""
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
            found["duration"] = (end - start) * SECOND
        events = Events(span, found) if span.events else None
        said = found.get("output_messages")
        # Nearly all spans are told by their shape; only messages that end with an object in an object can hold filter results.
        if events is None and shape.settled and (said is None or (said.__class__ is str and not said.endswith(OBJECT))):
            entries: list[Entry] = []
        else:
            entries = told(span, shape, found, events)
        if span.status.code == ERROR or "error" in found:
            fail(span, found, entries, events)
        found["filters"] = filters.column(entries) if entries else None
        if events is not None and (found["finish_reason"] is None or events.filtered):
            # A client that puts a stream together may have lost that its end was filtered.
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
        rows.order.append(self._decoded.spans + row)

    def _beside(self, span: Span, shape: Shape, found: dict[str, Any]) -> None:
        """Add a row for what serves calls: a search for documents, a run of a tool."""
        if span.status.code == ERROR:
            self._lend(span)
        if shape.beside is None:
            self._decoded.dropped["not_a_call"] += 1
            return
        start, end = span.start_time_unix_nano, span.end_time_unix_nano
        if 0 < start <= end:
            found["duration"] = (end - start) * SECOND
        # A store's own host is none of the model's.
        endpoint = self._router.route(self._attributes, "")
        keeps_text = self._content or endpoint.content != "off"
        beside = self._decoded.beside_of(endpoint.name, shape.beside, keeps_text=keeps_text)
        beside.add(span, found, end if end <= LATEST else self._no_time())

    def _lend(self, span: Span) -> None:
        """Give a blocked call what only the failure of the span around it tells: the filter's results."""
        texts = (span.status.message, *(plain(item.value) for event in span.events for item in event.attributes))
        told = next((text for text in texts if isinstance(text, str) and FILTERS[0] in text), None)
        entries = list(filters.in_text(told)) if told else []
        around = [span.trace_id, span.span_id]
        for rows in self._rows.values() if entries else ():
            for row, found in enumerate(rows.records):
                if found.get("blocked_prompt") and not found["filters"] and rows.parents[2 * row : 2 * row + 2] == around:
                    found["filters"] = filters.column(entries)

    def _find(self, host: str) -> Rows:
        endpoint = self._router.route(self._attributes, host)
        rows = self._rows.get(endpoint.name)
        if rows is None:
            rows = self._rows[endpoint.name] = Rows(endpoint.name, self._content or endpoint.content != "off", "calls")
            rows.names_calls = endpoint.names_calls
        self._by_host[host] = rows
        rows.clients.append((len(rows.times), self._client))
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
