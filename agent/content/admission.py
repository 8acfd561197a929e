"""Which calls are worth looking at, decided as they arrive: those that may still be in their window's sample when it closes."""

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from agent.content.conversations import Turns
from agent.sources.otlp.columns import CONVERSATION
from detectors.quality.importance import FLAGGED
from detectors.quality.priority_sample import ALWAYS, Keys, uniform
from detectors.quality.reserved_sample import ReservedSample
from detectors.types import Batch, Category

Floats: TypeAlias = NDArray[np.float64]

_REMEMBERED = 256
"""Windows of streams whose threshold is remembered; what is forgotten admits too many, never too few."""


class _Window(NamedTuple):
    """What is known of one window of one stream."""

    sample: ReservedSample
    turns: Turns


class Admission:
    """Remembers what each window's sample has room for. What it lets through is more than what stays: the pipeline keeps the sample."""

    def __init__(self, size: int, windows: Callable[[NDArray[np.int64]], NDArray[np.int64]]) -> None:
        """`size`: calls a window keeps; `windows` gives the start of the window of each time, both in nanoseconds."""
        self._size = size
        self._windows = windows
        self._samples: OrderedDict[tuple[str, int], _Window] = OrderedDict()
        self._converses = False

    def admit(self, batch: Batch) -> tuple[Floats, Keys | None]:
        """Return the importance of each call that may stay, NaN for the others. Calls without an id or a time are not sampled.

        Beside it what each call's number is drawn from, where any is a turn of a conversation: those stay or go together.
        """
        found = np.full(batch.rows, np.nan)
        ids, times, conversations = (batch.columns.get(name) for name in ("id", "time", CONVERSATION))
        if not isinstance(ids, np.ndarray) or not isinstance(times, np.ndarray):
            return found, None
        seeds = ids.astype(np.uint64) if isinstance(conversations, np.ndarray) else None
        self._converses = self._converses or seeds is not None
        keys, starts = ids.astype(np.uint64), self._windows(times.astype(np.int64))
        usable = (keys != 0) & (times > 0)
        importance = importance_of(batch)
        streams = _streams(batch)
        for stream in np.unique(streams[usable]).tolist():
            for start in np.unique(starts[usable & (streams == stream)]).tolist():
                rows = np.flatnonzero(usable & (streams == stream) & (starts == start))
                key = (_names(batch, stream), start)
                fresh = _Window(ReservedSample.of(self._size), Turns.of(self._size))
                sample, turns = self._samples.pop(key, fresh)
                if seeds is not None and isinstance(conversations, np.ndarray):
                    seeds[rows] = turns.seeds(conversations[rows].astype(np.uint64), keys[rows])
                after = sample.add(keys[rows], importance[rows], None if seeds is None else seeds[rows])
                self._samples[key] = _Window(after, turns)
                stay = np.isin(keys[rows], after.keys)
                found[rows[stay]] = importance[rows[stay]]
        while len(self._samples) > _REMEMBERED:
            self._samples.popitem(last=False)
        return found, seeds

    def may(self, batch: Batch) -> NDArray[np.bool_]:
        """Return which parts of calls may belong to a call that stays, whatever deployment it is of, unless it is always kept."""
        ids, times = batch.columns.get("id"), batch.columns.get("time")
        if not isinstance(ids, np.ndarray) or not isinstance(times, np.ndarray):
            return np.zeros(batch.rows, np.bool_)
        starts = self._windows(times.astype(np.int64))
        lowest: dict[int, float] = {}
        if self._converses:
            # Parts do not say of which conversation they are.
            return np.ones(batch.rows, np.bool_)
        for (_, start), (sample, _) in self._samples.items():
            lowest[start] = min(lowest.get(start, np.inf), sample.rest.threshold)
        least = np.array([lowest.get(start, 0.0) for start in starts.tolist()])
        return FLAGGED / uniform(ids.astype(np.uint64)) > least


def importance_of(batch: Batch) -> Floats:
    """Return how much each call is worth keeping by what is known without its text: failed, blocked and filtered ones always."""
    found = np.ones(batch.rows)
    filters = batch.columns.get("filters")
    if isinstance(filters, Category):
        flagged = np.array([*("/annotated" in value for value in filters.values), False], np.bool_)
        found[flagged[filters.codes]] = FLAGGED
        blocked = np.array([*("/blocked" in value for value in filters.values), False], np.bool_)
        found[blocked[filters.codes]] = ALWAYS
    for name in ("error_type", "blocked_prompt"):
        column = batch.columns.get(name)
        if isinstance(column, Category):
            found[column.codes >= 0] = ALWAYS
        elif isinstance(column, np.ndarray):
            found[column.astype(np.bool_)] = ALWAYS
    return found


def _streams(batch: Batch) -> NDArray[np.int64]:
    """Return a number for each call's deployment and traffic."""
    found = np.zeros(batch.rows, np.int64)
    for name in ("deployment", "traffic"):
        column = batch.columns.get(name)
        codes = column.codes.astype(np.int64) + 1 if isinstance(column, Category) else np.zeros(batch.rows, np.int64)
        width = len(column.values) + 1 if isinstance(column, Category) else 1
        found = found * width + codes
    return found


def _names(batch: Batch, stream: int) -> str:
    parts = []
    for name in ("traffic", "deployment"):
        column = batch.columns.get(name)
        values = ("", *column.values) if isinstance(column, Category) else ("",)
        stream, code = divmod(stream, len(values))
        parts.append(values[code])
    return "\0".join(reversed(parts))
