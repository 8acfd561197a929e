"""The spool: what was taken is read back in order, bounded, across stops and crashes."""

import asyncio
import itertools
import stat
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from agent.config import Spool as Limits
from agent.errors import ConfigError, Permanent, SpoolFull
from agent.spool.frame import Frame, encode
from agent.spool.position import START, Position
from agent.spool.segment import VERSION, head
from agent.spool.spool import Spool
from detectors.types import Batch, Plain

LIMITS = Limits(min_free_bytes=0)
SMALL = Limits(max_bytes=64 * 1024, segment_bytes=8 * 1024, min_free_bytes=0)


def frame(number: int, size: int = 1, source: str = "otlp", cursor: Plain | None = None) -> bytes:
    """Encode a frame that carries a number and about `8 * size` bytes."""
    return encode(Frame(Batch("e", "calls", size, {"id": np.full(size, number, np.uint64)}), source, cursor, 1))


def numbers(frames: Sequence[Frame]) -> list[int]:
    """Return the numbers frames carry."""
    ids = [each.batch.columns["id"] for each in frames if each.batch is not None]
    return [int(column[0]) for column in ids if isinstance(column, np.ndarray)]


def read_all(spool: Spool, position: Position = START, limit: int = 1000) -> tuple[list[int], Position]:
    """Return everything from a position on."""
    gathered = list[int]()
    while True:
        frames, position = spool.read(position, limit)
        if not frames:
            return gathered, position
        gathered += numbers(frames)


