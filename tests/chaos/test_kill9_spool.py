"""Killed again and again at random: nothing acknowledged is lost, nothing is counted twice.

Run as a program this file is the process that gets killed.
"""

import os
import random
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from agent.config import Spool as Limits
from agent.lock import Lock
from agent.point import Point
from agent.spool.frame import Frame, encode
from agent.spool.position import START, Position
from agent.spool.spool import Spool
from agent.store.dedup import RecentIds
from agent.store.store import Store
from alerts.event import Event
from detectors.catalog import AGENT_HEARTBEAT
from detectors.types import Batch

ROOT = Path(__file__).parents[2]
SENDERS = 3
PULL = 1 << 40
"""Ids of the pull source begin here; sender n has those from n << 32."""
ACK = struct.Struct("<Q")


def limits(durability: str) -> Limits:
    """Make segments small, so that they come and go while the process is killed."""
    return Limits(durability=durability, max_bytes=4_000_000, segment_bytes=16_384, min_free_bytes=0)  # type: ignore[arg-type]  # from the table


def frame(first: int, rows: int, source: str, cursor: int | None = None) -> bytes:
    """Encode ids from `first` on."""
    batch = Batch("e", "calls", rows, {"id": np.arange(first, first + rows, dtype=np.uint64)})
    return encode(Frame(batch, source, None if cursor is None else {"next": cursor}, 1))


def send(spool: Spool, first: int) -> None:
    """Send ids for ever and tell each one that was acknowledged."""
    for number in range(first, first + 1_000_000):
        spool.append_blocking([frame(number, 1, "otlp")])
        os.write(1, ACK.pack(number))


def pull(spool: Spool) -> None:
    """Poll chunks of two batches of two ids for ever; where to go on stands in the spool alone."""
    number = int(spool.cursors().get("pull", {"next": PULL})["next"])
    while True:
        spool.append_blocking([frame(number, 2, "pull"), frame(number + 2, 2, "pull", number + 4)])
        number += 4
        os.write(1, ACK.pack(number - 1))


def stretch(spool: Spool, store: Store, recent: RecentIds, position: Position) -> Position:
    """Read once and save all of what it leads to; ids of the pull source are not deduplicated."""
    frames, position = spool.read(position, 20_000)
    ids = [int(each) for each in _ids(frames, "pull")]
    sent = np.array(_ids(frames, "otlp"), np.uint64)
    ids += sent[recent.admit(sent)].tolist()
    with store.transaction() as transaction:
        transaction.put("position", {"at": list(position)})
        transaction.put("counted", {"ids": store_count(store) + len(ids)})
        transaction.add_ids(recent)
        transaction.enqueue([Point(AGENT_HEARTBEAT, (), float(number), 1) for number in ids], ())
    spool.release(position)
    return position


def store_count(store: Store) -> int:
    """Return the checkpointed number of ids."""
    saved = store.get("counted")
    return 0 if saved is None else int(saved["ids"])


def _ids(frames: list[Frame], source: str) -> list[int]:
    columns = [each.batch.columns["id"] for each in frames if each.batch is not None and each.source == source]
    return [number for column in columns if isinstance(column, np.ndarray) for number in column.tolist()]


def run(folder: Path, durability: str, firsts: list[int]) -> None:
    """Be an agent until killed."""
    with Lock(folder), Store(folder / "store.sqlite") as store:
        spool = Spool(folder / "spool", limits(durability))
        recent = RecentIds()
        store.restore_ids(recent)
        saved = store.get("position")
        position = Position(*saved["at"]) if saved else START
        for first in firsts:
            threading.Thread(target=send, args=(spool, first), daemon=True).start()
        threading.Thread(target=pull, args=(spool,), daemon=True).start()
        while True:
            if spool.wait(position, 1.0):
                position = stretch(spool, store, recent, position)


def acknowledged(process: "subprocess.Popen[bytes]", wanted: int) -> Iterator[int]:
    """Yield ids until so many were acknowledged, kill the process, then yield what was still in the pipe."""
    assert process.stdout is not None
    seen = 0
    while data := process.stdout.read(ACK.size):
        yield from ACK.unpack(data)
        seen += 1
        if seen == wanted:
            process.kill()


def exported(store: Store) -> list[int]:
    """Return every id in the outbox."""
    items, _ = store.outbox.next("sink", 10_000_000)
    return [int(point.value) for item in items if not isinstance(item, Event) for point in item if isinstance(point.value, float)]


@pytest.mark.parametrize(("durability", "rounds"), [("commit", 12), ("write", 12)])
def test_kill_9(tmp_path: Path, durability: str, rounds: int) -> None:
    """After every kill the acknowledged ids are in checkpoint or spool, and checkpoint and outbox agree.

    Senders repeat the last acknowledged id and what follows, the pull source goes on from its cursor: in the end each id came out once.
    """
    dice = random.Random(durability)  # when to kill
    with Store(tmp_path / "store.sqlite") as store:
        store.outbox.register(["sink"])
    acked = set[int]()
    following = [sender << 32 for sender in range(SENDERS)]
    for _ in range(rounds):
        command = [sys.executable, __file__, str(tmp_path), durability, *map(str, following)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}) as process:
            for number in acknowledged(process, dice.randrange(1, 600)):
                acked.add(number)
                if number < PULL:
                    following[number >> 32] = number  # as if this answer had been lost: it is sent again
        with Lock(tmp_path), Store(tmp_path / "store.sqlite") as store:
            spool = Spool(tmp_path / "spool", limits(durability))
            saved = store.get("position")
            position = Position(*saved["at"]) if saved else START
            out = exported(store)
            assert store_count(store) == len(out) == len(set(out))
            waiting = set[int]()
            while frames := (read := spool.read(position, 1_000_000))[0]:
                waiting |= {*_ids(frames, "otlp"), *_ids(frames, "pull")}
                position = read[1]
            assert acked <= waiting | set(out)
            spool.close_blocking()
    with Lock(tmp_path), Store(tmp_path / "store.sqlite") as store:
        spool, recent = Spool(tmp_path / "spool", limits(durability)), RecentIds()
        store.restore_ids(recent)
        position = Position(*store.get("position")["at"])
        while spool.wait(position, 0.0):
            position = stretch(spool, store, recent, position)
        out = exported(store)
        assert len(out) == len(set(out))
        pulled = [number for number in out if number >= PULL]
        assert pulled == list(range(PULL, PULL + len(pulled)))
        assert acked <= set(out)
        assert spool.corrupt == 0
        spool.close_blocking()


if __name__ == "__main__":
    run(Path(sys.argv[1]), sys.argv[2], [int(first) for first in sys.argv[3:]])
