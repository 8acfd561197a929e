"""Tables of the prediction log and of realised performance: what labels that come late are joined with."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from zlib import compress, decompress

from agent.plain import pack, unpack
from agent.store.text import storable
from agent.store.verdicts import VerdictTables
from detectors.types import Plain, Stream

_AT_ONCE = 500
"""Ids asked for in one query: SQLite takes at most so many values in any build."""


@dataclass(slots=True)
class Logged:
    """One answer that may still get a label, or another one."""

    stream: Stream
    id: int
    start: int
    """Start of its window, nanoseconds."""
    value: float | str | None
    probability: float | None
    segments: str | None
    """JSON of column to value."""
    label: str | None = None
    said: int | None = None
    """When the label was given, nanoseconds."""
    teller: str | None = None
    """Who gave it."""


class Early(NamedTuple):
    """A label whose answer is not known yet."""

    id: int
    label: str
    said: int
    teller: str | None


class LabelTables:
    """Lives as long as the transaction whose connection it uses."""

    def __init__(self, connection: sqlite3.Connection, now: int) -> None:
        self._connection = connection
        self._now = now

    @property
    def verdicts(self) -> VerdictTables:
        """Verdicts on sampled calls and what people said of them, in the same transaction."""
        return VerdictTables(self._connection)

    def log(self, answers: Iterable[Logged], received: int) -> None:
        """Keep answers; one that is there already stays as it is."""
        self._connection.executemany(
            "INSERT OR IGNORE INTO prediction VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    storable(one.stream.endpoint),
                    one.id,
                    storable(one.stream.deployment),
                    storable(one.stream.traffic),
                    one.start,
                    received,
                    one.value,
                    one.probability,
                    one.segments,
                    one.label,
                    one.said,
                    one.teller,
                )
                for one in answers
            ),
        )

    def answers(self, endpoint: str, ids: Sequence[int], since: int) -> Iterator[Logged]:
        """Yield the logged answers of these ids that came in `since` then (nanoseconds), of every deployment that answered."""
        query = "SELECT saved, id, deployment, traffic, start, value, probability, segments, label, said, teller FROM prediction"
        for rows in self._by_ids(query, endpoint, ids):
            for saved, id_, deployment, traffic, *rest in rows:
                # Older ones are forgotten now and then, and their windows are closed for good.
                if saved >= since:
                    yield Logged(Stream(endpoint, deployment, traffic), id_, *rest)

    def relabel(self, answers: Iterable[Logged]) -> None:
        """Keep the labels that answers have now."""
        self._connection.executemany(
            "UPDATE prediction SET label = ?, said = ?, teller = ? WHERE endpoint = ? AND id = ? AND deployment = ? AND traffic = ?",
            (
                (
                    one.label,
                    one.said,
                    one.teller,
                    storable(one.stream.endpoint),
                    one.id,
                    storable(one.stream.deployment),
                    storable(one.stream.traffic),
                )
                for one in answers
            ),
        )

    def wait(self, endpoint: str, labels: Iterable[Early], received: int) -> None:
        """Keep labels of unknown ids; of two for one id the one given later stays, of two given at once the greater."""
        self._connection.executemany(
            "INSERT INTO early_label VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "saved = excluded.saved, label = excluded.label, said = excluded.said, teller = excluded.teller "
            "WHERE (excluded.said, excluded.label) > (early_label.said, early_label.label)",
            ((storable(endpoint), one.id, received, storable(one.label), one.said, one.teller) for one in labels),
        )

    def waiting(self, endpoint: str, ids: Sequence[int]) -> list[Early]:
        """Return the labels that wait for these ids."""
        known = self._connection.execute("SELECT 1 FROM early_label WHERE endpoint = ? LIMIT 1", (storable(endpoint),)).fetchone()
        if known is None:
            return []
        query = "SELECT id, label, said, teller FROM early_label"
        return [Early(*row) for rows in self._by_ids(query, endpoint, ids) for row in rows]

    def welcome(self, endpoint: str, ids: Sequence[int]) -> None:
        """Forget labels that wait for these ids."""
        for _ in self._by_ids("DELETE FROM early_label", endpoint, ids):
            pass

    def forget(self, endpoint: str, before: int, most: int) -> None:
        """Drop answers and waiting labels that came before a time (nanoseconds), and of each the oldest beyond about `most`."""
        self._forget("prediction", storable(endpoint), before, most)
        self._forget("early_label", storable(endpoint), before, most)

    def keep_only(self, endpoints: Collection[str]) -> None:
        """Drop answers, waiting labels and counts of all other endpoints: nobody expects their labels any more."""
        names = [storable(endpoint) for endpoint in endpoints]
        marks = ", ".join("?" * len(names))
        for table in ("prediction", "early_label", "performance"):
            self._connection.execute(f"DELETE FROM {table} WHERE endpoint NOT IN ({marks})", names)  # noqa: S608 # our own names

    def _forget(self, table: str, endpoint: str, before: int, most: int) -> None:
        query = f"SELECT saved FROM {table} WHERE endpoint = ? ORDER BY saved DESC LIMIT 1 OFFSET ?"  # noqa: S608 # our own name
        beyond = self._connection.execute(query, (endpoint, most)).fetchone()
        if beyond is not None:
            # What came at once stays or goes as a whole.
            before = max(before, beyond[0])
        self._connection.execute(f"DELETE FROM {table} WHERE endpoint = ? AND saved < ?", (endpoint, before))  # noqa: S608 # as above

    def performance(self, stream: Stream, start: int) -> Plain | None:
        """Return what is counted of a window, None where nothing is."""
        query = "SELECT value FROM performance WHERE endpoint = ? AND deployment = ? AND traffic = ? AND start = ?"
        row = self._connection.execute(query, (*map(storable, stream), start)).fetchone()
        return None if row is None else unpack(decompress(row[0]))

    def put_performance(self, stream: Stream, start: int, value: Plain, *, changed: bool) -> None:
        """Keep what is counted of a window, and whether it has labels that were not judged yet."""
        self._connection.execute(
            "INSERT INTO performance VALUES (?, ?, ?, ?, ?, NULL, ?) ON CONFLICT DO UPDATE SET "
            "value = excluded.value, changed = max(changed, excluded.changed)",
            (*map(storable, stream), start, changed, compress(pack(value), 1)),
        )

    def judged(self, stream: Stream, start: int, spread: float) -> None:
        """Note that a window was judged with all the labels it has, and with which dispersion."""
        query = "UPDATE performance SET changed = 0, spread = ? WHERE endpoint = ? AND deployment = ? AND traffic = ? AND start = ?"
        self._connection.execute(query, (spread, *map(storable, stream), start))

    def put_severities(self, stream: Stream, start: int, value: Plain) -> None:
        """Keep the severities by method that errors had reached at the end of a window."""
        self._connection.execute(
            "INSERT OR REPLACE INTO decay_severity VALUES (?, ?, ?, ?, ?, ?)", (*map(storable, stream), start, self._now, pack(value))
        )

    def drop_performance(self, stream: Stream, before: int) -> None:
        """Forget the counts of windows that began before a time and can no longer change."""
        query = "DELETE FROM performance WHERE endpoint = ? AND deployment = ? AND traffic = ? AND start < ?"
        self._connection.execute(query, (*map(storable, stream), before))

    def add_version(self, stream: Stream, start: int, end: int, value: Plain) -> None:
        """Keep the scores of a window as a new version."""
        self._connection.execute(
            "INSERT INTO performance_version SELECT ?1, ?2, ?3, ?4, 1 + coalesce(max(version), 0), ?5, ?6, ?7 "
            "FROM performance_version WHERE endpoint = ?1 AND deployment = ?2 AND traffic = ?3 AND start = ?4",
            (*map(storable, stream), start, end, self._now, compress(pack(value), 1)),
        )

    def _by_ids(self, query: str, endpoint: str, ids: Sequence[int]) -> Iterator[list[tuple[Any, ...]]]:
        for first in range(0, len(ids), _AT_ONCE):
            part = ids[first : first + _AT_ONCE]
            marks = ", ".join("?" * len(part))
            yield self._connection.execute(f"{query} WHERE endpoint = ? AND id IN ({marks})", (storable(endpoint), *part)).fetchall()
