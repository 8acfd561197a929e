"""Opens a folder of segments after a stop or a crash: cuts the torn tail, finds the newest cursors."""

import os
from dataclasses import dataclass
from pathlib import Path

from agent.errors import InputError
from agent.spool.frame import cursor_of
from agent.spool.segment import CURSOR, MORE, read_head, scan
from agent.spool.segments import Span
from detectors.types import Plain

_HEAD_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was found in the folder."""

    spans: dict[int, Span]
    cursors: dict[str, Plain]
    """Newest of each source."""
    newest: int
    """Number of the last segment ever made; 0 in an empty folder."""
    empty: tuple[int, ...]
    """Segments without a frame."""
    cut: int
    """Bytes of unfinished appends that were removed."""
    damaged: int
    """Segments with a damaged head."""


def recover(folder: Path) -> Recovered:
    """Look through the segments. Raises ConfigError when a newer driftline wrote one, OSError from the disk."""
    files = {int(path.stem): path for path in folder.glob("*.seg") if path.stem.isdecimal()}
    heads = {number: _head(path, number) for number, path in sorted(files.items())}
    spans = {number: Span(head[1] if head else 0, files[number].stat().st_size) for number, head in heads.items()}
    cut = 0
    if files:
        newest = max(files)
        cut = _cut_tail(files[newest], newest, spans[newest])
    cursors = _cursors(files, heads, spans)
    empty = tuple(number for number, span in spans.items() if span.end <= span.start)
    for number in empty:
        del spans[number]
    damaged = sum(head is None for number, head in heads.items() if number in spans)
    return Recovered(spans, cursors, max(files, default=0), empty, cut, damaged)


def _head(path: Path, number: int) -> tuple[dict[str, Plain], int] | None:
    with path.open("rb") as file:
        data = file.read(_HEAD_BYTES)
        try:
            return read_head(data, number, str(path))
        except InputError:
            whole = data + file.read()
    try:
        return read_head(whole, number, str(path))  # many cursors make a long head
    except InputError:
        return None


def _cut_tail(path: Path, number: int, span: Span) -> int:
    """Remove what follows the last whole append; a damaged place with good frames behind it is left to the reader."""
    data = path.read_bytes()
    found = scan(memoryview(data)[span.start :], number, len(data) - span.start)
    whole = [frame.end for frame in found.frames if not frame.flags & MORE]
    end = span.start + whole[-1] if whole else min(span.start, len(data))
    if end < len(data):
        os.truncate(path, end)
    span.end = end
    return len(data) - end


def _cursors(files: dict[int, Path], heads: dict[int, tuple[dict[str, Plain], int] | None], spans: dict[int, Span]) -> dict[str, Plain]:
    """Return the newest cursors: those in the last good head, then those of the frames from there on."""
    cursors: dict[str, Plain] = {}
    first = max((number for number, head in heads.items() if head), default=0)
    for number in sorted(number for number in files if number >= first):
        head = heads[number]
        cursors |= head[0] if head else {}
        span = spans[number]
        data = files[number].read_bytes()[span.start : span.end]
        for frame in scan(data, number, len(data)).frames:
            moved = cursor_of(frame.payload) if frame.flags & CURSOR else None
            if moved is not None:
                cursors[moved[0]] = moved[1]
    return cursors
