"""The spool against a list: any mixture of appends, reads, releases, stops, crashes and faults."""

import errno
import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from agent.config import Spool as Limits
from agent.errors import SpoolFull
from agent.spool.disk import Disk
from agent.spool.frame import Frame, encode
from agent.spool.position import START
from agent.spool.segment import framed
from agent.spool.spool import Spool

LIMITS = Limits(durability="write", max_bytes=24_000, segment_bytes=1500, min_free_bytes=0)


class Failing(Disk):
    """A disk that takes half of a write and then nothing while it is broken."""

    broken = False

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        """Write or fail."""
        if not self.broken:
            return super().write(descriptor, data)
        if len(data) < 64:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(descriptor, memoryview(data)[: len(data) // 2])


class Model(RuleBasedStateMachine):
    """`taken` are all numbers appended, `read` how many of them were read, `released` how many need not come back."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.disk = Failing()
        self.spool = Spool(self.folder, LIMITS, disk=self.disk)
        self.position = self.kept = START
        self.taken = list[int]()
        self.read = self.released = self.next = 0
        self.cursors = dict[str, int]()

    @rule(count=st.integers(1, 4), size=st.integers(100, 600), source=st.sampled_from(["a", "b"]))
    def append(self, count: int, size: int, source: str) -> None:
        """Append some frames, the last with a cursor."""
        numbers = range(self.next, self.next + count)
        self.next += count
        frames = [
            encode(Frame(None, f"{source}", {"next": self.next, "x": "x" * size} if number == numbers[-1] else None, number))
            for number in numbers
        ]
        try:
            self.spool.append_blocking(frames)
        except SpoolFull:
            return
        self.taken += numbers
        self.cursors[source] = self.next

    @rule(limit=st.integers(1, 1200))
    def read_ahead(self, limit: int) -> None:
        """Read without a checkpoint."""
        self.read_on(limit)

    def read_on(self, limit: int) -> None:
        """Compare the next frames."""
        frames, self.position = self.spool.read(self.position, limit)
        found = [frame.received for frame in frames]
        assert found == self.taken[self.read : self.read + len(found)]
        assert found or self.read == len(self.taken)
        self.read += len(found)

    @rule(limit=st.integers(1, 1200))
    def read_on_and_release(self, limit: int) -> None:
        """Read and checkpoint."""
        self.read_on(limit)
        self.spool.release(self.position)
        self.kept, self.released = self.position, self.read

    @rule(torn=st.sampled_from(["", "garbage", "frame", "append", "head"]))
    def crash(self, torn: str) -> None:
        """Begin again from the last checkpoint, with a torn tail."""
        self.spool.close_blocking()
        newest = max(self.folder.glob("*.seg"))
        payload = encode(Frame(None, "torn", {"next": -1}, -1))
        head = framed(payload, int(newest.stem), 1)
        tails = {"garbage": b"\xd7frm" * 7, "frame": (head + payload)[:-3], "append": head + payload}
        if torn == "head":
            (self.folder / f"{int(newest.stem) + 1:08d}.seg").write_bytes(b"drft")
        elif torn:
            with newest.open("ab") as file:
                file.write(tails[torn])
        self.spool = Spool(self.folder, LIMITS, disk=self.disk)
        self.position, self.read = self.kept, self.released

    @rule()
    def break_or_mend(self) -> None:
        """Let the disk fail, or work again."""
        self.disk.broken = not self.disk.broken

    @rule()
    def everything_fits_once_released(self) -> None:
        """On a working disk a fully released spool takes an append."""
        if not self.disk.broken and self.spool.end() == self.position == self.kept:
            self.spool.append_blocking([encode(Frame(None, "a", None, self.next))])
            self.taken.append(self.next)
            self.next += 1

    @invariant()
    def bounded_and_accounted(self) -> None:
        """Size is what is on disk and within limits; cursors are the newest."""
        assert self.spool.size <= LIMITS.max_bytes + 8000  # heads of segments, which hold cursors
        assert {source: plain["next"] for source, plain in self.spool.cursors().items()} == self.cursors
        assert self.spool.corrupt == 0

    def teardown(self) -> None:
        """Close and remove."""
        self.spool.close_blocking()
        shutil.rmtree(self.folder)


Model.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
TestModel = Model.TestCase
