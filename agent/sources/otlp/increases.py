"""From counts as they are told, most of them since a process began, to what came since the last time: nothing twice."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from agent.sources.otlp.increase_rows import IncreaseRows
from agent.sources.otlp.senders import Lost, Point, Sender, sender_from
from detectors.types import Batch, Category, Plain

MOST_SERIES = 20_000
"""Series of all senders that are remembered; beyond it the sender heard of longest ago is forgotten."""


class Increases:
    """Remembers every series; used by one thread. `changed` and `gone` say whose memory is to be saved and forgotten.

    The first a series says counts whole if it began under our eyes, else it is where counting begins: what a process did
    before anybody listened is not of today. `lost` is told why a data point counted nothing: `first_point`, `repeated`,
    `out_of_order`, `told_twice` (the same under an older name), `disagrees` (fewer than before in the same run).
    """

    def __init__(self, lost: Lost, since: int, senders: Mapping[int, Plain], limit: int = MOST_SERIES) -> None:
        """`since`: when the agent began to listen, nanoseconds; `senders` as they were saved."""
        self.since = since
        self.changed: set[int] = set()
        self.gone: set[int] = set()
        self._lost = lost
        self._limit = limit
        self._senders: OrderedDict[int, Sender] = OrderedDict((key, sender_from(saved)) for key, saved in senders.items())
        self._size = sum(sender.size for sender in self._senders.values())

    def plain(self, sender: int) -> Plain:
        """Return what is remembered of one sender, as data."""
        return self._senders[sender].plain()

    def take(self, batch: Batch) -> Batch | None:
        """Return what a batch of data points adds, None where that is nothing: a row for each bucket that grew.

        `value` stands for the bucket, `count` is how many calls it grew by. `total` is the sum of a point's values, on its
        first row; `begin` when the span began in which all that happened.
        """
        names = [_names(batch, name) for name in ("operation", "provider", "quantity")]
        index, count = (np.asarray(batch.columns[name]).tolist() for name in ("index", "count"))
        rows = IncreaseRows(batch)
        for point in _points(batch):
            what = (names[0][point.low], names[1][point.low], names[2][point.low])
            sender = self._sender(point.sender)
            if not sender.believes(what, point):
                self._lost("told_twice", 1)
                continue
            size = sender.size
            added = sender.added(point, dict(zip(index[point.low : point.high], count[point.low : point.high], strict=True)), self._lost)
            self._size += sender.size - size
            if added is not None:
                rows.add(point, added, what[2], told_apart=sender.counts_apart(what, point))
        self._shrink()
        return rows.batch()

    def _sender(self, key: int) -> Sender:
        sender = self._senders.get(key)
        if sender is None:
            sender = self._senders[key] = Sender(self.since)
            self.gone.discard(key)
        self._senders.move_to_end(key)
        self.changed.add(key)
        return sender

    def _shrink(self) -> None:
        while self._size > self._limit and len(self._senders) > 1:
            key, sender = self._senders.popitem(last=False)
            # Should it come back, it must not count whole what it had counted before.
            self.since = max([self.since, *(run.time + 1 for run in sender.runs.values())])
            self._size -= sender.size
            self.changed.discard(key)
            self.gone.add(key)


def _points(batch: Batch) -> Iterator[Point]:
    low = np.flatnonzero(np.asarray(batch.columns["first"]))
    high = np.append(low[1:], batch.rows)
    fields: list[list[Any]] = [np.asarray(batch.columns[name])[low].tolist() for name in Point._fields[2:]]
    return (Point(*values) for values in zip(low.tolist(), high.tolist(), *fields, strict=True))


def _names(batch: Batch, name: str) -> list[str]:
    column = batch.columns.get(name)
    return [value or "" for value in column.decode()] if isinstance(column, Category) else [""] * batch.rows
