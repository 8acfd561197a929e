"""Asks the agent that runs on a state folder, over its admin socket."""

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agent.admin import message
from agent.admin.place import NAME, address
from agent.errors import Unavailable

_SECONDS = 120.0
"""How long to wait for an answer: the agent works between two batches, and an acceptance takes a second or two."""


def ask(folder: Path, command: str, options: Mapping[str, Any], seconds: float = _SECONDS) -> Mapping[str, Any] | None:
    """Return the agent's answer; None where no agent listens.

    Raises the agent's own error, Unavailable where it does not answer in time or hangs up.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(seconds)
        try:
            with address(folder) as where:
                connection.connect(where)
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
            return None
        except OSError as problem:
            raise Unavailable(f"state: {folder / NAME} cannot be reached: {problem.strerror or problem}") from problem
        try:
            connection.sendall(message.Request(command, options).line())
            line = _line(connection)
        except TimeoutError as problem:
            raise Unavailable(f"the agent on {folder} did not answer within {seconds:.0f} s; its log tells what it is doing") from problem
        except OSError as problem:
            raise Unavailable(f"the agent on {folder} hung up: {problem.strerror or problem}") from problem
    return message.answer(line)


def _line(connection: socket.socket) -> bytes:
    parts, size = [], 0
    while part := connection.recv(65536):
        parts.append(part)
        size += len(part)
        if part.endswith(b"\n"):
            return b"".join(parts)
        if size > message.LONGEST_ANSWER:
            raise OSError("its answer has no end")
    raise OSError("it ended before it answered")
