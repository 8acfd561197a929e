"""Marks the calls of a stream that met a deployment while it started up."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from agent.config import ColdStart
from detectors.types import Batch, Category, Plain, Stream
from detectors.usage.cold_starts import Warmth, mark, newcomer

_SECOND = 1e9


class ColdStarts:
    """What is known of each stream; used from one thread, in order of arrival."""

    def __init__(self) -> None:
        self._known: dict[Stream, Warmth] = {}

    def mark(self, stream: Stream, batch: Batch, times: NDArray[np.int64], rule: ColdStart | None) -> Batch:
        """Return the batch with the column `cold` where any of its calls is one; `times` are when they ended, nanoseconds."""
        if rule is None or batch.kind not in {"calls", "call_counts"} or not batch.rows:
            return batch
        version = batch.columns.get("version")
        begins = _begins(batch, times)
        idle, warm_up = _nanoseconds(rule.idle), _nanoseconds(rule.warm_up)
        before = self._known.get(stream)
        if before is None:
            others = (
                warmth for other, warmth in self._known.items() if other.endpoint == stream.endpoint and other.traffic == stream.traffic
            )
            before = newcomer(int(begins[0]), others, idle, warm_up)
        known, cold = mark(before, begins, times, version if isinstance(version, Category) else None, idle, warm_up)
        self._known[stream] = known
        return batch if cold is None else replace(batch, columns={**batch.columns, "cold": cold})

    def plain(self) -> Plain:
        """Return everything as data."""
        return {"streams": [[list(stream), known.plain()] for stream, known in self._known.items()]}

    def restore(self, saved: Plain | None) -> None:
        """Take back what `plain` returned."""
        self._known = {Stream(*stream): Warmth(**known) for stream, known in (saved or {"streams": ()})["streams"]}


def _begins(batch: Batch, times: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return when calls began; of increases, when the span began in which they happened."""
    begin = batch.columns.get("begin")
    if isinstance(begin, np.ndarray):
        return np.minimum(begin.astype(np.int64), times)
    seconds = batch.columns.get("duration")
    if not isinstance(seconds, np.ndarray):
        return times
    lasted = np.where(np.isfinite(seconds) & (seconds > 0), np.minimum(seconds, 1e9), 0.0)
    return times - (lasted * _SECOND).astype(np.int64)


def _nanoseconds(span: timedelta) -> int:
    return span // timedelta(microseconds=1) * 1000
