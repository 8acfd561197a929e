"""The one thread that writes: takes what waits, writes it at once, syncs once, answers all (group commit)."""

import errno
import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from agent.config import Spool as Limits
from agent.errors import Permanent, SpoolFull
from agent.spool.disk import Disk
from agent.spool.request import Request, settle
from agent.spool.segment import CURSOR, MAX_PAYLOAD, MORE, framed, head
from agent.spool.segments import Segments
from detectors.types import Plain

_log = logging.getLogger(__name__)

GROUP_BYTES = 8 * 1024 * 1024
"""At most about so much is written for one sync."""
PENDING_BYTES = 64 * 1024 * 1024
"""At most so much waits in memory; beyond it senders are told to come back."""
SYNC_SECONDS = 0.5
"""Durability `interval`."""
GATHER_SECONDS = 0.005
"""From one sync of durability `commit` to the next at least: under load several requests share one, and a request alone does not wait."""
RETRY_AFTER = 5.0
"""Seconds a refused sender should wait."""


class Writer:
    """Appends to the newest segment and opens the next; every failure of the disk refuses that group and is tried again."""

    def __init__(
        self,
        folder: Path,
        limits: Limits,
        segments: Segments,
        cursors: dict[str, Plain],
        newest: int,
        *,
        disk: Disk,
        monotonic: Callable[[], float],
    ) -> None:
        self._folder = folder
        self._limits = limits
        self._segments = segments
        self._disk = disk
        self._monotonic = monotonic
        # A quarter: release deletes whole segments, so the newest must not fill the spool alone.
        self._segment_bytes = min(limits.segment_bytes, max(limits.max_bytes // 4, 4096))
        self._cursors = cursors
        self._number = self._tried = newest
        self._file: int | None = None
        self._offset = 0
        self._dirty_since: float | None = None
        self._synced = float("-inf")
        self._ending = threading.Event()
        self._wake = threading.Condition()
        self._waiting: deque[Request] = deque()
        self._pending = 0
        self._roll_wanted = self._closing = False
        self.refusing = False
        """The last group could not be written."""
        try:
            self._open_next()
        except OSError as problem:
            if problem.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            self.refusing = True  # what is in the spool can be counted all the same, which makes room
        self._thread = threading.Thread(target=self._run, name="spool-writer", daemon=True)
        self._thread.start()

    def cursors(self) -> dict[str, Plain]:
        """Return the newest committed cursor of each source."""
        with self._wake:
            return dict(self._cursors)

    def submit(self, request: Request) -> None:
        """Queue a request. Raises SpoolFull, or Permanent for one that never fits."""
        if request.size > self._limits.max_bytes or max(map(len, request.frames)) > MAX_PAYLOAD:
            raise Permanent(f"{request.size} bytes at once do not fit a spool of {self._limits.max_bytes} bytes (spool.max_bytes)")
        size = self._segments.size
        with self._wake:
            if self._closing:
                raise SpoolFull("the spool is closing", RETRY_AFTER)
            if size + self._pending + request.size > self._limits.max_bytes:
                raise SpoolFull(f"the spool is full: {size} of {self._limits.max_bytes} bytes (spool.max_bytes)", RETRY_AFTER)
            if self._pending and self._pending + request.size > PENDING_BYTES:
                raise SpoolFull(f"{self._pending} bytes already wait for the disk", RETRY_AFTER)
            self._pending += request.size
            self._waiting.append(request)
            self._wake.notify()

    def roll(self) -> None:
        """Go on in a new segment, so that the present one can be deleted."""
        with self._wake:
            self._roll_wanted = True
            self._wake.notify()

    def close(self) -> None:
        """Write and sync what waits, then stop."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._await()
            group, roll, closing = self._next_group()
            if roll:
                self._try(self._open_next)
            if group:
                error = self._try(partial(self._write, group))
                self.refusing = error is not None
                with self._wake:
                    self._pending -= sum(request.size for request in group)
                settle(group, error)
            if closing:
                self._try(self._sync)
                self._abandon()
                return
            if self._dirty_since is not None and self._monotonic() - self._dirty_since >= SYNC_SECONDS:
                self._try(self._sync)

    def _await(self) -> None:
        """Return when there is something to do; soon after a sync only when more may have come."""
        with self._wake:
            if not (self._waiting or self._roll_wanted or self._closing):
                self._wake.wait(None if self._dirty_since is None else SYNC_SECONDS)
        since = self._monotonic() - self._synced
        if since < GATHER_SECONDS and self._limits.durability == "commit":
            self._ending.wait(GATHER_SECONDS - since)

    def _next_group(self) -> tuple[list[Request], bool, bool]:
        with self._wake:
            group = list[Request]()
            size = 0
            while self._waiting and size < GROUP_BYTES:
                group.append(self._waiting.popleft())
                size += group[-1].size
            roll, self._roll_wanted = self._roll_wanted, False
            return group, roll, self._closing and not self._waiting

    def _try(self, action: Callable[[], None]) -> SpoolFull | None:
        """Run an action; a refusal of the disk becomes the sentence senders get."""
        try:
            action()
        except OSError as problem:
            _log.warning("the spool in %s cannot be written: %s", self._folder, problem.strerror)
            return SpoolFull(f"the spool cannot be written: {problem.strerror}", RETRY_AFTER)
        except Exception:  # noqa: BLE001  # a dead writer would leave every sender waiting for ever
            _log.exception("the spool in %s cannot be written", self._folder)
            return SpoolFull("the spool cannot be written: see the agent's log", RETRY_AFTER)
        return None

    def _write(self, group: Sequence[Request]) -> None:
        size = sum(request.size for request in group)
        if self._disk.free(self._folder) - size < self._limits.min_free_bytes:
            raise OSError(errno.ENOSPC, f"less than {self._limits.min_free_bytes} bytes free (spool.min_free_bytes)")
        if self._file is None or self._offset >= self._segment_bytes:
            self._open_next()
        file = self._descriptor()
        cursors: dict[str, Plain] = {}
        data = memoryview(b"".join(self._pieces(group, cursors)))
        end = self._offset + len(data)
        try:
            self._write_all(file, data)
        except OSError:
            self._cut_back(file)
            raise
        if self._limits.durability == "commit":
            self._sync()
        elif self._limits.durability == "interval" and self._dirty_since is None:
            self._dirty_since = self._monotonic()
        self._offset = end
        with self._wake:
            self._cursors |= cursors
        self._segments.commit(self._number, end)

    def _pieces(self, group: Sequence[Request], cursors: dict[str, Plain]) -> Iterator[bytes]:
        for request in group:
            last = len(request.frames) - 1
            for index, (payload, move) in enumerate(zip(request.frames, request.moves, strict=True)):
                if move is not None:
                    cursors[move[0]] = move[1]
                flags = (MORE if index < last else 0) | (CURSOR if move is not None else 0)
                yield framed(payload, self._number, flags)
                yield payload

    def _write_all(self, file: int, data: memoryview) -> None:
        while data:
            written = self._disk.write(file, data)
            if not written:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            data = data[written:]

    def _sync(self) -> None:
        """Make everything written durable. After a failure the file is left: a second fsync would not tell the truth."""
        try:
            if self._file is not None and self._limits.durability != "write":
                self._synced = self._monotonic()
                self._disk.sync(self._file)
        except OSError:
            self._abandon()
            raise
        finally:
            self._dirty_since = None

    def _cut_back(self, file: int) -> None:
        """Remove a half-written group; where that fails too, the segment ends here."""
        try:
            self._disk.truncate(file, self._offset)
        except OSError:
            self._abandon()

    def _open_next(self) -> None:
        """Begin a new segment. Its head is synced whatever the durability: positions rest on its number."""
        if self._dirty_since is not None:
            self._sync()
        self._tried += 1  # never a number twice, also after a failure
        number = self._tried
        path = self._segments.path(number)
        first = head(number, self._cursors)
        file = self._disk.create(path)
        try:
            self._write_all(file, memoryview(first))
            self._disk.sync(file)
            self._disk.sync_folder(self._folder)
        except OSError:
            os.close(file)
            path.unlink(missing_ok=True)
            raise
        self._abandon()
        self._file, self._number, self._offset = file, number, len(first)
        self._segments.open(number, len(first))

    def _descriptor(self) -> int:
        if self._file is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return self._file

    def _abandon(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
