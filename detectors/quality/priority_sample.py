"""A sample of bounded size in which every kept item knows how likely it was to be kept: bottom-k priority sampling."""

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Keys: TypeAlias = NDArray[np.uint64]

ALWAYS = 1e9
"""Importance of what is always kept, as long as there is room: errors, filtered calls, slow ones."""


def uniform(keys: Keys) -> Floats:
    """Return a number in (0, 1] for each key (a hash of trace or conversation id), the same on every replica.

    The bits are mixed (splitmix64, G. Steele, D. Lea, C. Flood, OOPSLA 2014): ids are not always random in their low bits.

    >>> uniform(np.array([1, 2], np.uint64)).round(3).tolist()
    [0.567, 0.591]
    """
    mixed = keys.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    shares: Floats = ((mixed >> np.uint64(11)).astype(np.float64) + 1) / 2**53
    return shares


@dataclass(frozen=True, slots=True)
class PrioritySample:
    """The `size` items of highest priority so far, and the threshold that the others stayed below.

    Priority is importance over the key's uniform number (N. Duffield, C. Lund, M. Thorup, J. ACM 54(6), 2007). Samples of
    replicas merge exactly: what one agent that saw everything would have kept.
    """

    size: int
    keys: Keys = field(default_factory=lambda: np.zeros(0, np.uint64))
    importance: Floats = field(default_factory=lambda: np.zeros(0, np.float64))
    threshold: float = 0.0
    """Highest priority that was not kept; 0 while everything fits."""
    seeds: Keys | None = None
    """What each kept item's number was drawn from; None: its key. Items of one seed and importance stay or go together."""

    def add(self, keys: Keys, importance: Floats, seeds: Keys | None = None) -> "PrioritySample":
        """Return the sample after items with keys of their own and positive importance; items already in it change nothing.

        `seeds` that items share decide of them together: where only some of them fit, none stays, so that all had one chance.
        Raises ValueError for an importance that is not positive and finite.
        """
        if not bool((np.isfinite(importance) & (importance > 0)).all()):
            raise ValueError("an importance is positive and finite: an item that can never be kept makes every estimate biased")
        everything = np.concatenate((self.keys, keys.astype(np.uint64)))
        weights = np.concatenate((self.importance, importance))
        drawn = np.concatenate((self.drawn, keys.astype(np.uint64) if seeds is None else seeds))
        _, first = np.unique(everything, return_index=True)
        everything, weights, drawn = everything[first], weights[first], drawn[first]
        priorities = weights / uniform(drawn)
        # By priority, then by key: two replicas that see the same in another order keep the same.
        order = np.lexsort((everything, -priorities))
        kept, out = order[: self.size], order[self.size :]
        threshold = max(self.threshold, float(priorities[out[0]]) if len(out) else 0.0)
        kept = kept[priorities[kept] > threshold] if threshold else kept
        alone = seeds is None and self.seeds is None
        return PrioritySample(self.size, everything[kept], weights[kept], threshold, None if alone else drawn[kept])

    def merge(self, other: "PrioritySample") -> "PrioritySample":
        """Return the sample of both streams together; the smaller size counts. Raises ValueError where a shared key has two importances."""
        size = min(self.size, other.size)
        shared, mine, its = np.intersect1d(self.keys, other.keys, return_indices=True)
        if len(shared) and not np.array_equal(self.importance[mine], other.importance[its]):
            raise ValueError("the same item has two importances: the replicas do not judge by the same rule")
        joint = PrioritySample(size, self.keys, self.importance, max(self.threshold, other.threshold), self.seeds)
        return joint.add(other.keys, other.importance, other.seeds)

    @property
    def drawn(self) -> Keys:
        """What each kept item's number was drawn from."""
        return self.keys if self.seeds is None else self.seeds

    @property
    def probabilities(self) -> Floats:
        """How likely each kept item was to be kept: min(1, importance / threshold); 1 while everything fits."""
        if not self.threshold:
            return np.ones(len(self.keys))
        return np.minimum(1.0, self.importance / self.threshold)

    def __len__(self) -> int:
        return len(self.keys)
