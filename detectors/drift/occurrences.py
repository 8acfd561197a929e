"""Where the further values of a category were seen, so that a value only one block of the reference has is told as such."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from detectors.types import Plain

_WEEK = 7


@dataclass(frozen=True, slots=True)
class Occurrences:
    """Value to (window, rows). A value seen in two calendar weeks of the reference is in two blocks for good: it is forgotten."""

    places: Mapping[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    """An empty entry is a forgotten value."""

    def add(self, window: int, tally: Mapping[str, int], weeks: Sequence[int]) -> "Occurrences":
        """Return the occurrences with one more window; `weeks` are those of all windows, since the first day.

        >>> Occurrences().add(0, {"x": 2, "y": 1}, [0, 1]).add(1, {"x": 1}, [0, 1]).places
        {'x': (), 'y': ((0, 1),)}
        """
        places = dict(self.places)
        for value, rows in tally.items():
            seen = places.get(value)
            if seen is None:
                places[value] = ((window, rows),)
            elif seen:
                places[value] = () if weeks[seen[0][0]] != weeks[window] else (*seen, (window, rows))
        return Occurrences(places)

    def unseen(self, blocks: NDArray[np.intp], kept: Mapping[int, int]) -> NDArray[np.int64]:
        """Return the rows of each window whose value no other block has; `kept` maps windows to their place in `blocks`."""
        rows = np.zeros(len(blocks), np.int64)
        for seen in self.places.values():
            inside = [(kept[window], count) for window, count in seen if window in kept]
            if inside and len({int(blocks[place]) for place, _ in inside}) == 1:
                for place, count in inside:
                    rows[place] += count
        return rows

    def plain(self) -> Plain:
        """Return it as data; `occurrences_from` takes it back."""
        return {value: [list(place) for place in seen] for value, seen in self.places.items()}


def occurrences_from(saved: Plain) -> Occurrences:
    """Return the occurrences that `plain` described."""
    return Occurrences({value: tuple((window, rows) for window, rows in seen) for value, seen in saved.items()})


def week(day: int, first: int) -> int:
    """Return the week of a day, counted from the first day of the reference.

    >>> week(15, 1)
    2
    """
    return (day - first) // _WEEK


def only_block(counts: NDArray[np.int64], blocks: NDArray[np.intp]) -> NDArray[np.int64]:
    """Return the rows of each window in columns that only its own block filled; counts are [windows, columns]."""
    if not len(counts):
        return np.zeros(0, np.int64)
    filled = np.zeros((int(blocks.max()) + 1, counts.shape[1]), np.int64)
    np.add.at(filled, blocks, counts)
    alone = (filled > 0).sum(axis=0) == 1
    total: NDArray[np.int64] = counts[:, alone].sum(axis=1)
    return total
