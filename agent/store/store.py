"""The store: checkpoint, closed windows, audit, baselines and outbox, in one file and one transaction."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self
from zlib import decompress

import numpy as np

from agent.plain import unpack
from agent.store.database import Database
from agent.store.dedup import RecentIds
from agent.store.outbox import Outbox
from agent.store.retention import expire
from agent.store.text import storable
from agent.store.transaction import Transaction
from agent.store.verdicts import VerdictReader
from detectors.types import Plain, Stream

_PAGE = 32
"""Windows read at a time, so that a long history never stands in memory at once."""
_EXPIRE_EVERY = 3600 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class StoredWindow:
    """A closed window as it was kept; times in nanoseconds since 1970, UTC."""

    stream: Stream
    start: int
    end: int
    value: Plain


class Counts(NamedTuple):
    """What is counted of a window's answers and labels."""

    stream: Stream
    start: int
    changed: bool
    """Whether it has labels that were not judged yet."""
    spread: float | None
    """Dispersion it was judged with; None: never."""
    value: Plain


class Store:
    """One thread writes transactions; any thread may read and drain the outbox. The folder must be this process's own."""

    def __init__(
        self,
        file: Path,
        *,
        clock: Callable[[], int] = time.time_ns,
        keep: timedelta = timedelta(days=90),
        max_bytes: int = 2 * 1024**3,
        busy_seconds: float = 5.0,
    ) -> None:
        """Open or make the file. Windows and audit are kept for `keep` after they were saved, in `max_bytes` at most.

        Raises Unavailable where it cannot be opened, ConfigError where a newer driftline wrote it, InputError where
        it is damaged or of something else.
        """
        self._database = Database(file, busy_seconds)
        self._clock = clock
        self._keep = int(keep.total_seconds()) * 1_000_000_000
        self._max_bytes = max_bytes
        self._written: dict[str, bytes] = {}
        self._expired_at = 0
        self.outbox = Outbox(self._database)
        """What waits for the sinks."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; nothing may use the store or its outbox afterwards."""
        self._database.close()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Save everything done in the block, or nothing: on any error, and where the disk is full (Transient)."""
        now = self._clock()
        due = now - self._expired_at >= _EXPIRE_EVERY
        with self._database.writing() as connection:
            transaction = Transaction(connection, self._written, self.outbox, now)
            yield transaction
            if due:
                expire(connection, now - self._keep, self._max_bytes)
        transaction.committed()
        if due:
            self._expired_at = now

    def get(self, key: str) -> Any:
        """Return a part of the checkpoint, None where there is none."""
        rows = self._database.read("SELECT value FROM checkpoint WHERE key = ?", (storable(key),))
        return unpack(rows[0][0]) if rows else None

    def items(self, prefix: str) -> list[tuple[str, Any]]:
        """Return every part of the checkpoint whose key begins with `prefix`, by key."""
        prefix = storable(prefix)
        sql = "SELECT key, value FROM checkpoint WHERE key >= ? AND substr(key, 1, ?) = ? ORDER BY key"
        return [(key, unpack(value)) for key, value in self._database.read(sql, (prefix, len(prefix), prefix))]

    def cursors(self) -> dict[str, Plain]:
        """Return the parts saved as `cursor/<source>`, by source."""
        return {key.removeprefix("cursor/"): value for key, value in self.items("cursor/")}

    def restore_ids(self, recent: RecentIds, name: str = "records") -> None:
        """Make `recent` what `Transaction.add_ids` saved under the name."""
        rows = self._database.read("SELECT generation, ids FROM recent_id WHERE name = ? ORDER BY part", (name,))
        recent.restore((generation, np.frombuffer(ids, "<u8").astype(np.uint64, copy=False)) for generation, ids in rows)

    def windows(self, endpoint: str, since: int, until: int) -> Iterator[StoredWindow]:
        """Yield the endpoint's windows that start in [since, until) nanoseconds, by start, deployment, traffic."""
        sql = (
            "SELECT start, deployment, traffic, end, value FROM closed_window WHERE endpoint = ? AND start < ? "
            "AND (start, deployment, traffic) > (?, ?, ?) ORDER BY start, deployment, traffic LIMIT ?"
        )
        after: tuple[Any, ...] = (since - 1, "\U0010ffff", "")
        while rows := self._database.read(sql, (storable(endpoint), until, *after, _PAGE)):
            for start, deployment, traffic, end, value in rows:
                yield StoredWindow(Stream(endpoint, deployment, traffic), start, end, unpack(decompress(value)))
            after = rows[-1][:3]

    def performance(self, endpoint: str) -> list[Counts]:
        """Return the counts of every window that may still get labels, by stream and start."""
        sql = "SELECT deployment, traffic, start, changed, spread, value FROM performance WHERE endpoint = ? ORDER BY deployment, traffic, start"
        return [
            Counts(Stream(endpoint, deployment, traffic), start, bool(changed), spread, unpack(decompress(value)))
            for deployment, traffic, start, changed, spread, value in self._database.read(sql, (storable(endpoint),))
        ]

    def severities(self, endpoint: str) -> dict[tuple[Stream, int], dict[str, float]]:
        """Return how far errors had risen at the end of each window, by method."""
        sql = "SELECT deployment, traffic, start, value FROM decay_severity WHERE endpoint = ? ORDER BY start"
        rows = self._database.read(sql, (storable(endpoint),))
        return {(Stream(endpoint, deployment, traffic), start): unpack(value) for deployment, traffic, start, value in rows}

    def has_new_labels(self, endpoint: str) -> bool:
        """Whether any window has labels that were not judged yet."""
        return bool(self._database.read("SELECT 1 FROM performance WHERE endpoint = ? AND changed = 1 LIMIT 1", (storable(endpoint),)))

    def realised(self, endpoint: str) -> list[tuple[StoredWindow, int]]:
        """Return scores and version of every window that had enough labels, all versions in order."""
        sql = (
            "SELECT start, deployment, traffic, end, value, version FROM performance_version WHERE endpoint = ? "
            "ORDER BY start, deployment, traffic, version"
        )
        return [
            (StoredWindow(Stream(endpoint, deployment, traffic), start, end, unpack(decompress(value))), version)
            for start, deployment, traffic, end, value, version in self._database.read(sql, (storable(endpoint),))
        ]

    @property
    def verdicts(self) -> VerdictReader:
        """What was said of sampled calls, by evaluators and by people."""
        return VerdictReader(self._database.read)

    def audit(self, endpoint: str, since: int) -> list[Plain]:
        """Return the endpoint's records from `since` (nanoseconds) on, in the order in which they were made."""
        sql = "SELECT value FROM audit WHERE endpoint = ? AND time >= ? ORDER BY sequence"
        return [unpack(value) for (value,) in self._database.read(sql, (storable(endpoint), since))]

    def baseline(self, name: str, version: int | None = None) -> tuple[int, Plain] | None:
        """Return the version and value of a baseline, the newest unless told; None where there is none."""
        sql = "SELECT version, value FROM baseline WHERE name = ? AND (? IS NULL OR version = ?) ORDER BY version DESC LIMIT 1"
        rows = self._database.read(sql, (storable(name), version, version))
        return (rows[0][0], unpack(decompress(rows[0][1]))) if rows else None

    def baselines(self) -> list[tuple[str, int]]:
        """Return name and version of every baseline."""
        return [(name, version) for name, version in self._database.read("SELECT name, version FROM baseline ORDER BY name, version")]
