"""The source `otlp`: options, and the listeners they lead to."""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt

from agent.errors import ConfigError
from agent.sources import Context, Emit
from agent.sources.otlp.address import Address, parse_address
from agent.sources.otlp.http import serve_http
from agent.sources.otlp.limits import Limits
from agent.sources.otlp.receive import Receiver

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
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

    @asynccontextmanager
    async def listen(self, context: Context, emit: Emit) -> AsyncIterator[None]:
        """Accept until the block ends. Raises ConfigError for an unsafe or unreadable address, Unavailable for a taken one."""
        receiver = Receiver(context, emit, self.limits())
        http = self._address(context, "http", self.http)
        if http is None:
            raise ConfigError(f"sources.{context.name}: give http or grpc an address to listen on, such as http: 127.0.0.1:4318")
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(serve_http(http, receiver, self._hosts(http)))
            yield

    def limits(self) -> Limits:
        """Return the limits of a request."""
        return Limits(body=self.max_body, decoded=self.max_decoded, items=self.max_items, body_seconds=self.body_timeout)

    def _address(self, context: Context, key: str, text: str | None) -> Address | None:
        if text is None:
            return None
        name = f"sources.{context.name}.{key}"
        address = parse_address(name, text)
        if not address.loopback:
            if not self.allow_insecure:
                raise ConfigError(
                    f"{name}: {text} can be reached from other machines, without TLS or authentication. "
                    "Listen on 127.0.0.1, or set allow_insecure: true"
                )
            _LOG.warning("%s: %s can be reached from other machines, without TLS or authentication", name, text)
        return address

    def _hosts(self, address: Address) -> frozenset[str] | None:
        if address.loopback or self.allowed_hosts:
            return _LOOPBACK | {address.host.lower()} | {name.lower() for name in self.allowed_hosts}
        return None
