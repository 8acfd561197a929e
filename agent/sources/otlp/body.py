"""The body of an HTTP request as it arrives, chunk by chunk."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any, TypeAlias

Event: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Event]]
Send: TypeAlias = Callable[[Event], Awaitable[None]]


class Gone(Exception):
    """The client left before its body was complete."""


class Body:
    """Chunks of a body; remembers whether all of it was read."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._complete = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield what arrives. Raises Gone."""
        while not self._complete:
            event = await self._receive()
            if event["type"] == "http.disconnect":
                self._complete = True
                raise Gone
            self._complete = not event.get("more_body", False)
            yield event.get("body", b"")

    async def drain(self, limit: int, seconds: float) -> None:
        """Read and forget the rest, up to `limit` bytes and so many seconds."""
        forgotten = 0
        with suppress(Gone, TimeoutError):
            async with asyncio.timeout(seconds):
                async for chunk in self:
                    forgotten += len(chunk)
                    if forgotten > limit:
                        return
