"""The SQLite file: one connection that writes, others that read, errors as sentences."""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agent.errors import InputError, Transient, Unavailable
from agent.store.schema import migrate

_WAITING = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM}
_PRIMARY = 0xFF
"""The lower byte of an extended result code is the primary one."""


class Database:
    """Thread-safe. Readers never wait for the writer nor hold it up (write-ahead log)."""

    def __init__(self, file: Path, busy_seconds: float = 5.0, prepare: Callable[[sqlite3.Connection, str], None] = migrate) -> None:
        """Open or make the file, of mode 0600; `prepare` makes its tables, or brings them to the present version.

        Raises Unavailable, ConfigError (newer version) or InputError (not ours, damaged).
        """
        self.file = file
        self._busy_seconds = busy_seconds
        self._lock = threading.RLock()
        self._pool = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError as problem:
            raise Unavailable(f"the store {file} cannot be opened: {problem.strerror}") from problem
        with self._told():
            self._writer = self._connect()
            try:
                self._writer.execute("PRAGMA auto_vacuum = INCREMENTAL")
                self._writer.execute("PRAGMA journal_mode = WAL")
                self._writer.execute("PRAGMA synchronous = FULL")
                self._writer.execute("PRAGMA journal_size_limit = 16777216")
                prepare(self._writer, str(file))
            except BaseException:
                self._writer.close()
                raise

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Hold the writing connection in a transaction: committed at the end, undone by any error.

        Raises Transient when the disk is full or another program holds the file; nothing was written then.
        """
        with self._lock, self._told():
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    def read(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """Return the rows of a query, as committed. From any thread."""
        with self._told(), self._reading() as connection:
            return connection.execute(sql, values).fetchall()

    def checkpoint(self, pages: int) -> None:
        """Bring the write-ahead log into the file and empty it, where no reader is in its way; give free pages back."""
        with self._lock, self._told():
            self._writer.execute(f"PRAGMA incremental_vacuum({pages})").fetchall()
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Close all connections; the write-ahead log goes into the file."""
        with self._lock, self._pool:
            self._closed = True
            for connection in (*self._idle, self._writer):
                connection.close()
            self._idle.clear()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a reading connection: as many are made as are ever used at once."""
        with self._pool:
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            connection = self._connect()
            connection.execute("PRAGMA query_only = 1")
        try:
            yield connection
        finally:
            with self._pool:
                if self._closed:
                    connection.close()
                else:
                    self._idle.append(connection)

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.file, timeout=self._busy_seconds, isolation_level=None, check_same_thread=False)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as problem:
            code = getattr(problem, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY
            if code in _WAITING:
                raise Transient(f"the store {self.file} cannot be used now: {problem}") from problem
            if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
                raise InputError(f"the store {self.file} is damaged ({problem}): move it away, or restore it from a backup") from problem
            if code in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM}:
                raise Unavailable(f"the store {self.file} cannot be written: {problem}") from problem
            raise
