"""How many rows past windows had: a few bytes each, of the last eight weeks."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from detectors.drift.stored_window import When
from detectors.types import Plain

Ints = NDArray[np.int64]

DAYS = 56
"""Calendar days before a window that say what is usual."""
MOST = 9000
"""Windows kept: eight weeks of a quarter of an hour, six days of a minute."""
_SPARE = 8  # days beyond the 56, so that a week's fit finds all of them


def _none() -> Ints:
    return np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Volumes:
    """Windows in the order they came, with rows or few: those too small to be judged for drift count here as well."""

    starts: Ints = field(default_factory=_none)
    """Seconds since 1970 UTC."""
    days: Ints = field(default_factory=_none)
    """Calendar day in the endpoint's time zone, as an ordinal."""
    hours: Ints = field(default_factory=_none)
    """Of the local clock."""
    rows: Ints = field(default_factory=_none)
    live: bool = False
    """Whether one of them was live. The first often is not whole: the agent started in it."""

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, when: When, rows: int, *, live: bool) -> "Volumes":
        """Return the volumes with one more window; the oldest go.

        >>> Volumes().add(When(0, 719163, 0), 5, live=True).rows.tolist()
        [5]
        """
        old = int(np.searchsorted(self.days, when.day - DAYS - _SPARE)) if len(self) and self.days[0] < when.day - DAYS - _SPARE else 0
        kept = slice(max(old, len(self) + 1 - MOST), None)
        return replace(
            self,
            starts=np.append(self.starts[kept], when.start),
            days=np.append(self.days[kept], when.day),
            hours=np.append(self.hours[kept], when.hour),
            rows=np.append(self.rows[kept], rows),
            live=self.live or live,
        )

    def of(self, places: NDArray[np.bool_]) -> "Volumes":
        """Return the windows at these places."""
        return replace(self, starts=self.starts[places], days=self.days[places], hours=self.hours[places], rows=self.rows[places])

    def plain(self) -> Plain:
        """Return them as data; `volumes_from` takes it back."""
        return {
            "starts": self.starts.astype(np.uint32),
            "days": self.days.astype(np.uint32),
            "hours": self.hours.astype(np.uint8),
            "rows": self.rows,
            "live": self.live,
        }


def volumes_from(saved: Plain | None) -> Volumes:
    """Return the volumes that `Volumes.plain` described; none where there are none."""
    if saved is None:
        return Volumes()
    starts, days, hours, rows = (np.asarray(saved[name]).astype(np.int64) for name in ("starts", "days", "hours", "rows"))
    return Volumes(starts, days, hours, rows, saved["live"])
