"""What every listener of the agent bears: endless, slow and broken heads, over real sockets."""

import asyncio
import http.client
import socket
import threading
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, closing

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


def held(application: Callable[[Scope, Receive, Send], Awaitable[None]], most: int, talk: Callable[[int], None]) -> None:
    """Serve at most so many connections while a client talks to the port."""

    async def run() -> None:
        async with serve(application, "127.0.0.1", 0, "test", connections=most) as port:
            await asyncio.to_thread(talk, port)

    asyncio.run(run())


def connect(port: int) -> http.client.HTTPConnection:
    """Return a client's connection."""
    return http.client.HTTPConnection("127.0.0.1", port, timeout=7)


def ask(connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
    """Send a request and read its answer."""
    connection.request("GET", "/")
    found = connection.getresponse()
    found.read()
    return found


def test_idle_connections_make_room() -> None:
    """Clients that keep their connections shut nobody out: the one that was idle longest goes, the others stay."""

    def talk(port: int) -> None:
        kept = [connect(port) for _ in range(4)]
        with ExitStack() as stack:
            for each in kept:
                stack.callback(each.close)
                assert ask(each).status == 200
            assert ask(kept[0]).status == 200
            assert ask(stack.enter_context(closing(connect(port)))).status == 200
            sockets = [each.sock for each in kept]
            assert kept[1].sock.recv(1) == b""
            assert [ask(kept[index]).status for index in (0, 2, 3)] == [200] * 3
            # Over the same connections as before.
            assert [kept[index].sock for index in (0, 2, 3)] == [sockets[index] for index in (0, 2, 3)]

    held(hello, 4, talk)


def test_silent_connections_make_room() -> None:
    """Those that never said anything neither."""

    def talk(port: int) -> None:
        with ExitStack() as stack:
            for _ in range(4):
                stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            assert ask(stack.enter_context(closing(connect(port)))).status == 200

    held(hello, 4, talk)


def test_too_many_requests_at_a_time_are_told_when_to_come_back() -> None:
    """While every connection has a request in flight one more gets 503 with Retry-After, and each of the others its answer."""
    arrived, done = threading.Semaphore(0), threading.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        arrived.release()
        await asyncio.to_thread(done.wait, 7)
        await hello(scope, receive, send)

    def talk(port: int) -> None:
        with ExitStack() as stack:
            busy = [stack.enter_context(closing(connect(port))) for _ in range(3)]
            for each in busy:
                each.request("GET", "/")
            assert all(arrived.acquire(timeout=7) for _ in busy)
            refused = ask(stack.enter_context(closing(connect(port))))
            assert (refused.status, refused.headers["retry-after"], refused.headers["connection"]) == (503, "5", "close")
            done.set()
            assert [each.getresponse().status for each in busy] == [200] * 3
            assert ask(stack.enter_context(closing(connect(port)))).status == 200

    held(slow, 3, talk)
