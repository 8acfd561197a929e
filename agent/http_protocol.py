"""uvicorn's HTTP protocol with bounds it does not have: on a request's head, and on connections that wait for nothing."""

import asyncio
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 16 * 1024
HEAD_LINES = 64
HEAD_SECONDS = 5.0
RETRY_SECONDS = 5
REFUSED = 64
"""Connections beyond the limit that are told to come back; what is beyond them too is cut off."""


class BoundedProtocol(HttpToolsProtocol):
    """Answers 431 to a head beyond 16 KiB or 64 headers, and 408 to one that takes longer than 5 seconds.

    `limit_concurrency` bounds the connections. When one more comes, that which has been idle longest makes room: most
    clients keep theirs for the next time. Where none is idle, the new one is answered 503 with `Retry-After`.
    """

    _head_bytes = 0
    _in_head = True
    _quiet_since = 0.0
    _refusal: HTTPStatus | None = None
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        """Find room, and start waiting for the first request's head."""
        super().connection_made(transport)
        # uvicorn's own check would count those that are idle.
        most, self.limit_concurrency = self.limit_concurrency, None
        self._quiet_since = self.loop.time()
        self._wait_for_head()
        if most is not None:
            self._find_room(most)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; what is still a head afterwards counts against its bound."""
        super().data_received(data)
        if self._in_head and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0
        if self._deadline is None:
            self._wait_for_head()

    def on_headers_complete(self) -> None:
        """End a request's head: its size is known now, also where it came in one piece with its body."""
        self._in_head, self._head_bytes = False, 0
        self._stop_waiting()
        size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size > HEAD_BYTES or len(self.headers) > HEAD_LINES:
            self._refusal = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            # The parser turns this into its own error, and uvicorn into `send_400_response`.
            raise ValueError("head too large")
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """Be idle, unless the next request is there."""
        self._quiet_since = self.loop.time()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the timer go."""
        self._stop_waiting()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the phrase says it
        """Answer what cannot be a request."""
        self._refuse(self._refusal or HTTPStatus.BAD_REQUEST)

    @property
    def _idle(self) -> bool:
        return not self._head_bytes and not self.pipeline and (self.cycle is None or self.cycle.response_complete)

    def _find_room(self, most: int) -> None:
        others = [
            one for one in self.connections if isinstance(one, BoundedProtocol) and one is not self and not one.transport.is_closing()
        ]
        if len(others) < most:
            return
        idle = min((one for one in others if one._idle), key=lambda one: one._quiet_since, default=None)  # noqa: SLF001 - of this class
        if idle is not None:
            idle.transport.close()
        elif len(others) < most + REFUSED:
            self.app = _busy
        else:
            self.transport.abort()

    def _wait_for_head(self) -> None:
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._refuse, HTTPStatus.REQUEST_TIMEOUT)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: HTTPStatus) -> None:
        self._stop_waiting()
        if not self.transport.is_closing():
            text = f"{status.phrase}\n".encode()
            head = (
                f"HTTP/1.1 {status} {status.phrase}\r\ncontent-type: text/plain\r\ncontent-length: {len(text)}\r\nconnection: close\r\n\r\n"
            )
            self.transport.write(head.encode() + text)
            self.transport.close()


async def _busy(_scope: Any, _receive: Any, send: Any) -> None:
    """Tell a client to come back."""
    text = f"{HTTPStatus.SERVICE_UNAVAILABLE.phrase}\n".encode()
    headers = [
        (b"content-type", b"text/plain"),
        (b"content-length", str(len(text)).encode()),
        (b"retry-after", str(RETRY_SECONDS).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": HTTPStatus.SERVICE_UNAVAILABLE, "headers": headers})
    await send({"type": "http.response.body", "body": text})
