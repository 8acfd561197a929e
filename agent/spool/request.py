"""Frames that wait to be written, and the answer to whoever sent them."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field

from agent.spool.frame import cursor_of
from agent.spool.segment import FRAME_HEAD
from detectors.types import Plain

Waiter = tuple[asyncio.AbstractEventLoop, "asyncio.Future[None]"] | Future[None]


@dataclass(frozen=True, slots=True)
class Request:
    """One append: all of its frames become durable, or none."""

    frames: Sequence[bytes]
    waiter: Waiter
    size: int = field(init=False)
    """Bytes on disk."""
    moves: Sequence[tuple[str, Plain] | None] = field(init=False)
    """Source and new cursor, one a frame; None where it has none."""

    def __post_init__(self) -> None:
        # Here, so that a malformed frame fails its sender and not the writer.
        object.__setattr__(self, "moves", [cursor_of(frame) for frame in self.frames])
        object.__setattr__(self, "size", sum(len(frame) + FRAME_HEAD for frame in self.frames))


def settle(group: Sequence[Request], error: Exception | None) -> None:
    """Answer every request of a group, with one call into each event loop. A loop that is gone is nobody's loss."""
    loops: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for request in group:
        if isinstance(request.waiter, Future):
            _answer(request.waiter, error)
        else:
            loop, future = request.waiter
            loops.setdefault(loop, []).append(future)
    for loop, futures in loops.items():
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_answer_all, futures, error)


def _answer_all(futures: Sequence["asyncio.Future[None]"], error: Exception | None) -> None:
    for future in futures:
        _answer(future, error)


def _answer(future: "asyncio.Future[None] | Future[None]", error: Exception | None) -> None:
    if future.done():
        return  # the sender has gone; its frames are in the spool all the same
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)