def fill(spool: Spool, taken: Iterator[int]) -> None:
    """Append until the spool refuses."""
    for number in taken:
        spool.append_blocking([frame(number, 100)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Name the spool's own folder."""
    return tmp_path / "spool"


@pytest.fixture
def spool(folder: Path) -> Iterator[Spool]:
    """Open a small spool."""
    opened = Spool(folder, SMALL)
    yield opened
    opened.close_blocking()


@pytest.mark.parametrize("durability", ["commit", "interval", "write"])
def test_frames_come_back_in_order(folder: Path, durability: str) -> None:
    """Over many segments, with every durability, in the same process and in the next."""
    limits = Limits(durability=durability, max_bytes=10**6, segment_bytes=4096, min_free_bytes=0)  # type: ignore[arg-type]  # from the table
    spool = Spool(folder, limits)
    for number in range(100):
        spool.append_blocking([frame(number, 20)])
    assert read_all(spool)[0] == list(range(100))
    assert len(list(folder.iterdir())) > 3
    spool.close_blocking()
    again = Spool(folder, limits)
    assert read_all(again)[0] == list(range(100))
    again.close_blocking()


def test_senders_in_a_loop_and_in_threads_share_one_commit(folder: Path) -> None:
    """Many senders at once: every frame is there once, each sender's own in its order."""
    spool = Spool(folder, LIMITS)

    async def sender(first: int) -> None:
        for number in range(first, first + 10):
            await spool.append([frame(number)])

    async def senders() -> None:
        await asyncio.gather(*(sender(100 * index) for index in range(8)))
        await spool.append([])

    def from_a_thread() -> None:
        for number in range(10_000, 10_010):
            spool.append_blocking([frame(number)])

    thread = threading.Thread(target=from_a_thread)
    thread.start()
    asyncio.run(senders())
    thread.join()
    found = read_all(spool)[0]
    assert sorted(found) == sorted([100 * index + number for index in range(8) for number in range(10)] + list(range(10_000, 10_010)))
    for index in range(8):
        mine = [number for number in found if number // 100 == index]
        assert mine == sorted(mine)
    asyncio.run(spool.close())


def test_a_sender_that_gave_up_harms_nobody(spool: Spool) -> None:
    """A cancelled append and a loop that has ended leave the writer alive."""

    async def give_up() -> None:
        task = asyncio.ensure_future(spool.append([frame(1)]))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(give_up())
    spool.append_blocking([frame(2)])
    assert read_all(spool)[0] == [1, 2]


def test_full_says_so_and_release_makes_room(spool: Spool, folder: Path) -> None:
    """At max_bytes senders are refused with a time to come back; counting what is there makes room again."""
    taken = itertools.count()
    with pytest.raises(SpoolFull) as refused:
        fill(spool, taken)
    assert refused.value.retry_after is not None
    assert spool.size <= SMALL.max_bytes
    assert sum(path.stat().st_size for path in folder.iterdir()) == spool.size
    found, position = read_all(spool)
    assert found == list(range(next(taken) - 1))
    before = len(list(folder.iterdir()))
    spool.release(position)
    assert len(list(folder.iterdir())) < before
    spool.append_blocking([frame(7, 100)])
    assert read_all(spool, position)[0] == [7]


def test_one_giant_append_does_not_block_for_ever(spool: Spool) -> None:
    """An append that fills the spool alone is deleted once it is counted, though it stands in the newest segment."""
    spool.append_blocking([frame(1, 7000)])
    with pytest.raises(SpoolFull):
        spool.append_blocking([frame(2, 7000)])
    _, position = read_all(spool)
    spool.release(position)
    spool.append_blocking([frame(3)])  # behind the new segment in the writer's queue
    spool.append_blocking([frame(4, 7000)])
    assert read_all(spool, position)[0] == [3, 4]


def test_what_never_fits_is_refused_for_good(spool: Spool) -> None:
    """More than max_bytes at once is not worth trying again."""
    with pytest.raises(Permanent, match=r"spool\.max_bytes"):
        spool.append_blocking([frame(1, 10_000)])


def test_release_keeps_what_is_not_counted(spool: Spool) -> None:
    """Only whole segments before the position go; the rest is read on."""
    for number in range(40):
        spool.append_blocking([frame(number, 100)])
    gathered, position, size = list[int](), START, spool.size
    for _ in range(15):
        frames, position = spool.read(position, 2000)  # ends amid segments too
        gathered += numbers(frames)
        spool.release(position)
    assert spool.size < size
    assert gathered + read_all(spool, position)[0] == list(range(40))
    assert read_all(spool)[0][-1] == 39


def test_cursors_are_the_newest_of_each_source(folder: Path) -> None:
    """Also of a source whose last frame lies in a segment that is gone."""
    spool = Spool(folder, SMALL)
    spool.append_blocking([frame(0, source="blobs", cursor={"hour": 7})])
    for number in range(60):
        spool.append_blocking([frame(number, 50, "files", {"line": number})])
    spool.append_blocking([encode(Frame(None, "empty", {"seen": True}, 1))])
    expected = {"blobs": {"hour": 7}, "files": {"line": 59}, "empty": {"seen": True}}
    assert spool.cursors() == expected
    spool.release(spool.end())
    for _ in range(3):
        spool.close_blocking()
        spool = Spool(folder, SMALL)
        assert spool.cursors() == expected
        assert len(list(folder.iterdir())) <= 2
    spool.close_blocking()


def test_wait(spool: Spool) -> None:
    """Waiting ends with a frame, with the time, and with the spool."""
    assert not spool.wait(spool.end(), 0.0)
    position = spool.end()
    sender = threading.Thread(target=lambda: spool.append_blocking([frame(1)]))
    sender.start()
    assert spool.wait(position, 30)
    sender.join()
    _, position = read_all(spool)
    closer = threading.Thread(target=spool.close_blocking)
    closer.start()
    assert not spool.wait(position, 30)
    closer.join()
    with pytest.raises(SpoolFull, match="closing"):
        spool.append_blocking([frame(2)])


def test_only_the_owner_may_read(folder: Path) -> None:
    """Files 0600 in a folder 0700, also when the folder was there with wider rights."""
    folder.mkdir(mode=0o755)
    spool = Spool(folder, SMALL)
    spool.append_blocking([frame(1)])
    spool.close_blocking()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_a_newer_version_is_refused(folder: Path) -> None:
    """A spool of a newer driftline stops the start with a sentence."""
    folder.mkdir()
    newer = bytearray(head(1, {}))
    newer[8] = VERSION + 1
    (folder / "00000001.seg").write_bytes(newer)
    with pytest.raises(ConfigError, match="newer driftline"):
        Spool(folder, SMALL)


def test_a_checkpoint_of_another_spool_reads_from_the_start(spool: Spool) -> None:
    """Where the spool was wiped and the store was not, nothing new is passed over."""
    spool.append_blocking([frame(1)])
    assert read_all(spool, Position(900, 12))[0] == [1]


def test_torn_tail_at_every_byte(folder: Path) -> None:
    """The last append cut or changed at any byte: it is gone as a whole, all before it stay, and appending goes on."""
    spool = Spool(folder, SMALL)
    spool.append_blocking([frame(1), frame(2)])
    keep = spool.end().offset
    spool.append_blocking([frame(3), frame(4)])
    spool.close_blocking()
    path = folder / "00000001.seg"
    whole = path.read_bytes()
    cases = [whole[:length] for length in range(keep, len(whole))]
    last = len(whole) - len(frame(4)) - 16
    cases += [whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :] for position in range(last, len(whole))]
    for case in cases:
        for old in folder.iterdir():
            old.unlink()
        path.write_bytes(case)
        again = Spool(folder, Limits(durability="write", min_free_bytes=0))
        again.append_blocking([frame(5)])
        assert read_all(again)[0] == [1, 2, 5]
        assert again.cut == len(case) - keep
        again.close_blocking()


def test_damage_amid_the_last_segment_costs_one_frame(folder: Path) -> None:
    """A bad frame with good ones behind it is skipped and counted; nothing behind it is cut."""
    spool = Spool(folder, SMALL)
    for number in range(5):
        spool.append_blocking([frame(number)])
    spool.close_blocking()
    path = folder / "00000001.seg"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    again = Spool(folder, SMALL)
    found = read_all(again)[0]
    assert len(found) == 4
    assert {found[0], found[-1]} == {0, 4}
    assert (again.corrupt, again.cut) == (1, 0)
    again.close_blocking()


def test_a_damaged_head_costs_nothing(folder: Path) -> None:
    """Frames and cursors behind a damaged head are still found; a head torn at birth is forgotten."""
    spool = Spool(folder, SMALL)
    spool.append_blocking([frame(1, source="files", cursor={"line": 1})])
    spool.close_blocking()
    spool = Spool(folder, SMALL)
    spool.append_blocking([frame(2, source="files", cursor={"line": 2})])
    spool.close_blocking()
    path = folder / "00000002.seg"
    data = path.read_bytes()
    path.write_bytes(b"?" + data[1:])
    (folder / "00000003.seg").write_bytes(data[:10])
    again = Spool(folder, SMALL)
    assert read_all(again)[0] == [1, 2]
    assert again.cursors() == {"files": {"line": 2}}
    assert again.corrupt >= 1
    again.close_blocking()
    assert not (folder / "00000003.seg").exists()
