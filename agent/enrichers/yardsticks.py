"""Yardsticks: what values of a column usually look like, learnt once and then fixed, so that today and the reference are measured alike."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from os import fsync, getpid
from pathlib import Path
from threading import Lock
from typing import Any, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from agent.errors import DriftlineError
from agent.plain import pack, unpack
from detectors.types import Plain

ENOUGH = 1000
"""Values a yardstick is learnt from: the first that are seen, whether in history, a file or live."""
FOLDER = "yardsticks"
"""Folder below that of the state."""

_log = logging.getLogger(__name__)


class Yardstick(Protocol):
    """Something that is learnt from rows of numbers."""

    @classmethod
    def fit(cls, rows: Sequence[NDArray[Any]], random: "np.random.Generator") -> Self:
        """Learn. The same rows and the same randomness lead to the same yardstick."""
        ...

    @classmethod
    def restore(cls, saved: Plain) -> Self:
        """Take back what `plain` returned."""
        ...

    def plain(self) -> Plain:
        """Return it as data."""
        ...


Y = TypeVar("Y", bound=Yardstick)


class Yardsticks:
    """All yardsticks of one state folder; without a folder they last as long as this object. Safe to share between threads."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._known: dict[str, Any] = {}
        self._waiting: dict[str, list[NDArray[Any]]] = {}
        self._lock = Lock()

    def measure(self, name: str, kind: type[Y], rows: Callable[[], Sequence[NDArray[Any]]]) -> Y | None:
        """Return the yardstick of a column; while there is none, learn it from `rows`. None: there were too few so far.

        It is on disk before anything is measured with it, so that a crash changes no measure.
        """
        name = f"{name} {kind.__qualname__}"
        with self._lock:
            found: Y | None = self._known.get(name)
            if found is None:
                found = self._read(name, kind) or self._learn(name, kind, rows)
                if found is not None:
                    self._known[name] = found
            return found

    def _learn(self, name: str, kind: type[Y], rows: Callable[[], Sequence[NDArray[Any]]]) -> Y | None:
        waiting = self._waiting.setdefault(name, [])
        waiting += rows()[: ENOUGH - len(waiting)]
        if len(waiting) < ENOUGH:
            return None
        learnt = kind.fit(waiting, np.random.default_rng(0))
        path = self._path(name)
        if path is not None and not _write(path, {"name": name, "yardstick": learnt.plain()}):
            return None
        del self._waiting[name]
        # Another process, a report of the command line, may have been first: then theirs holds.
        return learnt if path is None else self._read(name, kind)

    def _path(self, name: str) -> Path | None:
        return None if self._folder is None else self._folder / f"{blake2b(name.encode(), digest_size=12).hexdigest()}.bin"

    def _read(self, name: str, kind: type[Y]) -> Y | None:
        path = self._path(name)
        if path is None or not path.exists():
            return None
        try:
            return kind.restore(unpack(path.read_bytes())["yardstick"])
        except (DriftlineError, OSError, KeyError, TypeError, ValueError) as error:
            _log.error("%s: the yardstick of %s cannot be read (%s); it is learnt anew: build its reference anew", path, name, error)
            path.unlink(missing_ok=True)
            return None


def _write(path: Path, content: Plain) -> bool:
    """Put a new file there, unless there is one; return whether there is one now."""
    fresh = path.with_suffix(f".{getpid()}.new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with fresh.open("wb") as file:
            file.write(pack(content))
            file.flush()
            fsync(file.fileno())
        try:
            path.hardlink_to(fresh)
        except FileExistsError:
            pass
        except OSError:
            # Shares mounted from elsewhere often have no hard links.
            if not path.exists():
                fresh.replace(path)
        fresh.unlink(missing_ok=True)
    except OSError as error:
        _log.error("%s: the yardstick of %s cannot be written: %s", path, content["name"], error.strerror)
        return False
    return True


@dataclass(frozen=True, slots=True)
class Own:
    """The yardsticks of one enricher of one endpoint."""

    yardsticks: Yardsticks
    owner: str

    def measure(self, column: str, kind: type[Y], rows: Callable[[], Sequence[NDArray[Any]]]) -> Y | None:
        """See Yardsticks.measure."""
        return self.yardsticks.measure(f"{self.owner}/{column}", kind, rows)


@lru_cache(maxsize=16)
def kept_in(state: Path) -> Yardsticks:
    """Return the yardsticks of a state folder: in one process always the same object, whoever asks."""
    return Yardsticks(state / FOLDER)
