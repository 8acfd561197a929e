"""What waits for the sinks: one queue in order, each sink at its own place in it, bounded by size and age."""

import sqlite3
import threading
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from itertools import accumulate
from typing import TypeAlias

from agent.point import Point
from agent.store.database import Database
from agent.store.item import Item, decode, encode
from alerts.event import Event
from detectors.catalog import metrics

POINTS = 500
"""Points in one entry at most."""

Lost: TypeAlias = Counter[tuple[str, str]]
"""How many points and events by sink and reason: `size`, `age`, `unknown_metric`."""


class Outbox:
    """Filled inside the store's transactions, drained by a thread for each sink."""

    def __init__(self, database: Database, max_bytes: int = 64 * 1024 * 1024, max_age: timedelta = timedelta(hours=48)) -> None:
        self._database = database
        self._max_bytes = max_bytes
        self._max_age = int(max_age.total_seconds()) * 1_000_000_000
        self._metrics = {metric.name: metric for metric in metrics()}
        self._lock = threading.Lock()
        self._lost: Lost = Counter()
        self._unknown: dict[str, int] = {}

    def register(self, sinks: Sequence[str]) -> None:
        """Make these the sinks there are. A new one begins at the end; one that is gone holds nothing up."""
        with self._database.writing() as connection:
            known = {sink for (sink,) in connection.execute("SELECT sink FROM outbox_sink")}
            end = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'outbox_item'").fetchone()
            for sink in known - set(sinks):
                connection.execute("DELETE FROM outbox_sink WHERE sink = ?", (sink,))
            for sink in set(sinks) - known:
                connection.execute("INSERT INTO outbox_sink VALUES (?, ?)", (sink, end[0] if end else 0))
            _forget(connection)

    def append(self, connection: sqlite3.Connection, points: Sequence[Point], events: Sequence[Event], now: int) -> Lost:
        """Add points, then events, in a transaction that is open; `now` in nanoseconds.

        What is too old or too much by now is dropped, the oldest first; return it, for `count_lost` after the commit.
        """
        if not connection.execute("SELECT 1 FROM outbox_sink LIMIT 1").fetchone():
            return Counter()
        items: list[Item] = [tuple(points[start : start + POINTS]) for start in range(0, len(points), POINTS)]
        items += events
        for item in items:
            value = encode(item)
            count = 1 if isinstance(item, Event) else len(item)
            connection.execute("INSERT INTO outbox_item (time, items, bytes, value) VALUES (?, ?, ?, ?)", (now, count, len(value), value))
        return self._trim(connection, now - self._max_age)

    def count_lost(self, lost: Lost) -> None:
        """Add to what `take_lost` will tell."""
        with self._lock:
            self._lost += lost

    def take_lost(self) -> Lost:
        """Return what was lost since the last call."""
        with self._lock:
            lost, self._lost = self._lost, Counter()
        return lost

    def next(self, sink: str, limit: int, *, points: bool = True) -> tuple[list[Item], int]:
        """Return the oldest entries the sink has not taken, about `limit` points and events, and the cursor for `done`.

        At least one entry is passed where there is one. Points of metrics the catalogue no longer has are left out; without
        `points` runs of several are not even read.
        """
        sizes = self._database.read(
            "SELECT sequence, items FROM outbox_item INDEXED BY outbox_item_size "
            "WHERE sequence > (SELECT cursor FROM outbox_sink WHERE sink = ?) ORDER BY sequence LIMIT ?",
            (sink, max(limit, 1)),
        )
        if not sizes:
            return [], 0
        taken = max(1, sum(total <= limit for total in accumulate(items for _, items in sizes)))
        first, cursor = sizes[0][0], sizes[taken - 1][0]
        sql = "SELECT value FROM outbox_item WHERE sequence BETWEEN ? AND ? AND (? OR items = 1) ORDER BY sequence"
        rows = self._database.read(sql, (first, cursor, points))
        decoded = [decode(value, self._metrics.get) for (value,) in rows]
        with self._lock:
            self._unknown[sink] = sum(unknown for _, unknown in decoded)
        return [item for item, _ in decoded], cursor

    def done(self, sink: str, cursor: int) -> None:
        """Tell that the sink has taken everything up to `cursor`; what all sinks have taken is deleted."""
        with self._database.writing() as connection:
            connection.execute("UPDATE outbox_sink SET cursor = max(cursor, ?) WHERE sink = ?", (cursor, sink))
            _forget(connection)
        with self._lock:
            self._lost[sink, "unknown_metric"] += self._unknown.pop(sink, 0)
            self._lost = +self._lost

    def lag(self, sink: str) -> int:
        """Return how many points and events the sink has not taken."""
        sql = (
            "SELECT coalesce(sum(items), 0) FROM outbox_item INDEXED BY outbox_item_size "
            "WHERE sequence > (SELECT cursor FROM outbox_sink WHERE sink = ?)"
        )
        return int(self._database.read(sql, (sink,))[0][0])

    def _trim(self, connection: sqlite3.Connection, oldest: int) -> Lost:
        lost: Lost = Counter()
        (young,) = connection.execute(
            "SELECT min(sequence) FROM outbox_item INDEXED BY outbox_item_size WHERE time >= ?", (oldest,)
        ).fetchone()
        if young is not None:
            lost += _drop(connection, young - 1, "age")
        sizes = connection.execute("SELECT sequence, bytes FROM outbox_item INDEXED BY outbox_item_size ORDER BY sequence").fetchall()
        excess = sum(size for _, size in sizes) - self._max_bytes
        if excess > 0:
            cut = next(
                sequence for (sequence, _), total in zip(sizes, accumulate(size for _, size in sizes), strict=True) if total >= excess
            )
            lost += _drop(connection, cut, "size")
        return lost


def _drop(connection: sqlite3.Connection, cut: int, reason: str) -> Lost:
    """Delete entries up to `cut`; return what that costs each sink."""
    sql = (
        "SELECT sink, sum(items) FROM outbox_sink JOIN outbox_item INDEXED BY outbox_item_size "
        "ON sequence > cursor AND sequence <= ? GROUP BY sink"
    )
    lost: Lost = Counter({(sink, reason): items for sink, items in connection.execute(sql, (cut,))})
    connection.execute("DELETE FROM outbox_item WHERE sequence <= ?", (cut,))
    return lost


def _forget(connection: sqlite3.Connection) -> None:
    """Delete what every sink has taken; everything where there is no sink."""
    connection.execute("DELETE FROM outbox_item WHERE sequence <= (SELECT coalesce(min(cursor), 9223372036854775807) FROM outbox_sink)")
