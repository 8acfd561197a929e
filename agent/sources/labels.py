"""Labels from outside: posted with a token, or put into a folder."""

import asyncio
import contextlib
import hmac
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from agent.address import checked
from agent.errors import ConfigError, InputError, SpoolFull
from agent.labels.inbox import Inbox
from agent.labels.post import LabelApplication
from agent.listen import address, serve
from agent.secret import Secret
from agent.sources import Context, Emit
from agent.sources.rows import dropper
from detectors.types import Batch

_SHORTEST = 16
"""Letters of a token: what can be guessed is no token."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LabelIntake:
    """Takes labels of any endpoint that has `labels:` set."""

    token: Secret
    """What senders must show, as `Authorization: Bearer TOKEN`; at least 16 letters. Give it as `${env:NAME}`."""
    http: str = "127.0.0.1:4319"
    """Address to listen on: POST /labels/ENDPOINT with JSON lines or a JSON array of `{id, label, timestamp, source}`."""
    folder: Path | None = None
    """Files put into FOLDER/ENDPOINT (CSV, Parquet or JSON lines) are read, and moved to its `taken` or `refused`."""
    every: timedelta = timedelta(seconds=30)
    """Time between looks into the folder."""
    settle: timedelta = timedelta(seconds=5)
    """A file is read once it has rested that long."""
    allow_insecure: bool = False
    """Listen beyond this machine without TLS: the token can then be overheard."""
    max_body: int = 16 * 2**20
    """Bytes of a request."""

    def __post_init__(self) -> None:
        if len(self.token) < _SHORTEST:
            raise ValueError(f"token is shorter than {_SHORTEST} letters")

    def check(self) -> None:
        """Raise ConfigError for an address that cannot be listened on as configured."""
        checked(self.http, "http", allow_insecure=self.allow_insecure)

    @contextlib.asynccontextmanager
    async def listen(self, context: Context, emit: Emit) -> AsyncIterator[None]:
        """Accept until the block ends. Raises ConfigError for an unsafe or unreadable address, Unavailable for a taken one."""
        key = f"sources.{context.name}.http"
        host, port = address(self.http, key, allow_insecure=self.allow_insecure)
        async with serve(LabelApplication(context.name, emit, self.allows, self.max_body), host, port, key):
            _LOG.info("%s: listening on http://%s/labels/ENDPOINT", context.name, self.http)
            watching = asyncio.create_task(self._watch(context, emit))
            try:
                yield
            finally:
                watching.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await watching

    def allows(self, shown: str) -> bool:
        """Whether an `Authorization` header shows the token; takes the same time however much of it is right."""
        return hmac.compare_digest(shown.encode(), f"Bearer {self.token}".encode())

    async def _watch(self, context: Context, emit: Emit) -> None:
        if self.folder is None:
            return
        inbox = Inbox(self.folder, self.settle, dropper(context))
        while True:
            try:
                await self._look(inbox, context, emit)
            except SpoolFull as error:
                _LOG.warning("%s waits: %s", context.name, error)
            except (OSError, ConfigError) as error:
                _LOG.warning("%s: %s: %s", context.name, self.folder, error)
            await asyncio.sleep(self.every.total_seconds())

    async def _look(self, inbox: Inbox, context: Context, emit: Emit) -> None:
        for file in await asyncio.to_thread(inbox.files, context.clock.now().timestamp()):
            try:
                batches = inbox.read(file)
                while (batch := await asyncio.to_thread(_next, batches)) is not None:
                    await emit([batch], context.name)
            except InputError as error:
                _LOG.warning("%s: %s", context.name, error)
                dropper(context)("unreadable_file", 1)
                await asyncio.to_thread(inbox.refuse, file)
                continue
            # A crash before this reads the file again: labels that were there are counted as repeated, and change nothing.
            await asyncio.to_thread(inbox.take, file)


def _next(batches: Iterator[Batch]) -> Batch | None:
    return next(batches, None)
