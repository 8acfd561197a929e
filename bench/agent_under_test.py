"""The real `driftline run` as the benches start it: Azure sink, OTLP over HTTP and gRPC, Prometheus, a fresh state folder."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fakes.agent_process import AgentProcess, free_port
from tests.fakes.breeze import Breeze

CONFIG = """
version: 1
interval: {interval}
sources:
  otlp: {{http: "127.0.0.1:{http}", grpc: "127.0.0.1:{grpc}"}}
endpoints:
  chat: {{window: {window}, allowed_lateness: 5s{more}}}
sinks:
  azure_monitor: {{connection_string: "${{env:CONNECTION}}"}}
  prometheus: {{listen: "127.0.0.1:{metrics}"}}
"""


@contextmanager
def agent(
    *, window: str = "15m", interval: str = "60s", more: str = "", environment: dict[str, str] | None = None
) -> Iterator[tuple[AgentProcess, Breeze]]:
    """Yield an agent, not yet started, and the ingestion endpoint its Azure sink sends to; the agent is stopped at the end.

    `more` are further options of its endpoint, such as `content: features`.
    """
    ports = {name: free_port() for name in ("http", "grpc", "metrics")}
    # On the disk of the project, not in memory: the spool's syncs are part of what is measured.
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder, Breeze().serve() as breeze:
        text = CONFIG.format(window=window, interval=interval, more=more and f", {more}", **ports)
        variables = {**(environment or {}), "CONNECTION": breeze.connection_string}
        started = AgentProcess(Path(folder), text, ports["metrics"], variables, ports)
        try:
            yield started, breeze
        finally:
            started.stop()
