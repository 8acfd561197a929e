"""A real listener in a thread, with a spool that only remembers."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from agent.clock import WallClock
from agent.config import Endpoint
from agent.errors import SpoolFull
from agent.series import Series
from agent.sources import Context
from agent.sources.otlp.source import Otlp
from detectors.types import Batch


class OneEndpoint:
    """Everything is one endpoint."""

    def route(self, _resource: dict[str, str], _host: str) -> Endpoint:
        """Return it."""
        return Endpoint("chat")


@dataclass
class Memory:
    """A spool in memory that can be full for some requests."""

    batches: list[Batch] = field(default_factory=list)
    full: int = 0
    """How many requests it refuses from now on."""
    fails_with: Exception | None = None

    async def emit(self, batches: Sequence[Batch], source: str) -> None:
        """Take batches."""
        assert source == "otlp"
        if self.fails_with is not None:
            raise self.fails_with
        if self.full:
            self.full -= 1
            message = "full"
            raise SpoolFull(message, retry_after=1)
        self.batches += batches

    @property
    def rows(self) -> int:
        """Rows taken."""
        return sum(batch.rows for batch in self.batches)


@dataclass
class Listening:
    """A source that listens."""

    http: str
    grpc: str
    memory: Memory
    series: Series

    def counted(self, name: str) -> dict[str, float]:
        """Return the values of a counter of the agent by its last attribute."""
        found = {}
        for point in self.series.points(datetime.now(UTC)):
            if point.metric.name == name and isinstance(point.value, float | int):
                attributes = dict(point.attributes)
                found[attributes.get("reason") or attributes["attribute"]] = point.value
        return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _listening(**options: object) -> Iterator[Listening]:
    addresses = {"http": f"127.0.0.1:{_free_port()}", "grpc": f"127.0.0.1:{_free_port()}"}
    otlp = Otlp(**{**addresses, **options})  # type: ignore[arg-type]  # options of a test, typed by the dataclass
    memory, series = Memory(), Series()
    context = Context("otlp", OneEndpoint(), None, series, WallClock())
    started: Future[None] = Future()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def run() -> None:
        try:
            async with otlp.listen(context, memory.emit):
                started.set_result(None)
                await stop.wait()
        except BaseException as error:  # handed to the test
            if started.done():
                raise
            started.set_exception(error)

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()), daemon=True)
    thread.start()
    try:
        started.result(10)
        yield Listening(f"http://{otlp.http}", otlp.grpc or "", memory, series)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


@pytest.fixture
def listen() -> Iterator[Callable[..., Listening]]:
    """Start listeners with the given options; all of them stop after the test."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(_listening(**options))


@pytest.fixture(scope="module")
def listening() -> Iterator[Listening]:
    """One listener with the default options for all tests of a module."""
    with _listening() as found:
        yield found
