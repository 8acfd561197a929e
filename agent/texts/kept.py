"""Texts of sampled calls in their file: put in as calls arrive, kept with their window's sample, deleted when they are too old or too many."""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from sqlite3 import Connection
from typing import NamedTuple

import numpy as np

from agent.config import KeptTexts as Limits
from agent.judges.task import Item
from agent.sources.otlp.columns import CALL
from agent.store.database import Database
from agent.store.text import storable
from agent.texts.schema import prepare
from detectors.quality.text_columns import PROBABILITY
from detectors.types import Batch, Stream, Text

_PAGES = 2_000
"""Free pages given back to the file system in one go."""


class Arrived(NamedTuple):
    """The redacted texts of a call."""

    id: int
    time: int
    """When the call ended, nanoseconds."""
    deployment: str
    traffic: str
    item: Item


class Sample(NamedTuple):
    """A kept text with what is known of its call."""

    id: int
    deployment: str
    traffic: str
    time: int
    chance: float | None
    """How likely the call was to be kept; None while its window is open."""
    call: str | None
    """Trace and span id, where they are kept readable."""
    question: str
    answer: str
    context: str


class KeptTexts:
    """Thread-safe. The file may be read, and purged, by a command while the agent runs."""

    def __init__(self, file: Path, limits: Mapping[str, Limits] | None, clock: Callable[[], int]) -> None:
        """Open or make the file, of mode 0600; `limits` of each endpoint that keeps texts, `clock` gives nanoseconds.

        What the file holds of other endpoints is deleted: nobody allows it any more. None: whoever looks decides nothing. Raises Unavailable, ConfigError or InputError.
        """
        self.database = Database(file, prepare=prepare)
        self._limits = dict(limits or {})
        self._clock = clock
        self._lock = threading.Lock()
        self._lost: Counter[str] = Counter()
        if limits is not None:
            self.sweep()

    @property
    def endpoints(self) -> Collection[str]:
        """Endpoints that keep texts."""
        return self._limits.keys()

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    def put(self, endpoint: str, arrived: Sequence[Arrived]) -> None:
        """Keep texts until their window closes; more of the same call is put together. Raises Transient where the disk takes nothing."""
        now = self._clock()
        rows = [
            (
                storable(endpoint),
                signed(one.id),
                storable(one.deployment),
                storable(one.traffic),
                one.time,
                now,
                *(storable(text) for text in (one.item.question, one.item.answer, one.item.context)),
            )
            for one in arrived
        ]
        query = (
            "INSERT INTO text (endpoint, id, deployment, traffic, time, saved, bytes, question, answer, context) "
            "VALUES (?1, ?2, ?3, ?4, ?5, ?6, 200 + length(?7) + length(?8) + length(?9), ?7, ?8, ?9) ON CONFLICT (endpoint, id) DO UPDATE SET "
            "question = iif(excluded.question = '', question, excluded.question), answer = iif(excluded.answer = '', answer, excluded.answer), "
            "context = iif(excluded.context = '', context, excluded.context), bytes = bytes + excluded.bytes"
        )
        with self.database.writing() as connection:
            connection.executemany(query, rows)

    def closed(self, stream: Stream, start: int, end: int, calls: Batch | None) -> None:
        """Keep the texts of a closed window's sample (nanoseconds), and delete those of calls that did not stay in it."""
        kept = [] if calls is None else list(zip(*_facts(calls), strict=True))
        endpoint, deployment, traffic = (storable(part) for part in stream)
        with self.database.writing() as connection:
            connection.executemany(
                "UPDATE text SET chance = ?, call = ?, deployment = ?, traffic = ? WHERE endpoint = ? AND id = ?",
                [(chance, call, deployment, traffic, endpoint, identity) for identity, chance, call in kept],
            )
            # Earlier windows are over; of this one other deployments' calls may still be in the spool.
            connection.execute(
                "DELETE FROM text WHERE endpoint = ? AND chance IS NULL AND (time < ? OR (time < ? AND deployment = ? AND traffic = ?))",
                (endpoint, start, end, deployment, traffic),
            )

    def item(self, endpoint: str, identity: int) -> Item | None:
        """Return the texts of a call (its id as in the batch); None where there are none."""
        query = "SELECT question, answer, context FROM text WHERE endpoint = ? AND id = ?"
        rows = self.database.read(query, (storable(endpoint), signed(identity)))
        return Item(*rows[0]) if rows else None

    def sweep(self) -> None:
        """Delete what is too old, or beyond the size, or of endpoints that keep no texts; nothing of it stays in the file."""
        now = self._clock()
        with self.database.writing() as connection:
            names = [storable(name) for name in self._limits]
            for table in ("text", "waiting"):
                connection.execute(f"DELETE FROM {table} WHERE endpoint NOT IN ({', '.join('?' * len(names))})", names)  # noqa: S608  # our own name
            for name, limits in self._limits.items():
                oldest = now - limits.max_age // timedelta(microseconds=1) * 1000
                aged = connection.execute("DELETE FROM text WHERE endpoint = ? AND saved < ?", (storable(name), oldest)).rowcount
                connection.execute("DELETE FROM waiting WHERE endpoint = ? AND saved < ?", (storable(name), oldest))
                beyond = _beyond(connection, storable(name), limits.max_bytes)
                with self._lock:
                    self._lost += Counter(age=aged, size=beyond)
        self.wipe()

    def take_lost(self) -> Counter[str]:
        """Return how many texts were deleted since the last call, by reason: `age`, `size`."""
        with self._lock:
            found, self._lost = +self._lost, Counter()
        return found

    def purge(self, endpoint: str | None = None, identity: int | None = None, before: int | None = None) -> int:
        """Delete texts for good: all, or of an endpoint, a call, or from before a time (nanoseconds); return how many."""
        where, values = ["1"], list[int | str]()
        for column, value in (("endpoint = ?", endpoint), ("id = ?", identity), ("time < ?", before)):
            if value is not None:
                where.append(column)
                values.append(
                    signed(value) if column == "id = ?" and isinstance(value, int) else storable(value) if isinstance(value, str) else value
                )
        with self.database.writing() as connection:
            gone = connection.execute(f"DELETE FROM text WHERE {' AND '.join(where)}", values).rowcount  # noqa: S608  # our own text
        self.wipe()
        return gone

    def wipe(self) -> None:
        """Take what was deleted out of the log beside the file too, and give its room back."""
        self.database.checkpoint(_PAGES)

    def samples(self, endpoint: str) -> Iterator[Sample]:
        """Yield the texts of an endpoint, oldest call first."""
        query = (
            "SELECT id, deployment, traffic, time, chance, call, question, answer, context FROM text "
            "WHERE endpoint = ? AND (time, id) > (?, ?) ORDER BY time, id LIMIT 100"
        )
        after = (-1, 0)
        while rows := self.database.read(query, (storable(endpoint), *after)):
            yield from (Sample(row[0] & 2**64 - 1, *row[1:]) for row in rows)
            after = (rows[-1][3], rows[-1][0])

    def counted(self) -> list[tuple[str, str, str, int, int, int, int]]:
        """Return endpoint, deployment, traffic, texts, bytes, and time of the oldest and newest call in nanoseconds."""
        query = (
            "SELECT endpoint, deployment, traffic, count(*), sum(bytes), min(time), max(time) FROM text "
            "GROUP BY endpoint, deployment, traffic ORDER BY endpoint, deployment, traffic"
        )
        return [tuple(row) for row in self.database.read(query)]


def _beyond(connection: Connection, endpoint: str, most: int) -> int:
    """Delete the oldest texts beyond so many bytes; return how many."""
    query = (
        "DELETE FROM text WHERE rowid IN (SELECT rowid FROM (SELECT rowid, sum(bytes) OVER (ORDER BY saved DESC, rowid DESC) AS upto FROM text "
        "WHERE endpoint = ?) WHERE upto > ?)"
    )
    return connection.execute(query, (endpoint, most)).rowcount


def _facts(calls: Batch) -> tuple[list[int], list[float], Sequence[str | None]]:
    ids = np.asarray(calls.columns["id"], np.uint64).view(np.int64).tolist()
    chances = np.asarray(calls.columns[PROBABILITY], np.float64).tolist()
    named = calls.columns.get(CALL)
    return ids, chances, named.values if isinstance(named, Text) else [None] * calls.rows


def signed(identity: int) -> int:
    """Return an id as SQLite has it."""
    return identity - 2**64 if identity >= 2**63 else identity
