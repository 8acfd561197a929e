"""Runs the real `driftline run` in a process of its own, and asks it what it shows."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

Sample = tuple[str, frozenset[tuple[str, str]]]


def free_port() -> int:
    """Return a loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class AgentProcess:
    """One agent; `text` is its configuration, written to `folder`."""

    folder: Path
    text: str
    metrics_port: int
    environment: dict[str, str] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    """For the test's own use."""
    log: list[str] = field(default_factory=list)
    _process: subprocess.Popen[str] | None = None
    _said: threading.Condition = field(default_factory=threading.Condition)

    def start(self, timeout: float = 30.0) -> float:
        """Start and wait until it says it is ready; return the seconds that took."""
        path = self.folder / "driftline.yaml"
        path.write_text(self.text)
        started = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "agent", "run", "-c", str(path)],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **self.environment},
        )
        threading.Thread(target=self._read, args=(self._process,), daemon=True).start()
        self.wait_for_line("ready:", timeout)
        return time.monotonic() - started

    def _read(self, process: subprocess.Popen[str]) -> None:
        if process.stderr is None:
            return
        with process.stderr as lines:
            for line in lines:
                with self._said:
                    self.log.append(line.rstrip())
                    self._said.notify_all()
        with self._said:
            self._said.notify_all()

    def wait_for_line(self, text: str, timeout: float = 30.0) -> str:
        """Return the first log line with `text`. Raises TimeoutError with the log."""

        def found() -> str | None:
            return next((line for line in self.log if text in line), None)

        with self._said:
            if not self._said.wait_for(lambda: found() or self.process.poll() is not None, timeout) or not found():
                raise TimeoutError(f"never said {text!r}:\n" + "\n".join(self.log))
            return found() or ""

    @property
    def process(self) -> subprocess.Popen[str]:
        """The running process."""
        if self._process is None:
            raise RuntimeError("not started")
        return self._process

    def kill(self) -> None:
        """Kill -9: nothing is flushed."""
        self.process.kill()
        self.process.wait()
        self.log.clear()

    def stop(self, timeout: float = 30.0) -> int:
        """End it as an orchestrator does; return its exit code."""
        if self._process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def scrape(self) -> str:
        """Return the page Prometheus would see."""
        with httpx.Client(trust_env=False, timeout=10) as client:
            return client.get(f"http://127.0.0.1:{self.metrics_port}/metrics").text

    def samples(self) -> dict[Sample, float]:
        """Return every sample: name and labels to value."""
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(self.scrape())
            for sample in family.samples
        }

    def total(self, name: str, **labels: str) -> float:
        """Return the sum of a metric's samples that carry these labels."""
        wanted = set(labels.items())
        return sum(value for (sample, found), value in self.samples().items() if sample == name and wanted <= found)

    def until(self, true: Callable[[], bool], timeout: float = 30.0) -> None:
        """Ask again until it is true. Raises TimeoutError with page and log."""
        deadline = time.monotonic() + timeout
        pause = threading.Event()
        while not true():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise TimeoutError(self.scrape() + "\n" + "\n".join(self.log[-30:]) if self.process.poll() is None else "\n".join(self.log))
            pause.wait(0.1)
