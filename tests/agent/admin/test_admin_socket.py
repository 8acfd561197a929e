"""The admin socket: who may ask, what crosses, and that no client can harm the agent."""

import asyncio
import contextlib
import os
import socket
import stat
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.admin import message
from agent.admin.client import ask
from agent.admin.place import LONGEST, NAME, address, bound
from agent.admin.server import serve
from agent.errors import ConfigError, DriftlineError, InputError, TooLittleData, Unavailable

Options = Mapping[str, Any]


def echo(command: str, options: Options) -> Options:
    """Answer with what was asked; some commands fail."""
    failures: dict[str, Exception] = {
        "config": ConfigError("endpoint: unknown 'a'"),
        "input": InputError("file: torn"),
        "little": TooLittleData("no window"),
        "away": Unavailable("busy"),
        "other": DriftlineError("something"),
        "bug": KeyError("secret prompt"),
    }
    if command in failures:
        raise failures[command]
    return {"command": command, **options}


def with_server(folder: Path, work: Callable[[], Any], do: Callable[[str, Options], Options] = echo) -> Any:
    """Do some work in a thread while the socket is served."""

    async def run() -> Any:
        async with serve(folder, do):
            return await asyncio.to_thread(work)

    return asyncio.run(run())


def raw(folder: Path, data: bytes, *, end: bool = True) -> bytes:
    """Send bytes as they are, and return all that comes back."""
    with socket.socket(socket.AF_UNIX) as connection, address(folder) as where:
        connection.settimeout(20)
        connection.connect(where)
        with contextlib.suppress(BrokenPipeError):
            connection.sendall(data)
        if end:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
        found = b""
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(65536):
                found += part
        return found


def test_a_question_is_answered(tmp_path: Path) -> None:
    """Options cross as they are; only the owner may open the socket, and it is gone afterwards."""

    def work() -> Options | None:
        assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600
        return ask(tmp_path, "baseline.accept", {"endpoint": "é\x00", "days": 3, "name": None})

    assert with_server(tmp_path, work) == {"command": "baseline.accept", "endpoint": "é\x00", "days": 3, "name": None}
    assert not (tmp_path / NAME).exists()
    assert ask(tmp_path, "status", {}) is None


@pytest.mark.parametrize(
    ("command", "kind", "words"),
    [
        ("config", ConfigError, "endpoint: unknown 'a'"),
        ("input", InputError, "file: torn"),
        ("little", TooLittleData, "no window"),
        ("away", Unavailable, "busy"),
        ("other", DriftlineError, "something"),
        ("bug", DriftlineError, "the agent stumbled over this: KeyError at "),
    ],
)
def test_errors_cross_as_sentences(tmp_path: Path, command: str, kind: type[DriftlineError], words: str) -> None:
    """With their exit codes; of what nobody foresaw the place and no value."""
    with pytest.raises(kind, match=words) as caught:
        with_server(tmp_path, lambda: ask(tmp_path, command, {}))
    assert type(caught.value) is kind
    assert "secret" not in str(caught.value)


HOSTILE = [
    (b"\n", "request is no JSON"),
    (b"[]\n", "request is no JSON object"),
    (b"{}\n", "the request is of version None, this agent speaks 1"),
    (b'{"version":2,"command":"status"}\n', "the request is of version 2"),
    (b'{"version":1}\n', "a request is"),
    (b'{"version":1,"command":7}\n', "a request is"),
    (b'{"version":1,"command":"status","options":[]}\n', "a request is"),
    (b'{"version":1,"command":"status"', "the request has no end"),
    (b"\xff\xfe\n", "request is no JSON"),
    (b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "request is no JSON"),
    (b'{"a":' * 5000 + b"\n", "request is no JSON"),
    (b"x" * (message.LONGEST * 3), "the request is longer than 65536 bytes"),
]


@pytest.mark.parametrize(("data", "words"), HOSTILE, ids=range(len(HOSTILE)))
def test_what_is_no_request_is_told_so(tmp_path: Path, data: bytes, words: str) -> None:
    """And the next one is answered."""

    def work() -> tuple[bytes, Options | None]:
        return raw(tmp_path, data), ask(tmp_path, "status", {})

    line, after = with_server(tmp_path, work)
    assert words in orjson.loads(line)["error"]["message"]
    assert after == {"command": "status"}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.text(max_size=5) | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=8), inner)
    )
    .map(repr)
    .map(str.encode)
)
def test_any_line_is_a_request_or_a_sentence(data: bytes) -> None:
    """Nothing that can be sent raises anything but ConfigError."""
    with contextlib.suppress(ConfigError):
        assert isinstance(message.request(data), message.Request)
    with contextlib.suppress(DriftlineError):
        assert isinstance(message.answer(data), dict)


