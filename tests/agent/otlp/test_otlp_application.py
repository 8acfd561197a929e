"""The ASGI application by itself, where timing over a socket would be left to chance."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from agent.config import Endpoint
from agent.series import Series
from agent.sources import Context
from agent.sources.otlp.http import Application
from agent.sources.otlp.limits import Limits
from agent.sources.otlp.receive import Receiver
from detectors.types import Batch

SCOPE = {"type": "http", "method": "POST", "path": "/v1/traces", "headers": [(b"content-type", b"application/json")]}


class Surroundings:
    """Clock, router and spool in one."""

    def now(self) -> datetime:
        """Return the time."""
        return datetime.now(UTC)

    def route(self, _resource: dict[str, str], _host: str) -> Endpoint:
        """Return the only endpoint."""
        return Endpoint("chat")

    async def emit(self, batches: Sequence[Batch], source: str) -> None:
        """Take batches."""


def _application(limits: Limits) -> Application:
    around = Surroundings()
    return Application(Receiver(Context("otlp", around, None, Series(), around), around.emit, limits), None)


async def _answer(application: Application, chunks: "asyncio.Queue[dict[str, Any]]") -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def send(event: Any) -> None:
        sent.append(event)

    await application(SCOPE, chunks.get, send)
    return sent


def _chunk(body: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


async def _two() -> tuple[int, int, int]:
    application = _application(Limits(in_flight=10))
    first, second, third = (asyncio.Queue[dict[str, Any]]() for _ in range(3))
    first.put_nowait(_chunk(b" " * 8, more=True))
    waiting = asyncio.create_task(_answer(application, first))
    await asyncio.sleep(0)
    second.put_nowait(_chunk(b" " * 8))
    refused = await _answer(application, second)
    first.put_nowait(_chunk(b"{}"))
    accepted = await waiting
    third.put_nowait(_chunk(b"      {}"))
    return refused[0]["status"], accepted[0]["status"], (await _answer(application, third))[0]["status"]


def test_bodies_in_flight_share_a_bound() -> None:
    """While one body fills the bound the next is told to come back; once it is done there is room again."""
    assert asyncio.run(_two()) == (503, 200, 200)


async def _gone() -> list[dict[str, Any]]:
    chunks = asyncio.Queue[dict[str, Any]]()
    chunks.put_nowait(_chunk(b"{", more=True))
    chunks.put_nowait({"type": "http.disconnect"})
    return await _answer(_application(Limits()), chunks)


def test_a_client_that_leaves_gets_no_answer() -> None:
    """A connection that ends in the middle of a body is no error."""
    assert asyncio.run(_gone()) == []
