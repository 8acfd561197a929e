"""A copy of a configuration that reaches nothing beyond this machine, and the process that runs it until it is killed."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from agent.config import Config, Endpoint
from agent.config_schema import written
from agent.doctor.receiver import Receiver
from agent.errors import Unavailable
from agent.sources.azureml_blobs import AzuremlBlobs
from agent.sources.collector import Collector
from agent.sources.files import Files
from agent.sources.labels import LabelIntake
from agent.sources.otlp.source import Otlp

TOKEN = "rehearsal-of-no-value"  # noqa: S105 - made for a listener that lives half a minute
_PATIENCE = 60.0
"""Seconds until the copy has to be ready."""
_KEPT_ROWS = 200


@dataclass(frozen=True, slots=True)
class Place:
    """Where the copy lives."""

    folder: Path
    outside: Receiver
    ports: dict[str, int]
    """`page`, and `NAME.http` or `NAME.grpc` of each listener."""

    def port(self, name: str) -> int:
        """Return the port of a listener."""
        return self.ports.setdefault(name, _free_port())

    @property
    def inbox(self) -> Path:
        """Where label files are put."""
        return self.folder / "given" / "labels"

    def files(self, endpoint: str) -> Path:
        """Return the folder of an endpoint's files."""
        return self.folder / "given" / "files" / endpoint.replace("/", "_")


def copy(config: Config, place: Place) -> dict[str, Any]:
    """Return a configuration with the same sources, endpoints, content modes and judges; stranger's sources are left out."""
    key = "00000000-0000-0000-0000-000000000001"
    sinks: dict[str, Any] = {
        "prometheus": {"listen": f"127.0.0.1:{place.port('page')}"},
        "json_lines": {"path": str(place.folder / "lines.jsonl")},
        "azure_monitor": {"connection_string": f"InstrumentationKey={key};IngestionEndpoint={place.outside.url}/"},
    }
    endpoints = {one.name: _endpoint(one, place) for one in config.endpoints.values() if one.source is None or pulled(one) is not None}
    return {
        "version": 1,
        "state": str(place.folder / "state"),
        "interval": "1s",
        "sources": {name: given for name, source in config.sources.items() if (given := _listener(name, source, place)) is not None},
        "endpoints": endpoints,
        "sinks": sinks,
        "notifiers": {"webhook": {"url": f"{place.outside.url}/hook"}},
        "paging": "agent",
    }


def pulled(endpoint: Endpoint) -> Files | AzuremlBlobs | None:
    """Return the source an endpoint has of its own, where it can be rehearsed."""
    return endpoint.source if isinstance(endpoint.source, Files | AzuremlBlobs) else None


def _listener(name: str, source: Any, place: Place) -> dict[str, Any] | None:
    if isinstance(source, LabelIntake):
        given: dict[str, Any] = {"token": TOKEN, "http": f"127.0.0.1:{place.port(f'{name}.http')}"}
        return given | ({"folder": str(place.inbox), "every": "1s", "settle": "0s"} if source.folder is not None else {})
    if isinstance(source, Otlp):
        return {kind: None if getattr(source, kind) is None else f"127.0.0.1:{place.port(f'{name}.{kind}')}" for kind in ("http", "grpc")}
    if isinstance(source, Collector):
        given = {"http": f"127.0.0.1:{place.port(f'{name}.http')}", "collections": list(source.collections)}
        return given | ({} if source.endpoint is None else {"endpoint": source.endpoint})
    return None


def _endpoint(endpoint: Endpoint, place: Place) -> dict[str, Any]:
    one: dict[str, Any] = {
        "window": "2s",
        "allowed_lateness": "0s",
        "timezone": endpoint.timezone,
        "content": endpoint.content,
        "sample": endpoint.sample,
        "keep_rows": max(endpoint.keep_rows, _KEPT_ROWS),
        "columns": _options(endpoint.columns),
        "redact": {"keep": list(endpoint.redact.keep), "patterns": dict(endpoint.redact.patterns)},
    }
    if endpoint.match:
        one["match"] = dict(endpoint.match)
    if endpoint.labels is not None:
        one["labels"] = {}
    if endpoint.enrichers is not None:
        one["enrichers"] = {name: _options(enricher) for name, enricher in endpoint.enrichers.enrichers.items()}
    if endpoint.judge is not None:
        judge = endpoint.judge
        one["judge"] = {
            "kind": judge.kind,
            "url": f"{place.outside.url}/v1",
            "model": judge.model,
            "evaluators": list(judge.evaluators),
            "calls": judge.calls,
            "events": judge.events,
        }
    if endpoint.content_safety is not None:
        checks = endpoint.content_safety
        one["content_safety"] = {"endpoint": place.outside.url, "checks": list(checks.checks), "calls": checks.calls}
    source = pulled(endpoint)
    if isinstance(source, Files):
        pattern = str(place.files(endpoint.name) / "*")
        one["source"] = {"files": {"path": pattern, "format": source.format, "settle": "1s", "every": "1s"}}
    elif source is not None:
        moved = {"account": None, "account_url": None, "connection_string": place.outside.connection_string, "every": "1s"}
        one["source"] = {"azureml_blobs": {name: value for name, value in (_options(source) | moved).items() if value is not None}}
    return one


def _options(component: Any) -> dict[str, Any]:
    """Return what was set of a component, as one writes it in the file."""
    given = {item.name: getattr(component, item.name) for item in fields(component) if item.init}
    usual = {item.name: item.default for item in fields(component) if item.default is not MISSING}
    return {name: written(value) for name, value in given.items() if name not in usual or usual[name] != value}


@contextmanager
def agent(place: Place, environment: Mapping[str, str]) -> Iterator[list[str]]:
    """Run the copy until the block ends, then kill it, so that its files are as a crash leaves them; yield the lines it says.

    Raises Unavailable where it does not start.
    """
    command = [sys.executable, "-P", "-m", "agent", "run", "-c", str(place.folder / "driftline.yaml"), "--log-level", "debug"]
    process = subprocess.Popen(  # noqa: S603 (our own module)
        command, stderr=subprocess.PIPE, text=True, env=dict(environment)
    )
    lines: list[str] = []
    ready = threading.Event()

    def follow() -> None:
        for line in process.stderr or ():
            lines.append(line)
            if "ready:" in line:
                ready.set()
        ready.set()

    reader = threading.Thread(target=follow, daemon=True)
    reader.start()
    try:
        if not ready.wait(_PATIENCE) or process.poll() is not None:
            raise Unavailable(
                f"doctor --leaks: the copy of the configuration did not start: {lines[-1].strip() if lines else 'it said nothing'}"
            )
        yield lines
    finally:
        process.kill()
        process.wait()
        reader.join(5)
        if process.stderr is not None:
            process.stderr.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