def test_clients_that_hang_hold_nobody_up(tmp_path: Path) -> None:
    """Some connect and say nothing or half a line, one leaves in the middle: others are answered, and the end does not wait for them."""
    with contextlib.ExitStack() as stack:

        def work() -> Options | None:
            for place in range(10):
                connection = stack.enter_context(socket.socket(socket.AF_UNIX))
                connection.connect(str(tmp_path / NAME))
                connection.sendall(b'{"version":1' * (place % 2))
            connection.close()
            return ask(tmp_path, "status", {})

        began = time.monotonic()
        assert with_server(tmp_path, work) == {"command": "status"}
        assert time.monotonic() - began < 8


def test_too_many_at_a_time_are_sent_away(tmp_path: Path) -> None:
    """Beyond sixteen connections the answer is to come back."""

    def work() -> str:
        with contextlib.ExitStack() as stack:
            for _ in range(16):
                connection = stack.enter_context(socket.socket(socket.AF_UNIX))
                connection.connect(str(tmp_path / NAME))
            with pytest.raises(Unavailable) as caught:
                ask(tmp_path, "status", {})
            return str(caught.value)

    assert with_server(tmp_path, work) == "the agent answers 16 commands already; come back later"


def test_one_command_at_a_time_and_none_is_lost_at_the_end(tmp_path: Path) -> None:
    """Commands do not overlap; one that is being done when the agent ends is answered."""
    running, inside, release = threading.Semaphore(1), threading.Event(), threading.Event()

    def slow(command: str, options: Options) -> Options:
        assert running.acquire(blocking=False)
        inside.set()
        release.wait(20)
        running.release()
        return {"done": command, **options}

    async def run() -> list[Options | None]:
        async with serve(tmp_path, slow):
            first = asyncio.create_task(asyncio.to_thread(ask, tmp_path, "first", {}))
            await asyncio.to_thread(inside.wait, 20)
            second = asyncio.create_task(asyncio.to_thread(ask, tmp_path, "second", {}))
            asyncio.get_running_loop().call_later(0.2, release.set)
        return [await first, await second]

    first, second = asyncio.run(run())
    assert first == {"done": "first"}
    assert second in ({"done": "second"}, None)


def test_what_a_killed_agent_left_is_replaced(tmp_path: Path) -> None:
    """A socket nobody listens on any more: a client finds no agent, the next agent takes its place."""
    left = bound(tmp_path)
    left.close()
    assert (tmp_path / NAME).is_socket()
    assert ask(tmp_path, "status", {}) is None
    assert with_server(tmp_path, lambda: ask(tmp_path, "status", {})) == {"command": "status"}


def test_a_file_of_that_name_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is somebody's: the agent says so and runs without the socket."""
    (tmp_path / NAME).write_text("mine")
    assert with_server(tmp_path, lambda: 1) == 1
    assert "cannot be listened on: Address already in use" in caplog.text
    assert (tmp_path / NAME).read_text() == "mine"


def test_a_path_beyond_the_length_of_an_address(tmp_path: Path) -> None:
    """The socket lies in the folder all the same; both sides find it by the folder, and it is removed."""
    folder = tmp_path / ("d" * 100) / ("e" * 100)
    folder.mkdir(parents=True, mode=0o700)
    assert len(os.fsencode(folder)) > LONGEST
    assert ask(folder, "status", {}) is None

    def work() -> Options | None:
        assert (folder / NAME).is_socket()
        assert stat.S_IMODE((folder / NAME).stat().st_mode) == 0o600
        return ask(folder, "status", {})

    assert with_server(folder, work) == {"command": "status"}
    assert not (folder / NAME).exists()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """No agent runs on it, however long its name."""
    assert ask(tmp_path / "nowhere", "status", {}) is None
    assert ask(tmp_path / ("n" * 120), "status", {}) is None
    (tmp_path / "file").write_text("")
    assert ask(tmp_path / "file", "status", {}) is None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"", "it ended before it answered"),
        (b'{"version":1', "it ended before it answered"),
        (b"hello\n", "the agent's answer is no JSON"),
        (b'{"version":3,"result":{}}\n', "in a form this driftline does not know"),
        (b'{"version":1,"result":7}\n', "in a form this driftline does not know"),
    ],
)
def test_an_answer_that_is_none(tmp_path: Path, answer: bytes, words: str) -> None:
    """Another program's socket, or another version's: exit code 4 with a sentence."""
    listener = bound(tmp_path)

    def reply() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(answer)

    thread = threading.Thread(target=reply)
    thread.start()
    try:
        with pytest.raises(Unavailable, match=words):
            ask(tmp_path, "status", {})
    finally:
        thread.join()
        listener.close()


def test_an_agent_that_says_nothing(tmp_path: Path) -> None:
    """The client gives up with a sentence."""
    listener = bound(tmp_path)
    try:
        with pytest.raises(Unavailable, match="did not answer within 0 s"):
            ask(tmp_path, "status", {}, seconds=0.2)
    finally:
        listener.close()
