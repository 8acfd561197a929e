"""Follows conversations, and tells of each once it has fallen silent: how many calls it had, and how the last one ended."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import isfinite

import numpy as np

from agent.sources.otlp.columns import CONVERSATION
from agent.sources.otlp.dialects import ANSWERING
from detectors.quality.conversations import ANSWERED, CALLS, ENDING
from detectors.types import Batch, Category, Plain

_LIMIT = 20_000
"""They are part of each checkpoint: so many take some 30 ms of it."""
_FILTER = "content_filter"
_CUT = {"length": "truncated", "tool_call": "tool_call", _FILTER: "filtered", "error": "failed"}


@dataclass(slots=True)
class _Open:
    """A conversation that may go on."""

    calls: int
    last: int
    """When its newest call ended, nanoseconds."""
    deployment: str
    traffic: str
    ending: str
    until: float
    """When it is taken to be over, seconds."""

    def plain(self, identity: int) -> list[int | float | str]:
        """Return it as data, its hash first."""
        return [identity, self.calls, self.last, self.deployment, self.traffic, self.ending, self.until]


class ConversationJoin:
    """Lets every batch pass. Of conversations that saw no call for `idle` it adds batches of kind `conversations`, one row each.

    What comes after such a silence is another conversation. Bounded: beyond `limit` open ones the longest silent go untold,
    and `lost` is told.
    """

    def __init__(
        self, lost: Callable[[str, int], None], idle: Callable[[str], timedelta], limit: int = _LIMIT, saved: Plain | None = None
    ) -> None:
        self._lost = lost
        self._idle = idle
        self._limit = limit
        self._open: dict[str, OrderedDict[int, _Open]] = {}
        for endpoint, rows in (saved or {}).items():
            self._open[endpoint] = OrderedDict((identity, _Open(*one)) for identity, *one in rows)

    def push(self, batch: Batch, now: float) -> Sequence[Batch]:
        """Note the calls of a batch; `now` in seconds."""
        conversations = batch.columns.get(CONVERSATION)
        if batch.kind == "calls" and isinstance(conversations, np.ndarray):
            self._note(batch, conversations.astype(np.uint64), now)
        return (batch,)

    def due(self, now: float) -> Sequence[Batch]:
        """Return the conversations that have been silent long enough."""
        found = []
        for endpoint, listed in self._open.items():
            over = []
            while listed and next(iter(listed.values())).until <= now:
                over.append(listed.popitem(last=False)[1])
            if over:
                found.append(_told(endpoint, over))
        return found

    def plain(self) -> Plain:
        """Return the open conversations as data; the constructor takes it back."""
        return {endpoint: [one.plain(identity) for identity, one in listed.items()] for endpoint, listed in self._open.items()}

    def _note(self, batch: Batch, conversations: np.ndarray[tuple[int], np.dtype[np.uint64]], now: float) -> None:
        listed = self._open.setdefault(batch.endpoint, OrderedDict())
        until = now + self._idle(batch.endpoint).total_seconds()
        rows = np.flatnonzero((conversations != 0) & _answering(batch))
        times = np.asarray(batch.columns["time"], np.int64)
        endings, deployments, traffic = _endings(batch), _words(batch, "deployment", "default"), _words(batch, "traffic", "live")
        order = rows[np.argsort(times[rows], kind="stable")]
        for row in order.tolist():
            identity, time = int(conversations[row]), int(times[row])
            one = listed.pop(identity, None)
            if one is None:
                one = _Open(0, time, deployments[row], traffic[row], endings[row], until)
            elif time >= one.last:
                one.last, one.deployment, one.traffic, one.ending = time, deployments[row], traffic[row], endings[row]
            one.calls += 1
            one.until = until
            listed[identity] = one
        forgotten = len(listed) - self._limit
        for _ in range(forgotten):
            listed.popitem(last=False)
        if forgotten > 0:
            self._lost("conversation", forgotten)


def _told(endpoint: str, over: Sequence[_Open]) -> Batch:
    return Batch(
        endpoint,
        "conversations",
        len(over),
        {
            "time": np.array([int(one.until * 1e9) if isfinite(one.until) else one.last for one in over], np.int64),
            "deployment": Category.of([one.deployment for one in over]),
            "traffic": Category.of([one.traffic for one in over]),
            CALLS: np.array([one.calls for one in over], np.float64),
            ENDING: Category.of([one.ending for one in over]),
        },
    )


def _answering(batch: Batch) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    column = batch.columns.get("operation")
    if not isinstance(column, Category):
        return np.ones(batch.rows, np.bool_)
    can = np.array([*(name in ANSWERING for name in column.values), True], np.bool_)
    return can[column.codes]


def _endings(batch: Batch) -> list[str]:
    """Return how each call ended, in one word of `detectors.quality.conversations`."""
    errors, reasons = _words(batch, "error_type", ""), _words(batch, "finish_reason", "")
    throttled, blocked = _flags(batch, "throttled"), _flags(batch, "blocked_prompt")
    found = []
    for error, reason, refused, filtered in zip(errors, reasons, throttled, blocked, strict=True):
        if refused:
            found.append("throttled")
        elif filtered or error == _FILTER:
            found.append("filtered")
        else:
            # Of several choices one that is whole can be shown.
            words = [] if not reason else reason.split(",")
            cut = "" if "stop" in words else next((_CUT[word] for word in words if word in _CUT), "")
            found.append("failed" if error else cut or ANSWERED)
    return found


def _words(batch: Batch, name: str, missing: str) -> list[str]:
    column = batch.columns.get(name)
    return [one or missing for one in column.decode()] if isinstance(column, Category) else [missing] * batch.rows


def _flags(batch: Batch, name: str) -> list[bool]:
    column = batch.columns.get(name)
    return column.astype(np.bool_).tolist() if isinstance(column, np.ndarray) else [False] * batch.rows
