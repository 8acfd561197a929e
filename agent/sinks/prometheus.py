"""The page Prometheus scrapes. Pulled, so it always shows the present; what is stale is not on it."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from agent.address import checked
from agent.listen import Application, Receive, Scope, Send, address, serve
from agent.point import Point
from agent.sinks.exposition import expose


@dataclass(frozen=True, slots=True)
class Prometheus:
    """Options of the sink `prometheus`."""

    listen: str = "127.0.0.1:9464"
    """host:port of /metrics; 0 as port takes a free one."""
    allow_insecure: bool = False
    """Allow an address other machines can reach; the page names endpoints and deployments, never content."""

    def check(self) -> None:
        """Raise ConfigError for an address that cannot be listened on as configured."""
        checked(self.listen, "listen", allow_insecure=self.allow_insecure)

    def serve(self, collect: Callable[[], Sequence[Point]]) -> AbstractAsyncContextManager[int]:
        """Serve until the block ends; yields the port. Raises ConfigError or Unavailable."""
        host, port = address(self.listen, "sinks.prometheus.listen", allow_insecure=self.allow_insecure)
        return serve(_page(collect), host, port, "sinks.prometheus.listen")


def _page(collect: Callable[[], Sequence[Point]]) -> Application:
    async def page(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - a GET has no body
        if scope["path"] != "/metrics":
            await _answer(send, 404, b"driftline serves /metrics here\n", "text/plain; charset=utf-8")
        elif scope["method"] not in {"GET", "HEAD"}:
            await _answer(send, 405, b"", "text/plain; charset=utf-8", [(b"allow", b"GET, HEAD")])
        else:
            accept = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"accept"), "")
            body, content_type = await asyncio.to_thread(lambda: expose(collect(), accept))
            await _answer(send, 200, b"" if scope["method"] == "HEAD" else body, content_type)

    return page


async def _answer(send: Send, status: int, body: bytes, content_type: str, more: Sequence[tuple[bytes, bytes]] = ()) -> None:
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode()), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
