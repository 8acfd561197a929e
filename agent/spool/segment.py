"""The format of a segment file: a head with the newest cursors, then frames, each with a marker, its length and a CRC."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from zlib import crc32

from agent.errors import ConfigError, InputError
from agent.plain import pack, unpack
from detectors.types import Plain

VERSION = 1
MORE = 1
"""Flag of a frame: the next one belongs to the same append; an append is kept whole or not at all."""
CURSOR = 2
"""Flag of a frame: it moves the cursor of its source."""

_MAGIC = b"drftline"
_HEAD = struct.Struct("<8sIIII")
"""Magic, version, number of the segment, bytes of the cursors, CRC of the cursors."""
_MARK = b"\xd7frm"
_FRAME = struct.Struct("<4sIIHH")
"""Mark, bytes of the payload, CRC, lower half of the segment's number, flags. Frames begin at multiples of 8."""
FRAME_HEAD = _FRAME.size
MAX_PAYLOAD = 2**31


def name(number: int) -> str:
    """Return the file name of a segment.

    >>> name(7)
    '00000007.seg'
    """
    return f"{number:08d}.seg"


def head(number: int, cursors: Mapping[str, Plain]) -> bytes:
    """Return the first bytes of a segment; `cursors` are the newest of each source when it was opened."""
    saved = pack(cursors)
    return _HEAD.pack(_MAGIC, VERSION, number, len(saved), crc32(saved)) + saved + bytes(-len(saved) % 8)


def read_head(data: bytes, number: int, file: str) -> tuple[dict[str, Plain], int]:
    """Return the cursors and the offset of the first frame.

    `data` begins the file. Raises InputError where the head is damaged and ConfigError where a newer driftline wrote it.
    """
    if len(data) < _HEAD.size or data[:8] != _MAGIC:
        raise InputError(f"{file} does not begin like a segment of the spool")
    _, version, found, size, checksum = _HEAD.unpack_from(data)
    if version > VERSION:
        raise ConfigError(
            f"{file} was written by a newer driftline (segment format {version}, this one reads {VERSION}): "
            "run that version until the spool is empty, or give another `state` folder"
        )
    saved = data[_HEAD.size : _HEAD.size + size]
    if version != VERSION or found != number or len(saved) != size or crc32(saved) != checksum:
        raise InputError(f"the head of {file} is damaged")
    cursors: dict[str, Plain] = unpack(saved)
    return cursors, _HEAD.size + size + -size % 8


def framed(payload: bytes, number: int, flags: int) -> bytes:
    """Return the bytes that go before a payload in segment `number`. `len(payload)` must be a positive multiple of 8."""
    return _FRAME.pack(_MARK, len(payload), _checksum(payload, number & 0xFFFF, flags), number & 0xFFFF, flags)


@dataclass(frozen=True, slots=True)
class Found:
    """A whole frame."""

    payload: memoryview
    flags: int
    end: int
    """Where the next one begins, from the start of the scanned bytes."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What a stretch of a segment holds."""

    frames: tuple[Found, ...]
    consumed: int
    """Bytes that need not be looked at again."""
    wanted: int
    """Bytes from `consumed` on that the next frame needs; 0 where nothing is cut off."""
    damaged: int
    """Places where frames were skipped."""


def scan(data: bytes | memoryview, number: int, room: int) -> Scan:
    """Find the frames of segment `number` in `data`, which starts at a frame; the segment has `room` bytes from there on.

    A frame that fails its CRC is skipped: the next mark at a multiple of 8 with a good CRC goes on.
    """
    view = memoryview(data)
    frames = list[Found]()
    offset = damaged = 0
    broken = False
    while offset < len(view):
        found, wanted = _frame_at(view, offset, number & 0xFFFF, room)
        if found is not None:
            frames.append(found)
            offset, broken = found.end, False
        elif wanted:
            return Scan(tuple(frames), offset, wanted, damaged)
        else:
            damaged += not broken
            broken = True
            offset = _next_mark(view, offset + 8, room)
    return Scan(tuple(frames), min(offset, room), 0, damaged)


def _frame_at(view: memoryview, offset: int, number: int, room: int) -> tuple[Found | None, int]:
    """Return the frame at `offset`, or None and the bytes it needs: 0 where there can be none."""
    if len(view) - offset < _FRAME.size:
        return None, _FRAME.size if room - offset >= _FRAME.size else 0
    mark, size, checksum, its_number, flags = _FRAME.unpack_from(view, offset)
    start, end = offset + _FRAME.size, offset + _FRAME.size + size
    if mark != _MARK or its_number != number or size == 0 or size % 8 or end > room:
        return None, 0
    if end > len(view):
        return None, _FRAME.size + size
    payload = view[start:end]
    if _checksum(payload, number, flags) != checksum:
        return None, 0
    return Found(payload, flags, end), 0


def _next_mark(view: memoryview, offset: int, room: int) -> int:
    """Return the next multiple of 8 at which a frame may begin, or where to go on with more bytes."""
    data = view.obj if isinstance(view.obj, bytes) and len(view.obj) == len(view) else bytes(view)
    found = data.find(_MARK, offset)
    while found >= 0 and found % 8:
        found = data.find(_MARK, found + 1)
    if found >= 0:
        return found
    return room if len(view) >= room else max(offset, len(view) - len(view) % 8)


def _checksum(payload: bytes | memoryview, number: int, flags: int) -> int:
    return crc32(payload, crc32(struct.pack("<IHH", len(payload), number, flags)))
