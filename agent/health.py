"""Answers the probes of an orchestrator: alive, and ready to take telemetry."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from agent.listen import Receive, Scope, Send, address, serve


@dataclass(slots=True)
class Health:
    """`/healthz` is 200 while the engine's thread lives; `/readyz` is 503 until listeners accept and once the agent stops."""

    listen: str | None
    alive: Callable[[], bool]
    ready: bool = False

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[None]:
        """Serve until the block ends; nothing at all where no address is configured."""
        if self.listen is None:
            yield
            return
        host, port = address(self.listen, "health")
        async with serve(self._answer, host, port, "health"):
            yield

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - probes send no body
        state = {"/healthz": self.alive(), "/readyz": self.ready and self.alive()}.get(scope["path"])
        status, body = (404, b"/healthz or /readyz\n") if state is None else ((200, b"ok\n") if state else (503, b"no\n"))
        headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
