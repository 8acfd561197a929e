"""Which segments there are and how far each is committed: shared by the writer, the reader and whoever releases."""

import threading
from dataclasses import dataclass
from pathlib import Path

from agent.spool.position import START, Position
from agent.spool.segment import name


@dataclass(slots=True)
class Span:
    """Where the frames of a segment begin and where the committed ones end."""

    start: int
    end: int


class Segments:
    """Thread-safe. The newest segment is the only one that grows and the only one that is never deleted."""

    def __init__(self, folder: Path, spans: dict[int, Span]) -> None:
        self._folder = folder
        self._spans = dict(sorted(spans.items()))
        self._released = START
        self.changed = threading.Condition()
        """Notified whenever frames were committed."""

    @property
    def size(self) -> int:
        """Bytes on disk."""
        with self.changed:
            return sum(span.end for span in self._spans.values())

    @property
    def released(self) -> Position:
        """Up to here nothing is needed any more."""
        with self.changed:
            return self._released

    def path(self, number: int) -> Path:
        """Return the file of a segment."""
        return self._folder / name(number)

    def open(self, number: int, start: int) -> None:
        """Add a new, empty segment after all others."""
        with self.changed:
            self._spans[number] = Span(start, start)
        self._sweep()

    def commit(self, number: int, end: int) -> None:
        """Let readers see the newest segment up to `end`."""
        with self.changed:
            self._spans[number].end = end
            self.changed.notify_all()

    def wake(self) -> None:
        """Let everybody look again."""
        with self.changed:
            self.changed.notify_all()

    def end(self) -> Position:
        """Return the place behind the last committed frame."""
        with self.changed:
            return self._end()

    def locate(self, position: Position) -> tuple[Position, int]:
        """Return the nearest place at or after `position` where frames may stand, and the committed end of that segment.

        A position beyond the end was taken in another spool: reading begins with the oldest segment there is.
        """
        with self.changed:
            wanted = START if position > self._end() else position
            for number, span in self._spans.items():
                if number < wanted.segment:
                    continue
                offset = max(span.start, wanted.offset) if number == wanted.segment else span.start
                if offset < span.end:
                    return Position(number, offset), span.end
            return self._end(), self._end().offset

    def release(self, position: Position) -> None:
        """Delete every segment whose frames all lie before `position`."""
        with self.changed:
            self._released = max(self._released, min(position, self._end()))
        self._sweep()

    def _end(self) -> Position:
        newest = max(self._spans, default=None)
        return START if newest is None else Position(newest, self._spans[newest].end)

    def _sweep(self) -> None:
        with self.changed:
            newest = max(self._spans, default=None)
            for number, span in list(self._spans.items()):
                if number != newest and Position(number, span.end) <= self._released:
                    try:
                        self.path(number).unlink(missing_ok=True)
                    except OSError:
                        return  # still counted as taking room; the next release tries again
                    del self._spans[number]
