"""The source `otlp`: options, and the listeners they lead to."""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt

from agent.address import checked
from agent.errors import ConfigError
from agent.listen import address, serve
from agent.sources import Context, Emit
from agent.sources.otlp.http import Application
from agent.sources.otlp.limits import Limits
from agent.sources.otlp.receive import Receiver

_LIMITS = Limits()
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Otlp:
    """OTLP receiver for traces, logs and metrics."""

    http: str | None = "127.0.0.1:4318"
    """Address for OTLP over HTTP (protobuf and JSON, gzip or plain); null: none."""
    grpc: str | None = None
    """Address for OTLP over gRPC, such as 127.0.0.1:4317; null: none."""
    allow_insecure: bool = False
    """Listen beyond this machine without TLS or authentication. Anyone who reaches the port can then send data."""
    allowed_hosts: tuple[str, ...] = ()
    """Names besides localhost that HTTP clients may call a loopback listener by (Host header)."""
    max_body: Annotated[int, Ge(1024)] = _LIMITS.body
    """Bytes of a request as sent."""
    max_decoded: Annotated[int, Ge(1024)] = _LIMITS.decoded
    """Bytes of a request after decompression."""
    max_items: Annotated[int, Ge(1)] = _LIMITS.items
    """Spans, log records or metrics in a request."""
    body_timeout: Annotated[float, Gt(0)] = _LIMITS.body_seconds
    """Seconds a client has to send a body."""

    def check(self) -> None:
        """Raise ConfigError for an address that cannot be listened on as configured."""
        if self.http is None and self.grpc is None:
            raise ConfigError("http: give http or grpc an address to listen on, such as http: 127.0.0.1:4318")
        for option, listen in (("http", self.http), ("grpc", self.grpc)):
            if listen is not None:
                checked(listen, option, allow_insecure=self.allow_insecure)

    @asynccontextmanager
    async def listen(self, context: Context, emit: Emit) -> AsyncIterator[None]:
        """Accept until the block ends. Raises ConfigError for an unsafe or unreadable address, Unavailable for a taken one."""
        key = f"sources.{context.name}"
        if self.http is None and self.grpc is None:
            raise ConfigError(f"{key}: give http or grpc an address to listen on, such as http: 127.0.0.1:4318")
        receiver = Receiver(context, emit, self.limits())
        async with AsyncExitStack() as stack:
            if self.http is not None:
                host, port = address(self.http, f"{key}.http", allow_insecure=self.allow_insecure)
                application = Application(receiver, self._hosts(host))
                port = await stack.enter_async_context(serve(application, host, port, f"{key}.http"))
                _LOG.info("%s: OTLP over HTTP on %s:%d", key, host, port)
            if self.grpc is not None:
                from agent.sources.otlp.grpc import serve_grpc  # noqa: PLC0415 - 8 MB that HTTP alone does not need

                host, port = address(self.grpc, f"{key}.grpc", allow_insecure=self.allow_insecure)
                port = await stack.enter_async_context(serve_grpc(receiver, host, port, f"{key}.grpc"))
                _LOG.info("%s: OTLP over gRPC on %s:%d", key, host, port)
            yield

    def limits(self) -> Limits:
        """Return the limits of a request."""
        return Limits(body=self.max_body, decoded=self.max_decoded, items=self.max_items, body_seconds=self.body_timeout)

    def _hosts(self, host: str) -> frozenset[str] | None:
        """Return the names HTTP clients may call us by; None, any, where the listener is open to other machines on purpose."""
        if self.allow_insecure and not self.allowed_hosts:
            return None
        return frozenset({"localhost", "127.0.0.1", "::1", host.lower(), *(name.lower() for name in self.allowed_hosts)})
