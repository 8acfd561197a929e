"""A folder that label files are put into: a folder an endpoint; what was read is moved aside."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from agent.labels.reading import from_file
from agent.rows.table import Drop
from detectors.types import Batch

TAKEN, REFUSED = "taken", "refused"
_UNFINISHED = (".part", ".tmp", ".crdownload")


class File(NamedTuple):
    """A file with labels of one endpoint, as it was when it was found."""

    endpoint: str
    path: Path
    state: tuple[int, int]
    """Size, and when it was changed last, nanoseconds."""


class Inbox:
    """Looks for files that have rested for `settle`; hidden ones and those that are still being written are left alone."""

    def __init__(self, folder: Path, settle: timedelta, drop: Drop) -> None:
        self._folder = folder
        self._settle = settle.total_seconds()
        self._drop = drop
        self._seen: dict[Path, tuple[tuple[int, int], float]] = {}
        """File to how it was, and since when it has been so."""
        self._kept: dict[Path, tuple[int, int]] = {}
        """Files that could not be moved, or read for a reason nobody foresaw."""

    def files(self, now: float) -> list[File]:
        """Return the files to read, by endpoint and name; `now` in seconds since 1970. Raises OSError."""
        if not self._folder.is_dir():
            return []
        found = [File(home.name, path, _state(path)) for home in sorted(self._folder.iterdir()) for path in _candidates(home)]
        self._seen = {file.path: self._since(file, now) for file in found}
        self._kept = {file.path: file.state for file in found if self._kept.get(file.path) == file.state}
        return [file for file in found if file.path not in self._kept and self._ready(file, now)]

    def read(self, file: File, drop: Drop | None = None) -> Iterator[Batch]:
        """Yield the labels of a file. Raises InputError."""
        return from_file(file.path, file.endpoint, drop or self._drop)

    def take(self, file: File) -> bool:
        """Move a file that was read; one that was changed meanwhile stays, to be read again. Returns whether it was moved. Raises OSError."""
        return self._move(file, TAKEN)

    def refuse(self, file: File) -> bool:
        """Move a file that cannot be read, as `take` does. Raises OSError."""
        return self._move(file, REFUSED)

    def leave(self, file: File) -> None:
        """Leave a file where it is, until it changes."""
        self._kept[file.path] = file.state

    def _move(self, file: File, to: str) -> bool:
        if _state(file.path) != file.state:
            return False
        _move(file.path, to)
        return True

    def _since(self, file: File, now: float) -> tuple[tuple[int, int], float]:
        state, since = self._seen.get(file.path, (file.state, now))
        return (state, since) if state == file.state else (file.state, now)

    def _ready(self, file: File, now: float) -> bool:
        # A file from a machine whose clock is ahead rests from when it was first seen.
        return now - min(file.state[1] / 1e9, self._seen[file.path][1]) >= self._settle


def _candidates(home: Path) -> Iterator[Path]:
    for path in sorted(home.iterdir()) if home.is_dir() else ():
        if not path.name.startswith(".") and not path.name.endswith(_UNFINISHED) and path.is_file():
            yield path


def _state(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _move(path: Path, to: str) -> None:
    aside = path.parent / to
    aside.mkdir(exist_ok=True)
    target = aside / path.name
    number = 1
    while target.exists():
        target = aside / f"{path.stem}-{number}{path.suffix}"
        number += 1
    path.rename(target)
