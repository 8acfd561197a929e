"""A closed window as a reference keeps it: packed counts, or its whole profile as long as there are no cells."""

import zlib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.types import Profile, Window

Ints = NDArray[np.int64]


class When(NamedTuple):
    """When a window began."""

    start: int
    """Seconds since 1970 UTC."""
    day: int
    """Calendar day in the endpoint's time zone, as an ordinal."""
    hour: int
    """Of the local clock."""

    @classmethod
    def of(cls, window: Window) -> "When":
        """Return when a window began."""
        return cls(int(window.start.timestamp()), window.day, window.start.hour)


@dataclass(frozen=True, slots=True)
class StoredWindow:
    """A reference window, packed: its vectors one after another as uint32, compressed (some 130 bytes a feature)."""

    when: When
    packed: bytes
    generation: int = 0
    """How often cells had been replaced when it was counted."""

    @property
    def start(self) -> int:
        """Seconds since 1970 UTC."""
        return self.when.start

    @property
    def day(self) -> int:
        """Calendar day in the endpoint's time zone, as an ordinal."""
        return self.when.day

    @property
    def name(self) -> str:
        """What tells its counts from those of every other window of the stream."""
        return f"{self.generation}/{self.start}"

    @classmethod
    def pack(cls, when: When, joined: NDArray[np.integer], generation: int = 0) -> "StoredWindow":
        """Return the window of these counts: the vectors of all features, one after another."""
        return cls(when, zlib.compress(joined.astype("<u4").tobytes(), 1), generation)

    def unpack(self) -> NDArray[np.uint32]:
        """Return all vectors, one after another."""
        return np.frombuffer(zlib.decompress(self.packed), "<u4").astype(np.uint32)


@dataclass(frozen=True, slots=True)
class EarlyWindow:
    """A window from before cells existed."""

    when: When
    profile: Profile
