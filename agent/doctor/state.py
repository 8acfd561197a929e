"""The state folder: who holds it, whether there is room, and when the last record came."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from agent.clock import from_nanoseconds
from agent.config import Config
from agent.doctor.remark import Remark
from agent.errors import DriftlineError
from agent.plain import unpack

_OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class State:
    """What the folder tells without opening it for writing."""

    there: bool
    running: bool
    """An agent holds it."""
    spool_bytes: int
    last_record: datetime | None
    """When a record was last received, by any endpoint."""


def look(folder: Path) -> State:
    """Look at a state folder; a running agent is not disturbed."""
    spool = [path.stat() for path in sorted((folder / "spool").glob("*")) if path.is_file()] if folder.is_dir() else []
    return State(folder.is_dir(), _held(folder), sum(file.st_size for file in spool), _last_record(folder))


def state(config: Config, seen: State) -> Iterator[Remark]:
    """Judge the folder."""
    folder, limits = config.state, config.spool
    home = folder if seen.there else next((parent for parent in folder.parents if parent.is_dir()), Path.cwd())
    if seen.there and not os.access(folder, os.W_OK | os.X_OK):
        yield Remark("error", f"state: {folder} cannot be written by this user", f"chown -R $(id -u) {folder}")
    elif not seen.there and not os.access(home, os.W_OK | os.X_OK):
        yield Remark("error", f"state: {folder} cannot be made in {home}", "set state to a folder this user may write")
    if seen.there and os.name == "posix" and folder.stat().st_mode & _OTHERS:
        yield Remark("warning", f"state: {folder} can be read by other users", f"chmod 700 {folder}")
    free = shutil.disk_usage(home).free
    if free < limits.min_free_bytes:
        yield Remark(
            "error",
            f"state: {_size(free)} free, below min_free_bytes ({_size(limits.min_free_bytes)}): nothing is accepted",
            "free some disk",
        )
    elif free < limits.min_free_bytes + limits.max_bytes - min(seen.spool_bytes, limits.max_bytes):
        yield Remark(
            "warning",
            f"state: {_size(free)} free, less than the spool may grow to ({_size(limits.max_bytes)})",
            "free some disk, or lower spool.max_bytes",
        )
    if seen.spool_bytes > 0.8 * limits.max_bytes:
        yield Remark("warning", f"spool: {_size(seen.spool_bytes)} of {_size(limits.max_bytes)} used; senders will be told to wait soon")
    who = f"an agent is running on {folder}" if seen.running else f"no agent is running on {folder}"
    yield Remark("fine" if seen.running else "note", f"{who}; spool {_size(seen.spool_bytes)}")


def last_words(seen: State, now: datetime) -> str:
    """Return the last line of doctor: when a record was last seen."""
    if seen.last_record is None:
        return "no record seen yet: send one, then look again"
    age = max((now - seen.last_record).total_seconds(), 0)
    for unit, seconds in (("d", 86400), ("h", 3600), ("min", 60)):
        if age >= 2 * seconds:
            return f"last record seen {age / seconds:.0f} {unit} ago"
    return f"last record seen {age:.0f} s ago"


def _held(folder: Path) -> bool:
    if not (folder / "lock").exists():
        return False
    try:
        import fcntl  # noqa: PLC0415 (Windows lacks it; there no agent runs either)
    except ImportError:
        return False
    with (folder / "lock").open("rb") as lock:
        try:
            # Shared and let go at once: a look must not keep an agent from starting.
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def _last_record(folder: Path) -> datetime | None:
    file = folder / "store.sqlite"
    if not file.is_file():
        return None
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=1.0)) as connection:
            row = connection.execute("SELECT value FROM checkpoint WHERE key = 'arrivals'").fetchone()
        arrivals = unpack(row[0]) if row else {}
    except (sqlite3.Error, DriftlineError):
        # A store of another version, or one just being made: run says what is wrong with it, doctor knows no time.
        return None
    newest = max((int(value) for value in arrivals.values()), default=0)
    return from_nanoseconds(newest).astimezone(UTC) if newest else None


def _size(size: float) -> str:
    """Return bytes for a person.

    >>> _size(512 * 1024 * 1024), _size(10)
    ('512 MiB', '0 MiB')
    """
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"
