"""What a span tells beside its attributes: events, failure, what only looking into the answer shows."""

from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span as _Stock

from agent.sources.otlp import azure, filters
from agent.sources.otlp.call import Conversation, beside_answer, complete, filter_entries, unanswered
from agent.sources.otlp.dialects import EVENT_CONTENT, FILTERS, FIRST_TOKEN_EVENTS, NAMES
from agent.sources.otlp.failure import failure
from agent.sources.otlp.messages import reasons
from agent.sources.otlp.shape import Shape
from agent.sources.otlp.trace_message import Span
from agent.sources.otlp.values import parse, plain, strings
from detectors.safety.results import Entry

_SECOND = 1e-9


class Events:
    """What the events of a span add: first token, exception, messages, filter results."""

    def __init__(self, span: Span, found: dict[str, Any]) -> None:
        self.said = Conversation()
        self.entries: list[Entry] = []
        self.filtered = False
        """Whether a chunk of a stream says that the filter ended it."""
        self.exception: dict[str, str] = {}
        first = 0
        for item in span.events:
            if item.name.startswith(FIRST_TOKEN_EVENTS):
                first = first or item.time_unix_nano
            elif item.name == "exception":
                self.exception = strings(item.attributes)
            elif item.name.startswith("gen_ai."):
                self.said.add(item.name, next((parse(plain(a.value)) for a in item.attributes if a.key in EVENT_CONTENT), None))
            if item.name != "exception":
                self._filters(item)
        if first > span.start_time_unix_nano > 0:
            found.setdefault("time_to_first_token", (first - span.start_time_unix_nano) * _SECOND)

    def _filters(self, event: _Stock.Event) -> None:
        for item in event.attributes:
            value = item.value.string_value
            if FILTERS[0] in value or any(word in item.key for word in FILTERS):
                document = parse(value) if value else plain(item.value)
                self.entries += filters.anywhere({item.key: document})
                ended = [reason for reason in reasons(document) if reason == FILTERS[0]]
                self.said.reasons += ended
                self.filtered = self.filtered or bool(ended)


def told(span: Span, shape: Shape, found: dict[str, Any], events: Events | None) -> list[Entry]:
    """Complete what was found, unless its shape did; return the filter results."""
    entries = [] if events is None else events.entries
    if shape.settled or shape.called is None:
        entries = entries + beside_answer(found)
        if entries and shape.settled:
            found["provider"] = azure.provider(found["provider"], found, shape.host, filtered=True)
        return entries
    entries += filter_entries(found)
    _from_span(span, found)
    complete(found, dict(shape.ranks), shape.called, shape.host, filtered=bool(entries))
    if found["finish_reason"] == "content_filter" and unanswered(found):
        found |= {"blocked_prompt": True, "error_type": "content_filter", "finish_reason": None}
    return entries


def _from_span(span: Span, found: dict[str, Any]) -> None:
    """Add what a span tells apart from its attributes."""
    if "provider" not in found:
        provider = next((provider for beginning, provider in NAMES.items() if span.name.startswith(beginning)), None)
        if provider:
            found["provider"] = provider
    if "first_token" in found and found["first_token"] > span.start_time_unix_nano > 0:
        found.setdefault("time_to_first_token", (found["first_token"] - span.start_time_unix_nano) * _SECOND)


def fail(span: Span, found: dict[str, Any], entries: list[Entry], events: Events | None) -> None:
    """Name the error of a call; of a blocked prompt add what its text says of the filter."""
    exception = events.exception if events is not None else {}
    message = "\n".join((span.status.message, found.get("error_message") or "", exception.get("exception.message", "")))
    status = found.get("http_status")
    fault = failure(found.get("error") or exception.get("exception.type"), message, int(status) if status else None)
    found["error_type"] = fault.error_type
    found["throttled"] = fault.throttled
    found["blocked_prompt"] = fault.blocked_prompt
    if fault.blocked_prompt:
        entries += filters.in_text(message)
