"""What every listener of the agent bears: endless, slow and broken heads, over real sockets."""

import asyncio
import socket
from collections.abc import Callable

import pytest

from agent.listen import Receive, Scope, Send, serve


async def hello(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - asked nothing
    """Answer 200."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


def answer(talk: Callable[[socket.socket], None]) -> bytes:
    """Return everything the server says to a client until it closes, or for 7 seconds."""

    def client(port: int) -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=7) as connection:
            try:
                talk(connection)
                heard = b""
                while part := connection.recv(4096):
                    heard += part
                    if heard.endswith(b"\r\n\r\n"):
                        break
            except (ConnectionResetError, BrokenPipeError):
                return b"closed"
            return heard

    async def run() -> bytes:
        async with serve(hello, "127.0.0.1", 0, "test") as port:
            return await asyncio.to_thread(client, port)

    return asyncio.run(run())


def say(text: bytes) -> Callable[[socket.socket], None]:
    """Return a client that sends this."""
    return lambda connection: connection.sendall(text)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", b"200", id="fine"),
        pytest.param(b"GET / HTTP/1.1\r\nx: " + b"a" * 15_000 + b"\r\n\r\n", b"200", id="large and whole"),
        pytest.param(b"GET / HTTP/1.1\r\nx: " + b"a" * 20_000 + b"\r\n\r\n", b"431", id="too large and whole"),
        pytest.param(b"GET / HTTP/1.1\r\nx: " + b"a" * 300_000, b"431", id="endless header"),
        pytest.param(b"GET /" + b"a" * 300_000, b"431", id="endless path"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"x: a\r\n" * 65 + b"\r\n", b"431", id="too many headers"),
        pytest.param(b"\x16\x03\x01\x00\xa5", b"400", id="TLS to a plain port"),
        pytest.param(b"GET / HTTP/1.1\r\nhost", b"408", id="half a head"),
        pytest.param(b"", b"408", id="nothing at all"),
    ],
)
def test_heads_are_bounded(sent: bytes, status: bytes) -> None:
    """Size and time of a request's head have an end, and the client is told which."""
    heard = answer(say(sent))

    assert heard == b"closed" or heard.split(b" ")[1] == status
