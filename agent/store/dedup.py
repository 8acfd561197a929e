"""Which record ids were seen lately: a bounded set over uint64 columns, saved in small pieces."""

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Ids: TypeAlias = NDArray[np.uint64]

CAPACITY = 262_144
"""Ids remembered at most; the newest half of that is remembered at least."""


class RecentIds:
    """Two generations: the younger fills, and when it is full the older is forgotten."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._empty(0)

    def __len__(self) -> int:
        return len(self._younger.ids()) + len(self._older.ids())

    @property
    def generation(self) -> int:
        """Number of the generation that fills; of the earlier ones only the last is kept."""
        return self._generation

    def admit(self, ids: Ids) -> NDArray[np.bool_]:
        """Tell for each id whether it is new, and remember it. Id 0 is always new; of doubles the first is.

        >>> RecentIds().admit(np.array([7, 7, 0, 0, 8], np.uint64)).tolist()
        [True, False, True, True, True]
        """
        fresh: NDArray[np.bool_] = ids == 0
        ordered = np.sort(ids)
        first = np.arange(len(ids))
        if not (ordered[:1].all() and (ordered[1:] != ordered[:-1]).all()):
            # Some are none, or double.
            _, first = np.unique(ids, return_index=True)
            first.sort()
            first = first[ids[first] != 0]
        first = first[~self._older.holds(ids[first]) & ~self._younger.holds(ids[first])]
        fresh[first] = True
        self._remember(ids[first])
        return fresh

    def unsaved(self) -> list[tuple[int, Ids]]:
        """Return what came since `saved`, as (generation, ids); forgotten generations are left out."""
        return [(generation, ids) for generation, ids in self._unsaved if generation >= self._generation - 1]

    def saved(self) -> None:
        """Tell that everything `unsaved` returned is in the store."""
        self._unsaved.clear()

    def restore(self, parts: Iterable[tuple[int, Ids]]) -> None:
        """Begin again with what `unsaved` returned piece by piece, in the order in which it was saved."""
        self._empty(0)
        for generation, ids in parts:
            if generation > self._generation + 1:
                self._empty(generation)
            elif generation > self._generation:
                self._rotate()
            self._younger.add(ids[: self._younger.room])

    def _empty(self, generation: int) -> None:
        self._generation = generation
        self._younger = _Table(self._capacity // 2)
        self._older = _Table(self._capacity // 2)
        self._unsaved: list[tuple[int, Ids]] = []

    def _remember(self, ids: Ids) -> None:
        while len(ids):
            if not self._younger.room:
                self._rotate()
            part, ids = np.split(ids, [self._younger.room])
            self._younger.add(part)
            self._unsaved.append((self._generation, part))

    def _rotate(self) -> None:
        self._generation += 1
        self._older, self._younger = self._younger, _Table(self._capacity // 2)
        self._unsaved = self.unsaved()


class _Table:
    """A hash table of non-zero ids by open addressing, at most a quarter full; every step works on whole columns."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        bits = max(int(4 * capacity - 1).bit_length(), 1)
        self._slots: Ids = np.zeros(1 << bits, np.uint64)
        self._shift = np.uint64(64 - bits)
        self._count = 0

    @property
    def room(self) -> int:
        """How many more ids it takes."""
        return self._capacity - self._count

    def ids(self) -> Ids:
        """Return all ids, in no particular order."""
        found: Ids = self._slots[self._slots != 0]
        return found

    def holds(self, ids: Ids) -> NDArray[np.bool_]:
        """Tell for each id whether it is there."""
        found = np.zeros(len(ids), np.bool_)
        rows = np.arange(len(ids))
        places = self._places(ids)
        while len(rows):
            there = self._slots[places]
            found[rows[there == ids[rows]]] = True
            going = (there != 0) & (there != ids[rows])
            rows, places = rows[going], self._next(places[going])
        return found

    def add(self, ids: Ids) -> None:
        """Add ids, all different, none of them there; at most `room`."""
        self._count += len(ids)
        places = self._places(ids)
        while len(ids):
            free = self._slots[places] == 0
            self._slots[places[free]] = ids[free]  # of several for one place the last wins, the others go on
            left = self._slots[places] != ids
            ids, places = ids[left], self._next(places[left])

    def _places(self, ids: Ids) -> NDArray[np.intp]:
        # Fibonacci hashing (Knuth, The Art of Computer Programming 3, 6.4): ids need not be well mixed.
        return ((ids * np.uint64(0x9E3779B97F4A7C15)) >> self._shift).astype(np.intp)

    def _next(self, places: NDArray[np.intp]) -> NDArray[np.intp]:
        return (places + 1) & (len(self._slots) - 1)
