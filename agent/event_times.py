"""The time of each row: its own, or that of its arrival."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from agent.series import Series
from detectors.catalog import AGENT_CLOCK_SKEW, AGENT_DROPPED
from detectors.types import Batch

_AHEAD = 300_000_000_000
"""How far in the future (nanoseconds) an event time may lie before it is taken for a wrong clock."""


def timed(batch: Batch, received: int, series: Series, origin: int | None, *, real_time: bool) -> tuple[Batch, NDArray[np.int64]]:
    """Give every row a time: its own, or `received` where it has none or, in real time, one far in the future.

    Rows before `origin` are left out and counted: they are in the reference, which was read from the same source.
    """
    given = batch.columns.get("time")
    times = np.asarray(given, np.int64) if isinstance(given, np.ndarray) else np.zeros(batch.rows, np.int64)
    ahead = times > received + _AHEAD if real_time else np.zeros(batch.rows, np.bool_)
    skewed = int(np.count_nonzero(ahead))
    if skewed:
        series.add(AGENT_CLOCK_SKEW, skewed, endpoint=batch.endpoint)
    replaced = ahead | (times <= 0)
    if replaced.any():
        times = np.where(replaced, received, times)
        batch = replace(batch, columns={**batch.columns, "time": times})
    if origin is not None and bool((times < origin).any()):
        kept = np.flatnonzero(times >= origin)
        series.add(AGENT_DROPPED, batch.rows - len(kept), source=batch.endpoint, reason="history")
        batch, times = batch.take(kept), times[kept]
    return batch, times
