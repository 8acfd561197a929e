"""Makes few large frames of many small ones: counting costs by the batch, not by the row, as long as batches are small."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from agent.concatenation import concatenate
from agent.spool.frame import Frame
from detectors.types import Batch

_ROWS = 8192
"""Beyond so many rows a batch is large."""
_APART = 1_000_000_000
"""Nanoseconds between the arrivals of what is joined, at the most."""


def gathered(frames: Sequence[Frame]) -> Iterator[Frame]:
    """Yield the batches of frames in order, neighbours joined: same source, endpoint and kind, columns of the same types.

    Frames without a batch are left out, and so are cursors: the caller reads those from `frames`.
    """
    group = _Group()
    for frame in frames:
        if frame.batch is not None and not group.add(frame, frame.batch):
            yield group.frame()
            group = _Group()
            group.add(frame, frame.batch)
    if group.frames:
        yield group.frame()


@dataclass(slots=True)
class _Group:
    """Neighbours that can be joined."""

    frames: list[tuple[Frame, Batch]] = field(default_factory=list)
    rows: int = 0
    kinds: dict[str, object] = field(default_factory=dict)
    """Column to its type."""

    def add(self, frame: Frame, batch: Batch) -> bool:
        """Take a batch in if it fits; say whether it did."""
        kinds = {name: getattr(column, "dtype", type(column)) for name, column in (*batch.columns.items(), *batch.features.items())}
        if self.frames and not self._fits(frame, batch, kinds):
            return False
        self.frames.append((frame, batch))
        self.rows += batch.rows
        self.kinds |= kinds
        return True

    def _fits(self, frame: Frame, batch: Batch, kinds: dict[str, object]) -> bool:
        first, known = self.frames[0]
        return (
            # What a request of metrics says together is read together; with another it would say something else.
            batch.kind != "call_counts"
            and (first.source, known.endpoint, known.kind) == (frame.source, batch.endpoint, batch.kind)
            and abs(frame.received - first.received) <= _APART
            and self.rows + batch.rows <= _ROWS
            and all(self.kinds.get(name, kind) == kind for name, kind in kinds.items())
        )

    def frame(self) -> Frame:
        """Return what was taken in as one frame, as of the newest arrival."""
        newest = self.frames[-1][0]
        if len(self.frames) == 1:
            return newest
        return replace(newest, batch=concatenate([_timed(frame, batch) for frame, batch in self.frames]))


def _timed(frame: Frame, batch: Batch) -> Batch:
    """Give rows without a time that of their own arrival, before they share one."""
    times = batch.columns.get("time")
    known = np.asarray(times, np.int64) if isinstance(times, np.ndarray) else np.zeros(batch.rows, np.int64)
    if (known > 0).all():
        return batch
    return replace(batch, columns={**batch.columns, "time": np.where(known > 0, known, frame.received)})
