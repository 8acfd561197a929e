"""The spool on a disk that fails: refused and alive, nothing answered that is not there, and going on afterwards."""

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.config import Spool as Limits
from agent.errors import SpoolFull, Unavailable
from agent.spool.disk import Disk
from agent.spool.frame import Frame, encode
from agent.spool.position import START
from agent.spool.spool import Spool

LIMITS = Limits(min_free_bytes=0)
BROKEN = -1
"""Given as free space: the disk itself has a bug."""


class Faulty(Disk):
    """A disk whose calls fail with `fault[call]`; a failing write first takes half."""

    def __init__(self) -> None:
        self.fault: dict[str, int] = {}

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        """Take half before failing."""
        if "write" in self.fault and len(data) > 8:
            return super().write(descriptor, memoryview(data)[: len(data) // 2])
        self._check("write")
        return super().write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        """Sync or fail."""
        self._check("sync")
        super().sync(descriptor)

    def truncate(self, descriptor: int, size: int) -> None:
        """Cut or fail."""
        self._check("truncate")
        super().truncate(descriptor, size)

    def create(self, path: Path) -> int:
        """Make or fail."""
        self._check("create")
        return super().create(path)

    def free(self, folder: Path) -> int:
        """Tell what the test wants."""
        if self.fault.get("free") == BROKEN:
            raise ValueError(folder)
        return self.fault.get("free", super().free(folder))

    def _check(self, call: str) -> None:
        if call in self.fault:
            raise OSError(self.fault[call], os.strerror(self.fault[call]))


def note(text: str) -> bytes:
    """Encode a frame that carries a word as its source."""
    return encode(Frame(None, text, None, 1))


def sources(spool: Spool) -> list[str]:
    """Return the words in the spool."""
    position, found = START, list[str]()
    while True:
        frames, position = spool.read(position, 10_000)
        if not frames:
            return found
        found += [frame.source for frame in frames]


@pytest.mark.parametrize(
    "fault",
    [
        {"write": errno.ENOSPC},
        {"write": errno.EIO},
        {"write": errno.ENOSPC, "truncate": errno.EIO},
        {"write": errno.ENOSPC, "truncate": errno.EIO, "create": errno.ENOSPC},
        {"sync": errno.EIO},
        {"sync": errno.EIO, "create": errno.ENOSPC},
    ],
    ids=lambda fault: "+".join(f"{call} {errno.errorcode[code]}" for call, code in fault.items()),
)
def test_a_failing_disk_refuses_and_recovers(tmp_path: Path, fault: dict[str, int]) -> None:
    """Refused frames are never read in this process; taken ones are there, before and after, here and after a restart."""
    disk = Faulty()
    spool = Spool(tmp_path / "spool", LIMITS, disk=disk)
    spool.append_blocking([note("before")])
    disk.fault = fault
    for _ in range(3):
        with pytest.raises(SpoolFull) as refused:
            spool.append_blocking([note("refused"), note("refused too")])
        assert refused.value.retry_after is not None
    assert sources(spool) == ["before"]
    disk.fault = {}
    spool.append_blocking([note("after")])
    assert sources(spool) == ["before", "after"]
    spool.close_blocking()
    again = Spool(tmp_path / "spool", LIMITS)
    assert [source for source in sources(again) if not source.startswith("refused")] == ["before", "after"]
    again.close_blocking()


def test_free_space_is_kept(tmp_path: Path) -> None:
    """Below min_free_bytes the spool takes nothing, and takes again when there is room."""
    disk = Faulty()
    spool = Spool(tmp_path / "spool", Limits(min_free_bytes=1000), disk=disk)
    disk.fault = {"free": 999}
    with pytest.raises(SpoolFull, match=r"min_free_bytes"):
        spool.append_blocking([note("refused")])
    disk.fault = {"free": 1_000_000}
    spool.append_blocking([note("taken")])
    assert sources(spool) == ["taken"]
    spool.close_blocking()


def test_interval_syncs_and_survives_a_failing_sync(tmp_path: Path) -> None:
    """A sync that fails later ends the segment; the next frames stand in a new one."""
    disk = Faulty()
    spool = Spool(tmp_path / "spool", Limits(durability="interval", min_free_bytes=0), disk=disk)
    spool.append_blocking([note("one")])
    disk.fault = {"sync": errno.EIO}
    spool.close_blocking()
    again = Spool(tmp_path / "spool", LIMITS)
    assert sources(again) == ["one"]
    again.close_blocking()


def test_a_full_disk_at_the_start_still_reads(tmp_path: Path) -> None:
    """What is in the spool can be counted and released although nothing can be added."""
    first = Spool(tmp_path / "spool", LIMITS)
    first.append_blocking([note("kept")])
    first.close_blocking()
    disk = Faulty()
    disk.fault = {"create": errno.ENOSPC}
    spool = Spool(tmp_path / "spool", LIMITS, disk=disk)
    assert sources(spool) == ["kept"]
    with pytest.raises(SpoolFull):
        spool.append_blocking([note("refused")])
    spool.release(spool.end())
    disk.fault = {}
    spool.append_blocking([note("taken")])
    assert sources(spool)[-1] == "taken"
    spool.close_blocking()


def test_a_folder_that_cannot_be_used_stops_the_start(tmp_path: Path) -> None:
    """A sentence names the folder and the reason."""
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="file/spool"):
        Spool(tmp_path / "file" / "spool", LIMITS)


def test_an_error_of_our_own_does_not_kill_the_writer(tmp_path: Path) -> None:
    """Even a disk that breaks its contract leaves senders with an answer."""
    disk = Faulty()
    spool = Spool(tmp_path / "spool", LIMITS, disk=disk)
    disk.fault = {"free": BROKEN}
    with pytest.raises(SpoolFull, match="log"):
        spool.append_blocking([note("refused")])
    disk.fault = {}
    spool.append_blocking([note("taken")])
    spool.close_blocking()


def fill(spool: Spool, taken: list[str]) -> None:
    """Append until the spool refuses."""
    while True:
        word = f"{len(taken)} " + "x" * 3000
        spool.append_blocking([note(word)])
        taken.append(word)


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 256 KiB."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("mounting a tmpfs needs root")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_really_full_disk(tiny: Path) -> None:
    """The kernel's own ENOSPC: refused without losing what was taken, and taking again after release."""
    disk = Faulty()
    disk.fault = {"free": 10**9}
    spool = Spool(tiny / "spool", Limits(min_free_bytes=0, segment_bytes=32 * 1024), disk=disk)
    taken = list[str]()
    with pytest.raises(SpoolFull, match="No space"):
        fill(spool, taken)
    assert sources(spool) == taken
    spool.release(spool.end())
    spool.append_blocking([note("again")])
    assert sources(spool)[-1] == "again"
    spool.close_blocking()
