"""The state folder: who holds it, whether there is room, and when the last record came."""

import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
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
    arrivals: Mapping[str, datetime] = field(default_factory=dict)
    """Endpoint to when its last record was received."""


def look(folder: Path) -> State:
    """Look at a state folder; a running agent is not disturbed."""
    spool = [path.stat() for path in sorted((folder / "spool").glob("*")) if path.is_file()] if folder.is_dir() else []
    return State(folder.is_dir(), _held(folder), sum(file.st_size for file in spool), _arrivals(folder))


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
    yield from _silent(config, seen)
    who = f"an agent is running on {folder}" if seen.running else f"no agent is running on {folder}"
    yield Remark("fine" if seen.running else "note", f"{who}; spool {_size(seen.spool_bytes)}")


def _silent(config: Config, seen: State) -> Iterator[Remark]:
    """Traffic that arrives and fits no `match` is the commonest reason for an empty board."""
    unmatched = [name for name in seen.arrivals if name not in config.endpoints]
    for endpoint in config.endpoints.values():
        if seen.arrivals and endpoint.name not in seen.arrivals:
            asked = ", ".join(f"{name}={value}" for name, value in endpoint.match.items())
            others = f"; records do arrive for {', '.join(unmatched[:5])}, which no match fits" if unmatched and asked else ""
            yield Remark(
                "warning",
                f"endpoints.{endpoint.name} has seen no record{f' with {asked}' if asked else ''}{others}",
                f"compare endpoints.{endpoint.name}.match with the application's resource (OTEL_SERVICE_NAME)" if asked else "",
            )


def last_words(seen: State, now: datetime) -> str:
    """Return the last line of doctor: when a record was last seen."""
    if not seen.arrivals:
        return "no record seen yet: send one, then look again"
    age = max((now - max(seen.arrivals.values())).total_seconds(), 0)
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


def _arrivals(folder: Path) -> dict[str, datetime]:
    file = folder / "store.sqlite"
    if not file.is_file():
        return {}
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=1.0)) as connection:
            row = connection.execute("SELECT value FROM checkpoint WHERE key = 'arrivals'").fetchone()
        arrivals = unpack(row[0]) if row else {}
    except (sqlite3.Error, DriftlineError):
        # A store of another version, or one just being made: run says what is wrong with it, doctor knows no time.
        return {}
    return {str(name): from_nanoseconds(int(time)) for name, time in arrivals.items()}


def _size(size: float) -> str:
    """Return bytes for a person.

    >>> _size(512 * 1024 * 1024), _size(10)
    ('512 MiB', '0 MiB')
    """
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"
