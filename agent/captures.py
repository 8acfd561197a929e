"""Recorded exports of clients, decoded: what of each call a dialect carries."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from agent.config import Endpoint
from agent.sources.otlp import trace_message
from agent.sources.otlp.decode_logs import decode_logs
from agent.sources.otlp.decode_traces import decode_traces
from agent.sources.otlp.join import Joiner
from agent.sources.otlp.merge import Row, rows_of
from detectors.types import Batch

INDEX = "captures.index"
"""JSON in the folder of the captures, no capture itself: which clients, which versions, which calls were made."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One call that clients were made to make."""

    what: str
    """In words."""
    filters: Sequence[str]
    """Directions whose filter results Azure sends with it."""
    stream: bool = False
    fails: str = ""
    """The type of its error."""


@dataclass(frozen=True, slots=True)
class Capture:
    """What one client exported."""

    client: str
    versions: str
    azure: bool
    """Whether the endpoint was one of Azure, which sends filter results with every answer."""
    calls: Sequence[str]
    """Names of kinds of calls, in the order they ended."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Captures:
    """All of a folder."""

    folder: Path
    kinds: Mapping[str, Kind]
    captures: Mapping[str, Capture]
    """By the name their files begin with."""
    model: str
    """What answered, embeddings apart."""
    missing: Mapping[str, str] = field(default_factory=dict)
    """Clients of which there is none, and why."""

    @classmethod
    def of(cls, folder: Path) -> "Captures":
        """Read the index of a folder. Raises OSError where there is none."""
        index = json.loads((folder / INDEX).read_text("utf-8"))
        kinds = {name: Kind(**kind) for name, kind in index["calls"].items()}
        return cls(
            folder, kinds, {name: Capture(**capture) for name, capture in index["captures"].items()}, index["model"], index["missing"]
        )

    def batches(self, name: str) -> list[Batch]:
        """Return the calls of a capture as the agent counts them: decoded with their text, the parts of a call joined."""
        joiner = Joiner(lambda _reason, _count: None)
        ready: list[Batch] = []
        for batch in self._decoded(name):
            ready += joiner.push(batch, 0.0)
        return [batch for batch in (*ready, *joiner.due(float("inf"))) if batch.kind == "calls"]

    def rows(self, name: str) -> list[Row]:
        """Return the calls of a capture in the order they ended, a dict of columns each."""
        found = [row for batch in self.batches(name) for row in rows_of(batch, np.arange(batch.rows))]
        return sorted(found, key=lambda row: row["time"])

    def _decoded(self, name: str) -> Sequence[Batch]:
        found: list[Batch] = []
        if (logs := self.folder / f"{name}.logs.pb").is_file():
            found += decode_logs(ExportLogsServiceRequest.FromString(logs.read_bytes()), _ONE, content=True).batches
        traces = trace_message.parse((self.folder / f"{name}.traces.pb").read_bytes())
        return [*found, *decode_traces(traces, _ONE, content=True).batches]


class _One:
    """Everything is one endpoint."""

    def route(self, _resource: Mapping[str, str], _host: str) -> Endpoint:
        """Return it."""
        return Endpoint("captured")


_ONE = _One()
