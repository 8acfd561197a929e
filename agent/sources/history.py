"""Sources that can be asked about the past, to learn a reference from it."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

import numpy as np

from agent.clock import to_nanoseconds
from agent.sources import Context
from detectors.types import Batch


@runtime_checkable
class Historical(Protocol):
    """A pull source whose data stays where it is."""

    def history(self, context: Context, since: timedelta) -> Iterator[Batch]:
        """Yield the rows whose event time lies in the last `since` before the context's clock, halves already joined.

        Older hours and files come before newer ones; inside them the order is the source's. Runs in a thread, keeps
        no state, and moves no cursor. Raises Transient, InputError or ConfigError.
        """
        ...


def between(batches: Iterable[Batch], start: datetime, end: datetime) -> Iterator[Batch]:
    """Yield the rows with an event time from `start` to `end`; batches without one are left out."""
    first, last = to_nanoseconds(start), to_nanoseconds(end)
    for batch in batches:
        times = np.asarray(batch.columns["time"], np.int64)
        kept = np.flatnonzero((times >= first) & (times <= last))
        if len(kept):
            yield batch if len(kept) == batch.rows else batch.take(kept)
