"""How far the collected data of an endpoint was read: the oldest period that may still grow, and its blobs."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from agent.rows.shape import Memory
from agent.rows.tail import Place
from agent.sources.azureml_blob import Blob
from agent.sources.azureml_periods import Rate, end_of, start_of
from detectors.types import Plain

FLUSH = timedelta(hours=1)
"""How long after its end a folder is still watched: the collector may write late."""


@dataclass(frozen=True, slots=True)
class Read:
    """A blob as far as it was read."""

    blob: Blob
    period: datetime
    place: Place = field(default_factory=Place)

    @property
    def done(self) -> bool:
        """Whether all of it was read."""
        return self.place.offset >= self.blob.size


@dataclass(slots=True)
class Cursor:
    """Changes as blobs are read; `plain` is what is stored."""

    start: datetime
    memory: Memory = field(default_factory=Memory)
    blobs: dict[str, Read] = field(default_factory=dict)

    @classmethod
    def restore(cls, saved: Plain | None, start: datetime) -> "Cursor":
        """Take back what `plain` returned; without it, begin at `start`."""
        if saved is None:
            return cls(start)
        blobs = {
            name: Read(Blob(name, size, etag, created), datetime.fromisoformat(period), Place.restore(place))
            for name, (size, etag, created, period, place) in saved["blobs"].items()
        }
        return cls(datetime.fromisoformat(saved["start"]), Memory(saved["kinds"]), blobs)

    def plain(self) -> Plain:
        """Return it as data."""
        return {
            "start": self.start.isoformat(),
            "kinds": {part: dict(kinds) for part, kinds in self.memory.kinds.items()},
            "blobs": {
                name: [read.blob.size, read.blob.etag, read.blob.created, read.period.isoformat(), read.place.plain()]
                for name, read in self.blobs.items()
            },
        }

    def changed(self, blob: Blob) -> bool:
        """Tell whether a listed blob is new or has grown since it was read."""
        known = self.blobs.get(blob.name)
        return known is None or (known.blob.etag, known.blob.created) != (blob.etag, blob.created) or not known.done

    def place(self, blob: Blob) -> Place:
        """Return where to read on; a blob that was made anew or became shorter is read from its start."""
        known = self.blobs.get(blob.name)
        if known is None or known.blob.created != blob.created or blob.size < known.place.offset:
            return Place()
        return known.place

    def forget(self, now: datetime, rate: Rate, *, quiet: set[datetime], listed: set[str]) -> int:
        """Let go of blobs that are gone and of periods that will not grow; return how many went with unread bytes.

        `quiet` are the periods in which nothing had changed. Periods go in order: one that still may grow keeps those
        after it, or they would be listed and read again.
        """
        lost = sum(not read.done for name, read in self.blobs.items() if name not in listed)
        self.blobs = {name: read for name, read in self.blobs.items() if name in listed}
        open_ = [read.period for read in self.blobs.values() if read.period not in quiet]
        self.start = max(self.start, min([start_of(now - FLUSH, rate), *open_]))
        self.blobs = {name: read for name, read in self.blobs.items() if read.period >= self.start}
        return lost


def complete(period: datetime, now: datetime, rate: Rate) -> bool:
    """Tell whether nobody writes to the folder of a period any more."""
    return end_of(period, rate) + FLUSH <= now
