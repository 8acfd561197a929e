"""Log records to call parts: what clients send apart from the span, joined to it later by id."""

from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from agent.sources import Router
from agent.sources.otlp import azure, filters
from agent.sources.otlp.call import Conversation, filter_entries, finish_reason, inputs, keep_text, outputs, reasons
from agent.sources.otlp.columns import LATEST
from agent.sources.otlp.decoded import NO_SPAN, NO_TRACE, Decoded, Rows
from agent.sources.otlp.rules import read
from agent.sources.otlp.values import parse, plain, strings
from detectors.safety.results import Entry

_DETAILS = "gen_ai.client.inference.operation.details"


@dataclass(slots=True)
class _Part:
    """What the log records of one span say together."""

    time: int = 0
    said: Conversation = field(default_factory=Conversation)
    entries: list[Entry] = field(default_factory=list)


def decode_logs(request: ExportLogsServiceRequest, router: Router, *, content: bool = False) -> Decoded:
    """Read a request: one row for each span that has message events or a details event.

    `content` as in `decode_traces`. Other log records are counted as `not_a_call`, those of a call that do
    not say which span they belong to as `no_span`.
    """
    decoded = Decoded()
    found_rows: dict[str, Rows] = {}
    for group in request.resource_logs:
        resource = strings(group.resource.attributes)
        parts: dict[tuple[bytes, bytes], _Part] = {}
        host = ""
        for scope in group.scope_logs:
            for record in scope.log_records:
                try:
                    host = _read(record, parts, decoded) or host
                except Exception as error:  # noqa: BLE001 - one poison record must not stop the others
                    decoded.failed(error)
        if not parts:
            continue
        endpoint = router.route(resource, host)
        if (rows := found_rows.get(endpoint.name)) is None:
            rows = found_rows[endpoint.name] = Rows(endpoint.name, content or endpoint.content != "off", "call_parts")
        for (trace, span), part in parts.items():
            rows.ids += (trace, span)
            rows.times.append(part.time if part.time <= LATEST else 0)
            rows.records.append(_record(part))
    decoded.batches = [rows.batch() for rows in found_rows.values() if rows.records]
    return decoded


def _read(record: LogRecord, parts: dict[tuple[bytes, bytes], _Part], decoded: Decoded) -> str:
    """Add a record to the part of its span; return the host it names, "" if none."""
    named = record.event_name or next((plain(item.value) for item in record.attributes if item.key == "event.name"), "")
    if not isinstance(named, str) or not named.startswith("gen_ai."):
        decoded.dropped["not_a_call"] += 1
        return ""
    trace, span = record.trace_id, record.span_id
    if len(trace) not in {0, 16} or len(span) not in {0, 8}:
        decoded.rejected["invalid_id"] += 1
        return ""
    said = Conversation()
    if named != _DETAILS and not said.add(named, _body(record)):
        decoded.dropped["not_a_call"] += 1
        return ""
    if trace in {b"", NO_TRACE} or span in {b"", NO_SPAN}:
        decoded.dropped["no_span"] += 1
        return ""
    part = parts.setdefault((trace, span), _Part())
    part.time = max(part.time, record.time_unix_nano or record.observed_time_unix_nano)
    if named == _DETAILS:
        found, _ = read(record.attributes, decoded.unmapped)
        said = Conversation(inputs(found), outputs(found), reasons(found))
        part.entries += filter_entries(found)
        host = azure.host(found)
    else:
        part.entries += filters.anywhere(_body(record))
        host = ""
    part.said.prompt += said.prompt
    part.said.answer += said.answer
    part.said.reasons += said.reasons
    return host


def _body(record: LogRecord) -> Any:
    return parse(plain(record.body))


def _record(part: _Part) -> dict[str, Any]:
    found: dict[str, Any] = {"finish_reason": finish_reason(part.said.reasons), "filters": filters.column(part.entries)}
    keep_text(found, part.said)
    return found
