"""Serves an ASGI application on one address: loopback only unless told otherwise, no access log, no signal handlers."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

from agent.address import checked, is_loopback
from agent.errors import Unavailable
from agent.http_protocol import BoundedProtocol

CONNECTIONS = 256

_log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def address(listen: str, key: str, *, allow_insecure: bool | None = None) -> tuple[str, int]:
    """Split `host:port` to listen there. Raises ConfigError as `checked` does; warns where the address is an open one."""
    host, port = checked(listen, key, allow_insecure=allow_insecure)
    if not is_loopback(host):
        _log.warning("%s listens on %s without TLS or authentication", key, host)
    return host, port


@contextlib.asynccontextmanager
async def serve(application: Application, host: str, port: int, key: str, *, connections: int = CONNECTIONS) -> AsyncIterator[int]:
    """Accept until the block ends, then finish the requests in flight (at most 5 s). Yields the port.

    `connections` are held at a time, as `BoundedProtocol` says. Raises Unavailable when the address is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise Unavailable(f"{key}: cannot listen on {host}:{port}: {error.strerror}; is another agent or collector running?") from error
    server = _Server(
        uvicorn.Config(
            application,
            # A bound method looks like an older kind of application to uvicorn.
            interface="asgi3",
            log_config=None,
            access_log=False,
            http=BoundedProtocol,
            ws="none",
            lifespan="off",
            server_header=False,
            # Who a client says it speaks for is nothing to us.
            proxy_headers=False,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=5,
            limit_concurrency=connections,
        )
    )
    task = asyncio.create_task(server.serve(sockets=[listener]), name=f"listen {key}")
    ready = asyncio.create_task(server.ready.wait())
    await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
    ready.cancel()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await task
        listener.close()


class _Server(uvicorn.Server):
    """The daemon handles signals; several servers share one process."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start accepting and say so."""
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        """Leave signals alone."""
        yield
