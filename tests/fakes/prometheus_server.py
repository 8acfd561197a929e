"""A real Prometheus that scrapes one agent and evaluates one rule file."""

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.fakes.agent_process import free_port


@dataclass
class PrometheusServer:
    """Asks its API."""

    root: str

    def alerts(self) -> list[dict[str, Any]]:
        """Return pending and firing alerts."""
        with httpx.Client(trust_env=False, timeout=5) as client:
            found: list[dict[str, Any]] = client.get(f"{self.root}/api/v1/alerts").json()["data"]["alerts"]
        return found

    def until(self, true: Callable[[list[dict[str, Any]]], bool], timeout: float = 40.0) -> list[dict[str, Any]]:
        """Return the alerts once `true` says so. Raises TimeoutError with the last ones."""
        deadline, pause = time.monotonic() + timeout, threading.Event()
        while True:
            try:
                found = self.alerts()
            except httpx.HTTPError:
                found = []
            if true(found):
                return found
            if time.monotonic() > deadline:
                raise TimeoutError(str(found))
            pause.wait(0.2)


@contextmanager
def prometheus(program: str, folder: Path, scraped: int, rules: str) -> Iterator[PrometheusServer]:
    """Run it until the block ends, scraping and evaluating every second."""
    port = free_port()
    (folder / "rules.yml").write_text(rules)
    (folder / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
        "rule_files: [rules.yml]\n"
        f"scrape_configs: [{{job_name: driftline, static_configs: [{{targets: ['127.0.0.1:{scraped}']}}]}}]\n"
    )
    server = subprocess.Popen(
        [
            program,
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
        ]
    )
    try:
        yield PrometheusServer(f"http://127.0.0.1:{port}")
    finally:
        server.terminate()
        server.wait()
