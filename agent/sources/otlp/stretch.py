"""Spans of one shape read together, column by column: half the time of one by one, for calls that nothing sets apart."""

from collections.abc import Sequence
from itertools import chain, compress
from operator import attrgetter

from agent.sources.otlp.decoded import NO_SPAN, NO_TRACE, Block
from agent.sources.otlp.plan import Plan
from agent.sources.otlp.shape import Places
from agent.sources.otlp.trace_message import Span

LATEST = 2**63 - 1
"""The last nanosecond a time column can hold; beyond it a record gets the time of arrival."""
ERROR = 2
"""Status code of a span that failed."""
SECOND = 1e-9
OBJECT = "}}]"
"""Only messages that end with an object in an object can hold filter results."""
_OBJECT = OBJECT.encode()

_trace, _span, _parent = attrgetter("trace_id"), attrgetter("span_id"), attrgetter("parent_span_id")
_start, _end = attrgetter("start_time_unix_nano"), attrgetter("end_time_unix_nano")
_state, _events, _status = attrgetter("trace_state"), attrgetter("events"), attrgetter("status.code")


def read(spans: Sequence[Span], places: Places, plan: Plan, version: str | None) -> tuple[Block | None, list[int]]:
    """Return the calls of one service that can be read together, and the others' places among the spans. Raises DecodeError for a malformed attribute."""
    apart: list[int] = []
    if not _plain(spans, places, plan):
        together = [_plain([span], [[column[row]] for column in places], plan) for row, span in enumerate(spans)]
        apart = [row for row, one in enumerate(together) if not one]
        spans, places = list(compress(spans, together)), [list(compress(column, together)) for column in places]
    return (_block(spans, places, plan, version) if spans else None), apart


def _plain(spans: Sequence[Span], places: Places, plan: Plan) -> bool:
    """Whether nothing sets any of the spans apart; all at once, as it nearly always is so."""
    traces, ids = list(map(_trace, spans)), list(map(_span, spans))
    return (
        set(map(len, traces)) == {16}
        and set(map(len, ids)) == {8}
        and NO_TRACE not in traces
        and NO_SPAN not in ids
        and not any(map(_events, spans))
        and not any(map(_state, spans))
        and ERROR not in map(_status, spans)
        and max(map(_end, spans)) <= LATEST
        and not (plan.answer is not None and any(said.endswith(_OBJECT) for said in places[plan.answer]))
    )


def _block(spans: Sequence[Span], places: Places, plan: Plan, version: str | None) -> Block:
    traces, starts, ends = list(map(_trace, spans)), list(map(_start, spans)), list(map(_end, spans))
    columns = plan.columns(places)
    took = [(end - start) * SECOND if 0 < start <= end else None for start, end in zip(starts, ends, strict=True)]
    parents = [parent if len(parent) == 8 else NO_SPAN for parent in map(_parent, spans)]
    negative = sum(end < start for start, end in zip(starts, ends, strict=True)) if None in took else 0
    return Block(
        ends,
        b"".join(chain.from_iterable(zip(traces, map(_span, spans), strict=True))),
        b"".join(chain.from_iterable(zip(traces, parents, strict=True))),
        {**columns, "version": [version] * len(spans), "duration": took},
        negative,
    )
