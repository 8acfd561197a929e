"""Tables of what evaluators said of sampled calls, and of what people said of the same: what calibration learns from."""

import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from agent.store.text import storable
from detectors.types import Stream

_AT_ONCE = 500
"""Ids asked for in one query: SQLite takes at most so many values in any build."""

Read: TypeAlias = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]
"""Returns the rows of a query."""


@dataclass(frozen=True, slots=True)
class Rated:
    """What an evaluator said of a call; ids as SQLite has them, signed."""

    stream: Stream
    evaluator: str
    id: int
    start: int
    """Start of its window, nanoseconds."""
    saved: int
    """End of its window, nanoseconds: age counts from here."""
    score: float
    chance: float
    """How likely the call was to be looked at."""
    answered: str
    """Model and fingerprint that answered."""
    rater: str
    """What said so: phrases, or a judge's model and questions."""
    call: str | None
    """Trace and span id in hexadecimal; None where they are not kept."""


class Opinion(NamedTuple):
    """What a person said of a call; `said` and `saved` are nanoseconds, when it was given and when it came."""

    evaluator: str
    id: int
    label: float
    said: int
    saved: int
    teller: str | None


class Pair(NamedTuple):
    """A call that an evaluator and a person looked at."""

    score: float
    chance: float
    answered: str
    rater: str
    label: float


class VerdictTables:
    """Lives as long as the transaction whose connection it uses."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rate(self, rated: Iterable[Rated]) -> None:
        """Keep verdicts, with the opinion that waits for each; one that is there already stays as it is."""
        self._connection.executemany(
            "INSERT OR IGNORE INTO verdict VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, "
            "(SELECT label FROM opinion WHERE endpoint = ?1 AND evaluator = ?2 AND id = ?3))",
            (
                (
                    storable(one.stream.endpoint),
                    storable(one.evaluator),
                    one.id,
                    storable(one.stream.deployment),
                    storable(one.stream.traffic),
                    one.start,
                    one.saved,
                    one.score,
                    one.chance,
                    storable(one.answered),
                    storable(one.rater),
                    one.call,
                )
                for one in rated
            ),
        )

    def known(self, endpoint: str, evaluator: str, ids: Sequence[int]) -> dict[int, Opinion | None]:
        """Return the ids a verdict is kept of or an opinion waits for, and what a person said of each so far."""
        found: dict[int, Opinion | None] = {}
        for first in range(0, len(ids), _AT_ONCE):
            part = ids[first : first + _AT_ONCE]
            values = (storable(endpoint), storable(evaluator), *part)
            where = f"WHERE endpoint = ? AND evaluator = ? AND id IN ({', '.join('?' * len(part))})"
            found |= dict.fromkeys(id_ for (id_,) in self._connection.execute(f"SELECT id FROM verdict {where}", values))  # noqa: S608  # our own text
            query = f"SELECT id, label, said, saved, teller FROM opinion {where}"  # noqa: S608  # our own text
            found |= {row[0]: Opinion(evaluator, *row) for row in self._connection.execute(query, values)}
        return found

    def opine(self, endpoint: str, opinions: Iterable[Opinion]) -> None:
        """Keep what people said, in place of what was said of the same call before."""
        name = storable(endpoint)
        rows = [
            (name, storable(one.evaluator), one.id, one.saved, one.label, one.said, one.teller and storable(one.teller)) for one in opinions
        ]
        self._connection.executemany("INSERT OR REPLACE INTO opinion VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        query = "UPDATE verdict SET label = ? WHERE endpoint = ? AND evaluator = ? AND id = ?"
        self._connection.executemany(query, [(label, *key) for *key, _, label, _, _ in rows])

    def forget(self, endpoint: str, before: int, long_before: int, most: int) -> None:
        """Drop verdicts nobody labelled from before a time, all verdicts and opinions from long before (nanoseconds), and what is beyond `most`."""
        name = storable(endpoint)
        self._connection.execute("DELETE FROM verdict WHERE endpoint = ? AND saved < ? AND label IS NULL", (name, before))
        for table in ("verdict", "opinion"):
            query = f"SELECT saved FROM {table} WHERE endpoint = ? ORDER BY saved DESC LIMIT 1 OFFSET ?"  # noqa: S608  # our own name
            beyond = self._connection.execute(query, (name, most)).fetchone()
            # What came at once stays or goes as a whole.
            last = long_before if beyond is None else max(long_before, beyond[0])
            self._connection.execute(f"DELETE FROM {table} WHERE endpoint = ? AND saved < ?", (name, last))  # noqa: S608  # as above

    def keep_only(self, endpoints: Collection[str]) -> None:
        """Drop what is kept of all other endpoints: nobody expects their labels any more."""
        names = [storable(endpoint) for endpoint in endpoints]
        for table in ("verdict", "opinion"):
            query = f"DELETE FROM {table} WHERE endpoint NOT IN ({', '.join('?' * len(names))})"  # noqa: S608  # our own name
            self._connection.execute(query, names)


class VerdictReader:
    """Reads what is committed; from any thread."""

    def __init__(self, read: Read) -> None:
        self._read = read

    def pairs(self, stream: Stream, evaluator: str) -> list[Pair]:
        """Return the calls of a stream that both an evaluator and a person looked at."""
        query = (
            # Left to itself SQLite takes the primary key, and reads everything of the endpoint.
            "SELECT score, chance, answered, rater, label FROM verdict INDEXED BY verdict_labelled "
            "WHERE endpoint = ? AND evaluator = ? AND deployment = ? AND traffic = ? AND label IS NOT NULL ORDER BY id"
        )
        values = (storable(stream.endpoint), storable(evaluator), storable(stream.deployment), storable(stream.traffic))
        return [Pair(*row) for row in self._read(query, values)]

    def unlabelled(self, endpoint: str, evaluator: str) -> list[Rated]:
        """Return the verdicts on calls that can be named and no person looked at, oldest first."""
        query = (
            "SELECT deployment, traffic, id, start, saved, score, chance, answered, rater, call FROM verdict "
            "WHERE endpoint = ? AND evaluator = ? AND call IS NOT NULL AND label IS NULL ORDER BY saved, id"
        )
        rows = self._read(query, (storable(endpoint), storable(evaluator)))
        return [Rated(Stream(endpoint, deployment, traffic), evaluator, *rest) for deployment, traffic, *rest in rows]
