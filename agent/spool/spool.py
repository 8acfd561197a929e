"""The spool: what was received and not yet counted. In before the answer goes out, deleted after the checkpoint."""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path

from agent.config import Spool as Limits
from agent.errors import InputError, Transient, Unavailable
from agent.spool.disk import Disk
from agent.spool.frame import Frame, decode
from agent.spool.position import Position
from agent.spool.recovery import recover
from agent.spool.request import Request
from agent.spool.segment import FRAME_HEAD, scan
from agent.spool.segments import Segments
from agent.spool.writer import Writer
from detectors.types import Plain

_log = logging.getLogger(__name__)


class Spool:
    """Any number of senders in event loops and threads; one reader. The folder must be this process's own (`agent.lock`)."""

    def __init__(self, folder: Path, limits: Limits, *, disk: Disk | None = None, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Open the folder, making it if need be, and recover what is in it.

        Raises Unavailable when the folder cannot be used, ConfigError when a newer driftline wrote it.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
            found = recover(folder)
            self._segments = Segments(folder, found.spans)
            self._writer = Writer(folder, limits, self._segments, found.cursors, found.newest, disk=disk or Disk(), monotonic=monotonic)
            for number in found.empty if not self._writer.refusing else ():
                self._segments.path(number).unlink()  # nothing but a head; its cursors stand in the new segment
        except OSError as problem:
            raise Unavailable(f"the spool cannot be opened in {folder}: {problem.strerror}") from problem
        self._limits = limits
        self.cut = found.cut
        """Bytes of unfinished appends removed when the spool was opened."""
        self.corrupt = found.damaged
        """Damaged places skipped so far."""
        self._closed = False
        if found.cut:
            _log.warning("the spool in %s ended amid an append: its %d bytes are cut off", folder, found.cut)

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return self._segments.size

    def cursors(self) -> dict[str, Plain]:
        """Return the newest committed cursor of each pull source."""
        return self._writer.cursors()

    async def append(self, frames: Sequence[bytes]) -> None:
        """Return when the frames (of `agent.spool.frame.encode`) are durable, all of them or none.

        Raises SpoolFull when they cannot be taken now and Permanent when they never can.
        """
        if frames:
            loop = asyncio.get_running_loop()
            future = loop.create_future()
            self._writer.submit(Request(frames, (loop, future)))
            await future

    def append_blocking(self, frames: Sequence[bytes]) -> None:
        """Do the same for threads."""
        if frames:
            future = Future[None]()
            self._writer.submit(Request(frames, future))
            future.result()

    def read(self, position: Position, limit_bytes: int) -> tuple[list[Frame], Position]:
        """Return committed frames from `position` on, about `limit_bytes` of them, and where to go on.

        At least one frame where there is one; none at the end. Damaged frames are skipped and counted in `corrupt`.
        Raises Transient when the disk cannot be read.
        """
        while True:
            position, end = self._segments.locate(position)
            if position.offset >= end:
                return [], position
            frames, position = self._read_segment(position, end, limit_bytes)
            if frames:
                return frames, position

    def end(self) -> Position:
        """Return the place behind the last committed frame."""
        return self._segments.end()

    def release(self, position: Position) -> None:
        """Tell that everything before `position` is checkpointed: whole segments of it are deleted."""
        self._segments.release(position)
        end = self._segments.end()
        # All is counted, yet the newest segment, which cannot be deleted, is what keeps senders out.
        if self._segments.released >= end and (self._writer.refusing or self.size > self._limits.max_bytes // 2):
            self._writer.roll()

    def wait(self, position: Position, timeout: float) -> bool:
        """Block until frames beyond `position` are committed, the spool closes or `timeout` seconds have passed; tell the first."""
        with self._segments.changed:
            self._segments.changed.wait_for(lambda: self._closed or self._beyond(position), timeout)
        return self._beyond(position)

    def close_blocking(self) -> None:
        """Commit what waits and stop. Appends are refused from then on; reading still works."""
        self._writer.close()
        self._closed = True
        self._segments.wake()

    async def close(self) -> None:
        """Do the same without holding up the event loop."""
        await asyncio.to_thread(self.close_blocking)

    def _beyond(self, position: Position) -> bool:
        place, end = self._segments.locate(position)
        return place.offset < end

    def _read_segment(self, position: Position, end: int, limit_bytes: int) -> tuple[list[Frame], Position]:
        number, offset = position
        want = max(limit_bytes, FRAME_HEAD)
        try:
            descriptor = os.open(self._segments.path(number), os.O_RDONLY | os.O_CLOEXEC)
            try:
                data = os.pread(descriptor, min(want, end - offset), offset)
                found = scan(data, number, end - offset)
                if not found.consumed and found.wanted:
                    data = os.pread(descriptor, found.wanted, offset)
                    found = scan(data, number, end - offset)
            finally:
                os.close(descriptor)
        except OSError as problem:
            raise Transient(f"the spool cannot be read: {problem.strerror}") from problem
        self.corrupt += found.damaged
        frames = list[Frame]()
        for each in found.frames:
            try:
                frames.append(decode(each.payload))
            except InputError:
                self.corrupt += 1
        # A file shorter than its committed end was cut by somebody else: nothing more comes of it.
        gone = not found.consumed
        self.corrupt += gone
        return frames, Position(number, end if gone else offset + found.consumed)
