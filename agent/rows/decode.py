"""Decoders: a block of bytes from a growing file becomes batches, and says how much of it was whole records."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from agent.rows import csv_text, json_text, values
from agent.rows.events import Assembly, Event, Load, event
from agent.rows.shape import Kinds, Shape
from detectors.types import Batch


@dataclass(frozen=True, slots=True)
class Piece:
    """What a block held."""

    batches: Sequence[Batch] = ()
    used: int = 0
    """Bytes of whole records; the rest comes again with what follows."""
    kinds: Mapping[str, Kinds] = field(default_factory=dict)
    """Kinds of columns by part; `""` for tables without parts. Kept for the whole source."""
    head: tuple[str, ...] = ()
    """What later blocks of the same file need: the delimiter and the names of a CSV file."""
    dropped: Counter[str] = field(default_factory=Counter)


class Decoder(Protocol):
    """A format that can be read while it grows."""

    @property
    def block(self) -> int:
        """Bytes to read at once."""
        ...

    def decode(self, block: bytes, kinds: Mapping[str, Kinds], head: tuple[str, ...], name: str, *, final: bool) -> Piece:
        """Decode whole records; with `final` the last one needs no end of line. Raises InputError for an unreadable file."""
        ...


@dataclass(frozen=True, slots=True)
class Csv:
    """Comma-separated values with a header line."""

    shape: Shape
    block: int = 4 * 2**20

    def decode(self, block: bytes, kinds: Mapping[str, Kinds], head: tuple[str, ...], name: str, *, final: bool) -> Piece:
        """See Decoder."""
        start = 0
        if not head:
            header = csv_text.header(block, name, final=final)
            if header is None:
                return Piece(kinds=kinds)
            head, start = (header.delimiter, *header.names), header.size
        body = block[start:]
        used, dropped = len(body), Counter[str]()
        if not final:
            used = len(body := body[: csv_text.whole(body, head[0])])
        elif lines := csv_text.unclosed(body, head[0]):
            # One quote too many swallows the rest of the file: that must not look like one row.
            body, dropped[csv_text.OPEN_QUOTE] = body[: csv_text.whole(body, head[0])], lines
        known = kinds.get("", {})
        numbers = frozenset(column for column, kind in known.items() if kind == "number")
        columns, rows = csv_text.parse(body, head[0], head[1:], numbers, dropped)
        batch, known, lost = self.shape.batch(columns, rows, known, {}, name)
        return Piece((batch,) if batch.rows else (), start + used, {**kinds, "": known}, head, dropped + lost)


@dataclass(frozen=True, slots=True)
class JsonLines:
    """One record a line."""

    shape: Shape
    block: int = 2 * 2**20

    def decode(self, block: bytes, kinds: Mapping[str, Kinds], head: tuple[str, ...], name: str, *, final: bool) -> Piece:
        """See Decoder."""
        used = len(block) if final else json_text.whole(block)
        dropped: Counter[str] = Counter()
        rows = json_text.parse(block[:used], dropped)
        if not rows:
            return Piece((), used, kinds, head, dropped)
        batch, known, lost = self.shape.batch(values.columns(rows), len(rows), kinds.get("", {}), {}, name)
        return Piece((batch,) if batch.rows else (), used, {**kinds, "": known}, head, dropped + lost)


@dataclass(frozen=True, slots=True)
class CollectorLines:
    """What Azure ML's data collector stores: one CloudEvent a line, its `data` the rows."""

    assembly: Assembly
    load: Load | None = None
    block: int = 256 * 2**10
    """Small, so that inputs and outputs read in turn stay close to each other."""
    deployment: str | None = None
    """The deployment of events that do not name theirs."""

    def decode(self, block: bytes, kinds: Mapping[str, Kinds], head: tuple[str, ...], name: str, *, final: bool) -> Piece:
        """See Decoder."""
        used = len(block) if final else json_text.whole(block)
        dropped: Counter[str] = Counter()
        events: list[Event] = []
        for line in json_text.parse(block[:used], dropped):
            try:
                events.append(event(line, self.deployment, self.load))
            except ValueError as error:
                dropped[str(error)] += 1
        batches, known, lost = self.assembly.batches(events, kinds, name)
        return Piece(batches, used, known, head, dropped + lost)
