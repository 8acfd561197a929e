"""One process a state folder: a lock that ends with the process, however it ends."""

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from agent.errors import Unavailable

_PAUSE = 0.05
"""Seconds between two tries."""


class Lock:
    """Holds the state folder inside a `with` block; the folder is made with mode 0700 if need be.

    `patience` is how many seconds to wait for another process that holds it: a command does so for a moment, an agent for good.
    """

    def __init__(self, folder: Path, patience: float = 0.0) -> None:
        self._folder = folder
        self._patience = patience
        self._descriptor = -1

    def __enter__(self) -> Self:
        """Raise Unavailable where another process holds the folder (naming its id) or the folder cannot be used."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as problem:
            raise Unavailable(f"state: {self._folder} cannot be used: {problem.strerror}") from problem
        try:
            self._take()
        except Unavailable:
            os.close(self._descriptor)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Let the next process in."""
        os.close(self._descriptor)

    def _take(self) -> None:
        deadline = time.monotonic() + self._patience
        while not self._taken(last=time.monotonic() >= deadline):
            time.sleep(_PAUSE)
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def _taken(self, *, last: bool) -> bool:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            if not last:
                return False
            holder = os.pread(self._descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
            message = f"state: {self._folder} is in use by process {holder}; stop it, or give this one another `state` folder"
            raise Unavailable(message) from problem
        except OSError as problem:
            message = f"state: {self._folder} cannot be locked: {problem.strerror}; use a local file system"
            raise Unavailable(message) from problem
        return True
