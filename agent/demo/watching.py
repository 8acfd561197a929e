"""Looks at a running agent from outside: the page it shows, the events it wrote, what it costs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
from prometheus_client.parser import text_string_to_metric_families

from agent.errors import Unavailable


@dataclass(slots=True)
class Watching:
    """One agent with the sinks `prometheus` and `json_lines`."""

    url: str
    """Address of its /metrics."""
    events: Path
    """The file its sink json_lines writes."""
    _read: int = 0
    _rest: bytes = b""
    _client: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, timeout=10))

    def page(self) -> str:
        """Return /metrics as Prometheus would see it. Raises Unavailable."""
        try:
            return self._client.get(self.url).raise_for_status().text
        except httpx.HTTPError as error:
            raise Unavailable(f"demo: {self.url} does not answer: {error}") from error

    def new_events(self) -> list[Mapping[str, Any]]:
        """Return the alerts and changes written since the last call."""
        if not self.events.exists():
            return []
        with self.events.open("rb") as file:
            file.seek(self._read)
            fresh = file.read()
        self._read += len(fresh)
        *lines, self._rest = (self._rest + fresh).split(b"\n")
        return [found for line in lines if line and (found := orjson.loads(line))["type"] == "event"]

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()


def total(page: str, name: str, **labels: str) -> float:
    r"""Return the sum of a metric's samples that carry these labels.

    >>> total('a_total{b="1",c="x"} 2\na_total{b="1",c="y"} 3\n', "a_total", b="1")
    5.0
    """
    wanted = labels.items()
    samples = (sample for family in text_string_to_metric_families(page) for sample in family.samples)
    return float(sum(sample.value for sample in samples if sample.name == name and wanted <= sample.labels.items()))


@dataclass(frozen=True, slots=True)
class Cost:
    """What watching cost since the agent was ready."""

    cpu: float
    """Seconds of CPU."""
    memory: float
    """MB of resident memory, at the end."""
    calls: float
    seconds: float
    """Wall-clock time."""

    @property
    def per_thousand(self) -> float:
        """CPU seconds per 1,000 calls; the windows, files and pages between the calls are in it."""
        return 1000 * self.cpu / self.calls
