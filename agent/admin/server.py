"""Listens on the admin socket in the daemon's event loop; what is asked is done elsewhere, one request at a time."""

import asyncio
import contextlib
import logging
import os
import socket
import struct
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

from agent.admin import message
from agent.admin.place import bound, removed
from agent.errors import ConfigError, DriftlineError, Unavailable
from agent.faults import place_of

_log = logging.getLogger(__name__)

Do = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
"""Does a command. In a thread of its own; raises DriftlineError for what cannot be done."""

_SECONDS = 10.0
"""How long a request may take to come in."""
_MOST = 16
"""Connections at a time."""
_CREDENTIALS = struct.Struct("3i")


@contextlib.asynccontextmanager
async def serve(folder: Path, do: Do) -> AsyncIterator[None]:
    """Answer until the block ends. Where the folder takes no socket (some network shares), one line says so and nothing listens."""
    try:
        listener = bound(folder)
    except Unavailable as error:
        _log.warning("%s; commands that change a running agent do not reach this one", error)
        yield
        return
    served = _Served(do)
    server = await asyncio.start_unix_server(served.connected, sock=listener, limit=message.LONGEST)
    try:
        yield
    finally:
        server.close()
        await served.ended()
        removed(folder, listener)


class _Served:
    """Its connections. A client that hangs or floods costs its own connection."""

    def __init__(self, do: Do) -> None:
        self._do = do
        self._one = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._busy: set[asyncio.Task[None]] = set()
        """Those whose command is being done."""

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            task.add_done_callback(self._busy.discard)
        try:
            with contextlib.suppress(ConnectionError, TimeoutError):
                writer.write(message.answer_line(await self._answer(reader, writer)))
                await asyncio.wait_for(writer.drain(), _SECONDS)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def ended(self) -> None:
        """Wait for what is being done: nobody may be told less than what happened. Who has asked nothing yet is let go."""
        for task in self._tasks - self._busy:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_SECONDS)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Mapping[str, Any] | DriftlineError:
        try:
            self._check(writer)
            line = await asyncio.wait_for(_line(reader), _SECONDS)
            asked = message.request(line)
            async with self._one:
                self._note_busy()
                return await asyncio.to_thread(self._do, asked.command, asked.options)
        except DriftlineError as error:
            return error
        except TimeoutError:
            return ConfigError(f"the request did not end within {_SECONDS:.0f} s")
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the agent goes on and the asker is told
            place = f"{type(error).__name__} at {place_of(error)}"
            _log.error("the admin socket stumbled and goes on: %s", place)
            return DriftlineError(f"the agent stumbled over this: {place}")

    def _note_busy(self) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._busy.add(task)

    def _check(self, writer: asyncio.StreamWriter) -> None:
        if len(self._tasks) > _MOST:
            raise Unavailable(f"the agent answers {_MOST} commands already; come back later")
        connection = writer.get_extra_info("socket")
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        _, user, _ = _CREDENTIALS.unpack(credentials)
        if user not in {0, os.geteuid()}:
            raise Unavailable(f"only the agent's own user ({os.geteuid()}) may ask it, not {user}")


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\n")
    except asyncio.LimitOverrunError as error:
        raise ConfigError(f"the request is longer than {message.LONGEST} bytes") from error
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise ConfigError("the request has no end: send one line") from error
        raise ConnectionResetError from error
