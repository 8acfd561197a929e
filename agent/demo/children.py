"""Processes of the demo: started, listened to, and ended whatever happens."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from agent.errors import Unavailable

_PATIENCE = 10.0
"""Seconds a process has to end by itself."""


@dataclass(slots=True, eq=False)
class Child:
    """A process whose output goes to a file and can be waited for, line by line."""

    name: str
    process: subprocess.Popen[str]
    log: Path
    lines: list[str] = field(default_factory=list)
    _said: threading.Condition = field(default_factory=threading.Condition)
    _ended: bool = False

    def wait_for(self, text: str, timeout: float) -> str:
        """Return the first line with `text`. Raises Unavailable when the process ends or stays silent."""

        def found() -> str | None:
            return next((line for line in self.lines if text in line), None)

        with self._said:
            self._said.wait_for(lambda: self._ended or found() is not None, timeout)
            line = found()
        if line is None:
            last = self.lines[-1] if self.lines else "it said nothing"
            raise Unavailable(f"demo: {self.name} did not start; see {self.log}: {last}")
        return line

    def tell(self, word: str) -> None:
        """Write a line to its input."""
        if self.process.stdin is not None:
            self.process.stdin.write(f"{word}\n")
            self.process.stdin.flush()

    def follow(self, stream: IO[str]) -> None:
        """Read to the end of the stream; runs in a thread of its own."""
        with self.log.open("w", encoding="utf-8") as file:
            for line in stream:
                file.write(line)
                file.flush()
                with self._said:
                    self.lines.append(line.rstrip("\n"))
                    self._said.notify_all()
        with self._said:
            self._ended = True
            self._said.notify_all()


class Children:
    """Ends every process it started when the block ends, by Ctrl-C and by an error too."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        """`folder` takes what they say, as NAME.log; `environment` is what they inherit, proxies and exporters apart."""
        self._folder = folder
        self._inherited = {
            key: value for key, value in environment.items() if not key.upper().endswith("_PROXY") and not key.startswith("OTEL_")
        }
        self._running: list[tuple[Child, threading.Thread]] = []
        self._lock = threading.Lock()
        self._over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def start(self, name: str, module: Sequence[str], environment: Mapping[str, str]) -> Child:
        """Start `python -m MODULE …`; `environment` adds to what it inherits. Raises Unavailable once the block has ended."""
        with self._lock:
            if self._over:
                raise Unavailable(f"demo: {name} is not started any more, the demo ends")
            process = subprocess.Popen(  # noqa: S603 (our own modules)
                # Not the current folder first: a file there may have the name of a module.
                [sys.executable, "-P", "-m", *module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                env={**self._inherited, "DO_NOT_TRACK": "1", "PYTHONUNBUFFERED": "1", **environment},
                # Ctrl-C is for us; we end them in order.
                process_group=0,
            )
            child = Child(name, process, self._folder / f"{name}.log")
            reader = threading.Thread(target=child.follow, args=(process.stdout,), daemon=True)
            reader.start()
            self._running.append((child, reader))
        return child

    def stop(self) -> None:
        """End all of them, the last started first: by SIGTERM, and by SIGKILL where that is not heard."""
        with self._lock:
            self._over = True
        while self._running:
            child, reader = self._running.pop()
            with suppress(OSError):
                # Its own children too: the report is drawn by a worker.
                os.killpg(child.process.pid, signal.SIGTERM)
            try:
                child.process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                with suppress(OSError):
                    os.killpg(child.process.pid, signal.SIGKILL)
                child.process.wait()
            reader.join(_PATIENCE)
            for stream in (child.process.stdin, child.process.stdout):
                if stream is not None:
                    with suppress(OSError):
                        stream.close()
