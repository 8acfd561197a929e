"""Where records come from: push sources listen, pull sources are polled; both hand over columns."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from agent.config import Endpoint
from agent.series import Series
from detectors.types import Batch, Plain


class Emit(Protocol):
    """Takes batches to the spool."""

    async def __call__(self, batches: Sequence[Batch], source: str) -> None:
        """Return when the batches are durable. Raises SpoolFull: nothing was taken, come back later."""
        ...


class Router(Protocol):
    """Finds the endpoint a record belongs to."""

    def route(self, resource: dict[str, str], host: str) -> Endpoint:
        """Return the endpoint whose `match` fits; an unmatched host gets one of its own, within the cap."""
        ...


class Clock(Protocol):
    """The time as the agent sees it: the wall's, or the data's own in a replay."""

    def now(self) -> datetime:
        """Return the time, aware, UTC."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """What a source is given besides its options."""

    name: str
    """The id in metrics: `otlp`, `files/delay-model`, …"""
    router: Router
    endpoint: Endpoint | None
    """The endpoint that declared the source; None for shared listeners."""
    series: Series
    """Where it counts what it received, dropped or could not map."""
    clock: Clock


class PushSource(Protocol):
    """A listener."""

    def listen(self, context: Context, emit: Emit) -> AbstractAsyncContextManager[None]:
        """Accept until the block ends; then finish the requests in flight. Raises Unavailable if a port is taken."""
        ...


@dataclass(frozen=True, slots=True)
class Poll:
    """One chunk of a poll, and where to go on once it is in the spool."""

    batches: Sequence[Batch]
    cursor: Plain


class PullSource(Protocol):
    """Something that is asked again and again."""

    def poll(self, context: Context, cursor: Plain | None) -> Iterator[Poll]:
        """Yield what is new since `cursor` (None: from the start). Runs in a thread. Raises Transient or Permanent.

        The cursor travels in the same spool frame as the batches, so a crash neither loses nor doubles a chunk.
        """
        ...
