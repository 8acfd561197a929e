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
    """A file with labels of one endpoint."""

    endpoint: str
    path: Path


class Inbox:
    """Looks for files that have rested for `settle`; hidden ones and those that are still being written are left alone."""

    def __init__(self, folder: Path, settle: timedelta, drop: Drop) -> None:
        self._folder = folder
        self._settle = settle.total_seconds()
        self._drop = drop

    def files(self, now: float) -> list[File]:
        """Return the files to read, by endpoint and name; `now` in seconds since 1970. Raises OSError."""
        if not self._folder.is_dir():
            return []
        found = (File(home.name, path) for home in sorted(self._folder.iterdir()) if home.is_dir() for path in sorted(home.iterdir()))
        return [file for file in found if self._ready(file.path, now)]

    def read(self, file: File) -> Iterator[Batch]:
        """Yield the labels of a file. Raises InputError."""
        return from_file(file.path, file.endpoint, self._drop)

    def take(self, file: File) -> None:
        """Move a file that was read. Raises OSError."""
        _move(file.path, TAKEN)

    def refuse(self, file: File) -> None:
        """Move a file that cannot be read. Raises OSError."""
        _move(file.path, REFUSED)

    def _ready(self, path: Path, now: float) -> bool:
        if path.name.startswith(".") or path.name.endswith(_UNFINISHED) or not path.is_file():
            return False
        return now - path.stat().st_mtime >= self._settle


def _move(path: Path, to: str) -> None:
    aside = path.parent / to
    aside.mkdir(exist_ok=True)
    target = aside / path.name
    number = 1
    while target.exists():
        target = aside / f"{path.stem}-{number}{path.suffix}"
        number += 1
    path.rename(target)
