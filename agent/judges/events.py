"""What a judge said of single answers as events named `gen_ai.evaluation.result`, linked to the trace of the call they are about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from agent.clock import from_nanoseconds
from agent.judges.verdicts import Gap, Verdict
from agent.names import harmless
from agent.sources.otlp.columns import CALL
from alerts import evaluation_event as names
from alerts.event import Event
from detectors.types import Batch, Stream, Text

_NO_SCORE = frozenset({"refused", "filtered", "not_json", "out_of_range", "missing", "empty", "too_long"})
"""Gaps of an answer that a judge looked at; of the others nobody said anything."""


class Said(NamedTuple):
    """What became of one answer and evaluator."""

    identity: int
    outcome: Verdict | Gap
    chance: float
    """How likely the call was to be judged."""
    time: datetime


@dataclass(frozen=True, slots=True)
class Telling:
    """How the judge of an endpoint tells of single answers."""

    most: int
    """Events of a window; 0: none."""
    passes_from: float
    rater: str
    reasons: bool = False
    """Whether the judge's reason is told, which is redacted by then."""

    def events(self, stream: Stream, calls: Batch, said: Sequence[Said]) -> tuple[tuple[Event, ...], int]:
        """Return the events of a window's calls, the first come, and how many were too many."""
        told = [one for one in said if isinstance(one.outcome, Verdict) or one.outcome.why in _NO_SCORE]
        rows = {identity: row for row, identity in enumerate(np.asarray(calls.columns["id"], np.uint64).tolist())}
        traced, responses = (_texts(calls, name) for name in (CALL, "response_id"))
        times = calls.columns.get("time")
        ended = times.tolist() if isinstance(times, np.ndarray) else [0] * calls.rows
        events = []
        for one in told[: self.most]:
            row = rows[one.identity]
            ids = dict(zip((names.TRACE, names.SPAN), (traced[row] or "").split("/"), strict=False)) if traced[row] else {}
            if responses[row]:
                ids[names.RESPONSE] = harmless(str(responses[row]))
            events.append(self._event(stream, one, ids, from_nanoseconds(ended[row]) if ended[row] > 0 else one.time))
        return tuple(events), len(told) - len(events)

    def _event(self, stream: Stream, one: Said, ids: dict[str, str], ended: datetime) -> Event:
        outcome = one.outcome
        details = {names.EVALUATOR: outcome.evaluator, names.JUDGE: self.rater, **ids}
        values = {names.CHANCE: one.chance}
        if isinstance(outcome, Verdict):
            values[names.SCORE] = float(outcome.score)
            details[names.LABEL] = "pass" if outcome.score >= self.passes_from else "fail"
            if self.reasons and outcome.reason:
                details[names.EXPLANATION] = outcome.reason
        else:
            details[names.ERROR] = outcome.why
        return Event(
            _id(stream, one, self.rater),
            "evaluation",
            outcome.evaluator,
            "judged",
            "information",
            one.time,
            ended,
            stream._asdict(),
            values,
            details,
        )


def _id(stream: Stream, one: Said, rater: str) -> str:
    """Return the same key however often a judge's word on a call is told."""
    key = "\0".join((*stream, one.outcome.evaluator, rater, f"{one.identity:016x}"))
    return blake2b(key.encode("utf-8", "replace"), digest_size=12).hexdigest()


def _texts(calls: Batch, name: str) -> Sequence[str | None]:
    column = calls.columns.get(name)
    return column.values if isinstance(column, Text) else (None,) * calls.rows
