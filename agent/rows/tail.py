"""Follows a growing file: reads on from a place, decodes whole records, and says where to go on."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from agent.rows.decode import Decoder
from agent.rows.shape import Memory
from detectors.types import Batch, Plain

LONGEST = 16 * 2**20
"""Bytes a record may have; a longer one is skipped and counted as `too_long`."""

Read: TypeAlias = Callable[[int, int], bytes]
"""Returns bytes from an offset on, at most so many; fewer at the end."""


@dataclass(frozen=True, slots=True)
class Place:
    """How far a file was read."""

    offset: int = 0
    head: tuple[str, ...] = ()
    """What its decoder keeps of the file's beginning."""
    skipping: bool = False
    """In the middle of a record that is too long."""

    def plain(self) -> dict[str, object]:
        """Return the place as data."""
        return {"offset": self.offset, "head": list(self.head), "skipping": self.skipping}

    @classmethod
    def restore(cls, saved: Plain) -> "Place":
        """Take back what `plain` returned."""
        return cls(saved["offset"], tuple(saved["head"]), saved["skipping"])


@dataclass(frozen=True, slots=True)
class Step:
    """One piece of a file, and where to go on after it."""

    batches: Sequence[Batch]
    place: Place
    dropped: Counter[str]


def follow(read: Read, size: int, place: Place, decoder: Decoder, memory: Memory, name: str, *, final: bool) -> Iterator[Step]:
    """Yield the pieces between `place` and `size` bytes; half a record at the end waits, unless the file is `final`.

    `memory` learns with each piece. Raises InputError for a file that cannot be read at all.
    """
    while place.offset < size:
        block = read(place.offset, min(decoder.block, size - place.offset))
        if place.skipping:
            place = _skip(place, block)
            yield Step((), place, Counter())
            continue
        piece = decoder.decode(block, memory.kinds, place.head, name, final=final and place.offset + len(block) >= size)
        if not piece.used and len(block) < size - place.offset:
            block = read(place.offset, min(LONGEST, size - place.offset))
            piece = decoder.decode(block, memory.kinds, place.head, name, final=final and place.offset + len(block) >= size)
        if piece.used:
            place, memory.kinds = Place(place.offset + piece.used, piece.head), piece.kinds
            yield Step(piece.batches, place, piece.dropped)
        elif len(block) >= LONGEST:
            place = replace(place, offset=place.offset + len(block), skipping=True)
            yield Step((), place, Counter({"too_long": 1}))
        else:
            return


def _skip(place: Place, block: bytes) -> Place:
    end = block.find(b"\n") + 1
    return replace(place, offset=place.offset + (end or len(block)), skipping=not end)
