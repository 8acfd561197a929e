"""Segments: whatever happens to a byte, every other frame is still found."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import ConfigError, InputError
from agent.spool.segment import VERSION, framed, head, read_head, scan

PAYLOADS = [bytes([index]) * 8 * (index + 1) for index in range(1, 6)]


def written(payloads: list[bytes], number: int = 7) -> bytes:
    """Frames one after the other."""
    return b"".join(framed(payload, number, 0) + payload for payload in payloads)


def found(data: bytes, number: int = 7) -> list[bytes]:
    """Payloads of all frames in a segment that is these bytes."""
    return [bytes(frame.payload) for frame in scan(data, number, len(data)).frames]


def test_every_byte_of_every_frame_flipped() -> None:
    """One changed byte, wherever it is, costs the frame it is in and no other, and is counted once."""
    data = written(PAYLOADS)
    ends = [frame.end for frame in scan(data, 7, len(data)).frames]
    for position in range(len(data)):
        damaged = bytearray(data)
        damaged[position] ^= 0xFF
        hit = next(index for index, end in enumerate(ends) if position < end)
        assert found(bytes(damaged)) == PAYLOADS[:hit] + PAYLOADS[hit + 1 :]
        assert scan(bytes(damaged), 7, len(data)).damaged == 1


def test_every_truncation() -> None:
    """A file cut anywhere gives the frames before the cut."""
    data = written(PAYLOADS)
    ends = [frame.end for frame in scan(data, 7, len(data)).frames]
    for length in range(len(data)):
        assert found(data[:length]) == [payload for payload, end in zip(PAYLOADS, ends, strict=True) if end <= length]


@settings(deadline=None)
@given(st.lists(st.integers(1, 20).map(lambda size: bytes([size]) * size * 8), min_size=1, max_size=8), st.integers(16, 200), st.booleans())
def test_reading_in_pieces_finds_the_same(payloads: list[bytes], piece: int, damaged: bool) -> None:  # noqa: FBT001  # drawn
    """Pieces of any size give the same frames as the whole, damaged or not."""
    data = bytearray(written(payloads))
    if damaged:
        data[len(data) // 2] ^= 1
    offset, gathered = 0, list[bytes]()
    while offset < len(data):
        part = scan(bytes(data[offset : offset + piece]), 7, len(data) - offset)
        if not part.consumed:
            part = scan(bytes(data[offset : offset + part.wanted]), 7, len(data) - offset)
        gathered += [bytes(frame.payload) for frame in part.frames]
        assert part.consumed
        offset += part.consumed
    assert gathered == found(bytes(data))


def test_frames_of_another_segment_and_zeros_are_no_frames() -> None:
    """What an old file or a crashed file system left in the blocks is not taken for data."""
    assert found(written(PAYLOADS, number=8)) == []
    assert found(bytes(4096)) == []


def test_head() -> None:
    """The head gives back its cursors; a newer version is refused, a damaged one told apart."""
    data = head(7, {"files": {"offset": 5}})
    assert read_head(data + b"frames", 7, "a.seg") == ({"files": {"offset": 5}}, len(data))
    newer = data[:8] + (VERSION + 1).to_bytes(4, "little") + data[12:]
    with pytest.raises(ConfigError, match=r"a\.seg was written by a newer driftline"):
        read_head(newer, 7, "a.seg")
    for wrong in (data[:-9], b"", b"x" + data[1:], data[:25] + b"\xff" + data[26:]):
        with pytest.raises(InputError):
            read_head(wrong, 7, "a.seg")
    with pytest.raises(InputError):
        read_head(data, 8, "a.seg")
