"""The values one thing had lately, so that a value told once is not told again while it alternates with others."""

from collections.abc import Mapping
from dataclasses import dataclass

from detectors.types import Plain

MOST_VALUES = 50
"""Values remembered. Of a thing with so many at a time no more changes are told: it is an id, or somebody makes names up."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The values of one thing, such as the model of a stream. Times are nanoseconds of event time."""

    current: str
    """The value seen last."""
    start: int
    """When the first value was met."""
    since: int
    """When the newest value began: what lies wholly before it is history that came late."""
    last: Mapping[str, int]
    """Value to when it was last seen; a pause in which none was seen ages none."""

    def plain(self) -> Plain:
        """Return the fields as data."""
        return {"current": self.current, "start": self.start, "since": self.since, "last": dict(self.last)}

    @classmethod
    def take(cls, seen: "Seen | None", value: str, first: int, last: int, remember: int, settle: int = 0) -> "tuple[Seen, str | None]":
        """Take in a value seen from `first` to `last`; return the old value if that is a change, else None.

        No change: the very first value and what joins it within `settle`; the current value after any pause; a value that
        was there within `remember` of the newest sighting; records older than the start of the newest value; and what comes
        while 50 values were there within `remember`.

        >>> seen, _ = Seen.take(None, "a", 0, 9, remember=100)
        >>> seen, old = Seen.take(seen, "b", 10, 19, remember=100)
        >>> old, Seen.take(seen, "a", 20, 29, remember=100)[1]
        ('a', None)
        """
        if seen is None:
            return cls(value, first, first, {value: last}), None
        newest = max(seen.last.values())
        pause = first - newest if first - newest > remember else 0
        aged = {name: time + pause for name, time in seen.last.items()}
        before = aged.get(value)
        known = value == seen.current or (before is not None and newest + pause - before <= remember)
        full = len(aged) >= MOST_VALUES and all(newest + pause - time <= remember for time in aged.values())
        changed = not (known or full) and last >= seen.since and first >= seen.start + settle
        times = {**aged, value: last if before is None else max(before, last)}
        newer = sorted(times.items(), key=lambda item: (item[1], item[0]))[-MOST_VALUES:]
        since = max(first, seen.since) if changed else seen.since
        return cls(newer[-1][0], seen.start, since, dict(newer)), seen.current if changed else None
