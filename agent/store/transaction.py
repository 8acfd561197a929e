"""Everything a stretch of the spool led to, saved at once or not at all."""

import sqlite3
from collections.abc import Collection, Sequence
from hashlib import blake2b
from itertools import groupby
from typing import Any
from zlib import compress

import numpy as np

from agent.plain import pack, unpack
from agent.point import Point
from agent.store.dedup import RecentIds
from agent.store.labels import LabelTables
from agent.store.outbox import Lost, Outbox
from agent.store.text import storable
from alerts.event import Event
from detectors.types import Plain, Stream


class Transaction:
    """Open while its `with` block runs. Values are packed at once: later changes to them are not saved."""

    def __init__(self, connection: sqlite3.Connection, written: dict[str, bytes], outbox: Outbox, now: int) -> None:
        self._connection = connection
        self._written = written
        self._outbox = outbox
        self._now = now
        self._changes: dict[str, bytes | None] = {}
        self._lost: list[Lost] = []
        self._recent: list[RecentIds] = []

    def put(self, key: str, value: Plain) -> None:
        """Save a part of the checkpoint; one that did not change since it was last put is not written again."""
        key = storable(key)
        packed = pack(value)
        digest = blake2b(packed, digest_size=16).digest()
        if self._changes.get(key, self._written.get(key)) != digest:
            self._connection.execute("INSERT OR REPLACE INTO checkpoint VALUES (?, ?)", (key, packed))
        self._changes[key] = digest

    def get(self, key: str) -> Any:
        """Return a part of the checkpoint as this transaction sees it, None where there is none."""
        row = self._connection.execute("SELECT value FROM checkpoint WHERE key = ?", (storable(key),)).fetchone()
        return None if row is None else unpack(row[0])

    def delete(self, prefix: str) -> None:
        """Forget every part whose key begins with `prefix`; end it with a slash to name a whole group."""
        prefix = storable(prefix)
        rows = self._connection.execute(
            "DELETE FROM checkpoint WHERE key >= ? AND substr(key, 1, ?) = ? RETURNING key", (prefix, len(prefix), prefix)
        )
        self._changes |= dict.fromkeys(key for (key,) in rows.fetchall())

    def forget(self, key: str) -> None:
        """Forget one part."""
        key = storable(key)
        self._connection.execute("DELETE FROM checkpoint WHERE key = ?", (key,))
        self._changes[key] = None

    def add_ids(self, recent: RecentIds, name: str = "records") -> None:
        """Save the ids that came since the last time; `name` tells several sets apart."""
        for generation, parts in groupby(recent.unsaved(), key=lambda part: part[0]):
            ids = np.concatenate([part for _, part in parts]).astype("<u8", copy=False)
            self._connection.execute("INSERT INTO recent_id (name, generation, ids) VALUES (?, ?, ?)", (name, generation, ids.tobytes()))
        self._connection.execute("DELETE FROM recent_id WHERE name = ? AND generation < ?", (name, recent.generation - 1))
        self._recent.append(recent)

    def add_window(self, stream: Stream, start: int, end: int, value: Plain) -> None:
        """Keep a closed window, from `start` to `end` in nanoseconds; one computed again takes the place of the first."""
        self._connection.execute(
            "INSERT OR REPLACE INTO closed_window (endpoint, start, deployment, traffic, end, saved, value) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                storable(stream.endpoint),
                start,
                storable(stream.deployment),
                storable(stream.traffic),
                end,
                self._now,
                compress(pack(value), 1),
            ),
        )

    def add_audit(self, record: Plain) -> None:
        """Keep a record of a decision. Its `endpoint` (str) and `time` (nanoseconds) are what it is found by."""
        self._connection.execute(
            "INSERT INTO audit (endpoint, time, saved, value) VALUES (?, ?, ?, ?)",
            (storable(str(record.get("endpoint", ""))), int(record.get("time", self._now)), self._now, pack(record)),
        )

    @property
    def labels(self) -> LabelTables:
        """The prediction log and realised performance, as this transaction sees and changes them."""
        return LabelTables(self._connection, self._now)

    def put_baseline(self, name: str, version: int, value: Plain) -> None:
        """Keep a version of a baseline, in place of what it was."""
        self._connection.execute("INSERT OR REPLACE INTO baseline VALUES (?, ?, ?)", (storable(name), version, compress(pack(value), 1)))

    def add_baseline(self, name: str, value: Plain) -> int:
        """Keep a further version of a baseline, and return its number: 1 for the first."""
        (newest,) = self._connection.execute("SELECT max(version) FROM baseline WHERE name = ?", (storable(name),)).fetchone()
        version = 1 if newest is None else int(newest) + 1
        self.put_baseline(name, version, value)
        return version

    def keep_baselines(self, name: str, versions: Collection[int]) -> None:
        """Forget every other version of a baseline."""
        marks = ", ".join("?" * len(versions))
        sql = f"DELETE FROM baseline WHERE name = ? AND version NOT IN ({marks})"  # noqa: S608  # question marks only
        self._connection.execute(sql, (storable(name), *versions))

    def enqueue(self, points: Sequence[Point], events: Sequence[Event]) -> None:
        """Hand points and events to the sinks once the transaction is committed."""
        if points or events:
            self._lost.append(self._outbox.append(self._connection, points, events, self._now))

    def committed(self) -> None:
        """Tell memory what the disk now holds. The store calls it."""
        for key, digest in self._changes.items():
            if digest is None:
                self._written.pop(key, None)
            else:
                self._written[key] = digest
        for recent in self._recent:
            recent.saved()
        for lost in self._lost:
            self._outbox.count_lost(lost)
