"""Group commit: an answer waits for its sync, and many answers share one."""

import asyncio
import threading
import time
from pathlib import Path

import pytest

from agent.config import Spool as Limits
from agent.spool.disk import Disk
from agent.spool.frame import Frame, encode
from agent.spool.position import START
from agent.spool.spool import Spool
from agent.spool.writer import GATHER_SECONDS


class Gate(Disk):
    """A disk whose syncs wait while the gate is shut, and are counted."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.reached = threading.Event()
        self.syncs = 0
        self.open.set()

    def sync(self, descriptor: int) -> None:
        """Wait for the gate."""
        self.syncs += 1
        self.reached.set()
        assert self.open.wait(30)
        super().sync(descriptor)


def note(number: int) -> bytes:
    """Encode a frame without a batch."""
    return encode(Frame(None, str(number), None, 1))


def opened(folder: Path, durability: str) -> tuple[Spool, Gate]:
    """Open a spool on a gated disk."""
    gate = Gate()
    limits = Limits(durability=durability, min_free_bytes=0)  # type: ignore[arg-type]  # from the table
    return Spool(folder / "spool", limits, disk=gate), gate


def test_no_answer_and_nothing_to_read_before_the_sync(tmp_path: Path) -> None:
    """Fifty senders wait behind one sync and are answered by the next one together."""
    spool, gate = opened(tmp_path, "commit")
    gate.open.clear()
    gate.reached.clear()

    async def senders() -> None:
        first = asyncio.ensure_future(spool.append([note(0)]))
        await asyncio.to_thread(gate.reached.wait, 30)
        others = [asyncio.ensure_future(spool.append([note(number)])) for number in range(1, 51)]
        await asyncio.sleep(0)
        assert not first.done()
        assert spool.read(START, 1000)[0] == []
        before = gate.syncs
        gate.open.set()
        await asyncio.gather(first, *others)
        assert gate.syncs == before + 1

    asyncio.run(senders())
    assert len(spool.read(START, 1_000_000)[0]) == 51
    spool.close_blocking()


@pytest.mark.parametrize("durability", ["interval", "write"])
def test_the_other_durabilities_do_not_wait(tmp_path: Path, durability: str) -> None:
    """With `interval` the sync comes by itself, with `write` never; neither is waited for."""
    spool, gate = opened(tmp_path, durability)
    at_start = gate.syncs
    gate.reached.clear()
    gate.open.clear()
    spool.append_blocking([note(1)])
    assert [frame.source for frame in spool.read(START, 1000)[0]] == ["1"]
    if durability == "interval":
        assert gate.reached.wait(30)
    gate.open.set()
    spool.close_blocking()
    assert (gate.syncs > at_start) == (durability == "interval")


def test_syncs_keep_a_distance_and_a_lone_request_does_not_wait(tmp_path: Path) -> None:
    """Requests one after the other are synced at most every five milliseconds; the first goes at once, and none is left."""
    spool, gate = opened(tmp_path, "commit")
    opening, started = gate.syncs, time.monotonic()
    for number in range(40):
        spool.append_blocking([note(number)])
    took = time.monotonic() - started
    assert gate.syncs - opening <= took / GATHER_SECONDS + 1
    assert len(spool.read(START, 1_000_000)[0]) == 40
    spool.close_blocking()
