"""Keeps the store bounded: what is too old goes, and the oldest windows when the file grows too large."""

import sqlite3

_AT_ONCE = 50
"""Windows removed between looks at the size."""
_PAGES = 2000
"""Free pages given back to the file system in one go."""


def expire(connection: sqlite3.Connection, before: int, max_bytes: int) -> None:
    """Delete windows, their performance and audit saved before that time (nanoseconds), then the oldest windows beyond `max_bytes`."""
    connection.execute("DELETE FROM closed_window WHERE saved < ?", (before,))
    connection.execute("DELETE FROM audit WHERE saved < ?", (before,))
    connection.execute("DELETE FROM performance_version WHERE saved < ?", (before,))
    connection.execute("DELETE FROM decay_severity WHERE saved < ?", (before,))
    while _bytes(connection) > max_bytes:
        oldest = "SELECT rowid FROM closed_window ORDER BY saved LIMIT ?"
        if not connection.execute(f"DELETE FROM closed_window WHERE rowid IN ({oldest})", (_AT_ONCE,)).rowcount:  # noqa: S608  # our own text
            break
    connection.execute(f"PRAGMA incremental_vacuum({_PAGES})").fetchall()


def _bytes(connection: sqlite3.Connection) -> int:
    numbers = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")]
    return int((numbers[0] - numbers[1]) * numbers[2])
