"""Labels from outside: posted with a token, or put into a folder."""

import asyncio
import contextlib
import hmac
import logging
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from agent.address import checked
from agent.errors import ConfigError, InputError, SpoolFull
from agent.labels.inbox import File, Inbox
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
        """Whether an `Authorization` header, its bytes read as Latin-1, shows the token; takes the same time however much of it is right."""
        scheme, _, token = shown.partition(" ")
        return hmac.compare_digest(token.strip().encode("latin-1"), self.token.encode()) and scheme.lower() == "bearer"

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
                await self._take(inbox, file, context, emit)
            except SpoolFull:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, the other files are read
                inbox.leave(file)
                _LOG.warning("%s: %s: %s", context.name, file.path, error if isinstance(error, OSError) else type(error).__name__)

    @staticmethod
    async def _take(inbox: Inbox, file: File, context: Context, emit: Emit) -> None:
        lost: Counter[str] = Counter()
        drop = dropper(context)
        try:
            batches = inbox.read(file, lambda reason, rows: lost.update({reason: rows}))
            while (batch := await asyncio.to_thread(_next, batches)) is not None:
                await emit([batch], context.name)
        except InputError as error:
            _LOG.warning("%s: %s", context.name, error)
            drop("unreadable_file", 1)
            await asyncio.to_thread(inbox.refuse, file)
            return
        # A crash before this reads the file again: labels that were there are counted as repeated, and change nothing.
        if not await asyncio.to_thread(inbox.take, file):
            _LOG.info("%s: %s was written to while it was read; it is read again", context.name, file.path)
            return
        for reason, rows in lost.items():
            drop(reason, rows)
            _LOG.warning("%s: %s: %d rows could not be read: %s", context.name, file.path, rows, reason)


def _next(batches: Iterator[Batch]) -> Batch | None:
    return next(batches, None)
