"""What the number of a call is drawn from that says whether it is sampled: turns of one conversation share it."""

from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

_MOST = 65_536
"""Conversations of a window whose turns are counted; of what is forgotten later turns share a number with the first ones."""
_TURNS = 16
"""Turns of a conversation in a window that stay or go together; more of them make a second group, and so on. Else one session id
that an application gives to all its calls would be the whole sample, or no part of it."""
_ODD = np.uint64(0x9E3779B97F4A7C15)


@dataclass(slots=True)
class Turns:
    """Counts the turns of each conversation of one window."""

    together: int
    """Turns that share a number."""
    _seen: OrderedDict[int, int] = field(default_factory=OrderedDict)

    @classmethod
    def of(cls, size: int) -> "Turns":
        """Return a count for a sample of `size` calls, in which a group must not be more than a small part."""
        return cls(max(1, min(_TURNS, size // 16)))

    def seeds(self, conversations: NDArray[np.uint64], ids: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Return what each call's number is drawn from: its group of turns, or its own id where it is of no conversation (0).

        >>> turns = Turns(2)
        >>> first, second, third = turns.seeds(np.array([7, 7, 7], np.uint64), np.array([1, 2, 3], np.uint64)).tolist()
        >>> first == second, second == third
        (True, False)
        """
        found = ids.copy()
        rows = np.flatnonzero(conversations)
        named, place, number = np.unique(conversations[rows], return_inverse=True, return_counts=True)
        before = np.array([self._count(one, more) for one, more in zip(named.tolist(), number.tolist(), strict=True)], np.int64)
        order = np.argsort(place, kind="stable")
        rank = np.empty(len(rows), np.int64)
        rank[order] = np.arange(len(rows)) - np.repeat(np.cumsum(number) - number, number)
        group = ((before[place] + rank) // self.together).astype(np.uint64)
        found[rows] = conversations[rows] + group * _ODD
        return found

    def _count(self, conversation: int, more: int) -> int:
        before = self._seen.pop(conversation, 0)
        self._seen[conversation] = before + more
        if len(self._seen) > _MOST:
            self._seen.popitem(last=False)
        return before
