"""Spans laid out alike read together, column by column: half the time of one by one, for calls that nothing sets apart."""

from collections.abc import Sequence
from itertools import chain, compress
from operator import attrgetter
from typing import Any

from agent.sources.otlp.alike import Alike
from agent.sources.otlp.columns import LATEST
from agent.sources.otlp.decoded import NO_SPAN, NO_TRACE, Block
from agent.sources.otlp.plan import Places, Plan, shared
from agent.sources.otlp.trace_message import Span

ERROR = 2
"""Status code of a span that failed."""
SECOND = 1e-9
OBJECT = "}}]"
"""Only messages that end with an object in an object can hold filter results."""
_OBJECT = OBJECT.encode()

_trace, _span, _parent = attrgetter("trace_id"), attrgetter("span_id"), attrgetter("parent_span_id")
_start, _end = attrgetter("start_time_unix_nano"), attrgetter("end_time_unix_nano")
_state, _events, _status = attrgetter("trace_state"), attrgetter("events"), attrgetter("status.code")


def read(stretch: Sequence[Span], group: Alike, version: str | None) -> tuple[Block | None, Alike]:
    """Return the calls of one service that can be read together, and which of the group these are. Raises DecodeError for a malformed attribute."""
    plans = [shape.plan for shape in group.shapes]
    plan = next(each for each in plans if each is not None)
    spans = list(map(stretch.__getitem__, group.members))
    if not _plain(spans, group.places, plan):
        together = [_plain([span], [[column[row]] for column in group.places], plan) for row, span in enumerate(spans)]
        spans, group = list(compress(spans, together)), group.only(together)
    if not spans:
        return None, group
    same = shared([{} if each is None else each.fixed for each in plans], group.which)
    return _block(spans, {**same, "version": [version] * len(spans), **plan.columns(group.places)}), group


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


def _block(spans: Sequence[Span], columns: dict[str, list[Any]]) -> Block:
    traces, starts, ends = list(map(_trace, spans)), list(map(_start, spans)), list(map(_end, spans))
    took = [(end - start) * SECOND if 0 < start <= end else None for start, end in zip(starts, ends, strict=True)]
    parents = [parent if len(parent) == 8 else NO_SPAN for parent in map(_parent, spans)]
    negative = sum(end < start for start, end in zip(starts, ends, strict=True)) if None in took else 0
    return Block(
        ends,
        b"".join(chain.from_iterable(zip(traces, map(_span, spans), strict=True))),
        b"".join(chain.from_iterable(zip(traces, parents, strict=True))),
        {**columns, "duration": took},
        negative,
    )
