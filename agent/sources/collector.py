"""The wire format of Azure ML's data collector on a local port: what `azureml-ai-monitoring` posts, in any server."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from agent.address import checked
from agent.listen import address, serve
from agent.rows.table import COLLECTIONS
from agent.sources import Context, Emit
from agent.sources.collector_http import PATH, CollectorApplication
from agent.sources.collector_intake import CollectorIntake

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Collector:
    """Takes the place of Azure ML's own collector agent beside a model server."""

    http: str = "127.0.0.1:50011"
    """Address to listen on; the default is where `azureml-ai-monitoring` sends."""
    endpoint: str | None = None
    """Told to `match` as `driftline.endpoint`. Beside it count the `ce-` headers a server adds, without `ce-`."""
    collections: tuple[str, ...] = COLLECTIONS
    """Names of the collections of inputs and outputs, or of the only one."""
    allow_insecure: bool = False
    """Listen beyond this machine without TLS or authentication. Anyone who reaches the port can then send data."""
    allowed_hosts: tuple[str, ...] = ()
    """Names besides localhost that clients may call a loopback listener by (Host header)."""
    max_body: Annotated[int, Ge(1024)] = 20 * 2**20
    """Bytes of a request."""

    def __post_init__(self) -> None:
        if len(self.collections) not in {1, 2} or len(set(self.collections)) < len(self.collections):
            raise ValueError("collections must name inputs and outputs, or one collection of whole rows")

    def check(self) -> None:
        """Raise ConfigError for an address that cannot be listened on as configured."""
        checked(self.http, "http", allow_insecure=self.allow_insecure)

    @asynccontextmanager
    async def listen(self, context: Context, emit: Emit) -> AsyncIterator[None]:
        """Accept until the block ends. Raises ConfigError for an unsafe or unreadable address, Unavailable for a taken one."""
        key = f"sources.{context.name}.http"
        host, port = address(self.http, key, allow_insecure=self.allow_insecure)
        # Only a loopback listener can be reached through a browser's rebound name; others have names we do not know.
        hosts = _LOOPBACK | {name.lower() for name in self.allowed_hosts} if host in _LOOPBACK or self.allowed_hosts else None
        intake = CollectorIntake(context, emit, self.collections, self.endpoint)
        async with serve(CollectorApplication(intake, self.max_body, hosts), host, port, key):
            _LOG.info("%s: listening on http://%s%s", context.name, self.http, PATH)
            yield
