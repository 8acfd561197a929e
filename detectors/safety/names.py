"""A bounded set of filter categories nobody told us of: the first ones keep their name, later ones share one."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from detectors.safety.results import ANY, CATEGORIES
from detectors.types import Plain

OTHER = "__other__"
MOST = 20
"""Categories beside Azure's own that are told apart."""

_KNOWN = frozenset((*CATEGORIES, ANY))


@dataclass(frozen=True, slots=True)
class Names:
    """What earlier windows taught. It grows only when a window closes, so within a window the order of batches cannot matter."""

    kept: tuple[str, ...] = ()
    """New categories met so far."""
    blocks: bool = False
    """Whether a prompt was blocked without its category: this filter tells blocks, so a call it does not block is one it passed."""

    def plain(self) -> Plain:
        """Return the state as data."""
        return {"names": list(self.kept), "blocks": self.blocks}

    def name(self, category: str) -> str:
        """Return what a category is counted as.

        >>> Names(tuple(f"new_{i}" for i in range(MOST))).name("late")
        '__other__'
        """
        return category if category in _KNOWN or category in self.kept or len(self.kept) < MOST else OTHER

    def learn(self, seen: Mapping[str, int], *, blocks: bool) -> "Names":
        """Keep the most frequent new categories of a closed window, as long as there is room."""
        return Names((*self.kept, *_most(seen, self.kept, MOST - len(self.kept))), self.blocks or blocks)


def fold(seen: Mapping[str, int]) -> Mapping[str, str]:
    """Map each category of one batch or window to its name in metrics; all but the most frequent new ones share OTHER.

    >>> fold({"hate": 1, "mood": 1})["mood"]
    'mood'
    """
    kept = _KNOWN.union(_most(seen, (), MOST))
    return {name: name if name in kept else OTHER for name in seen}


def categories(*tallies: Mapping[str, int]) -> Counter[str]:
    """Count the categories of tallies, whose keys start with direction/category."""
    seen: Counter[str] = Counter()
    for tally in tallies:
        for key, count in tally.items():
            seen[key.split("/")[1]] += count
    return seen


def _most(seen: Mapping[str, int], known: Iterable[str], room: int) -> list[str]:
    fresh = set(seen) - _KNOWN - {OTHER, *known}
    return sorted(fresh, key=lambda name: (-seen[name], name))[:room]
