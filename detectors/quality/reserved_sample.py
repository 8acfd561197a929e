"""A priority sample with a reserved part for what is always kept, so that a storm of errors leaves room for everything else."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from detectors.quality.priority_sample import ALWAYS, Floats, Keys, PrioritySample

Rows: TypeAlias = NDArray[np.intp]

_RESERVED = 4
"""One part in so many is for what is always kept."""


@dataclass(frozen=True, slots=True)
class ReservedSample:
    """`always` and `rest` are samples of their own: each knows how likely its items were to be in it."""

    always: PrioritySample
    rest: PrioritySample

    @classmethod
    def of(cls, size: int) -> "ReservedSample":
        """Return an empty sample of `size` items, of at least four. Raises ValueError for fewer."""
        if size < _RESERVED:
            raise ValueError(f"a sample has room for four items at least, not {size}")
        return cls(PrioritySample(size // _RESERVED), PrioritySample(size - size // _RESERVED))

    def add(self, keys: Keys, importance: Floats, seeds: Keys | None = None) -> "ReservedSample":
        """Return the sample after items; an importance of `ALWAYS` puts one into the reserved part. `seeds` as in `PrioritySample.add`.

        >>> sample = ReservedSample.of(8).add(np.arange(1, 101, dtype=np.uint64), np.repeat([1.0, ALWAYS], 50))
        >>> len(sample.always), len(sample.rest)
        (2, 6)
        """
        reserved = importance >= ALWAYS
        return ReservedSample(
            self.always.add(keys[reserved], importance[reserved], _part(seeds, reserved)) if reserved.any() else self.always,
            self.rest.add(keys[~reserved], importance[~reserved], _part(seeds, ~reserved)) if not reserved.all() else self.rest,
        )

    def merge(self, other: "ReservedSample") -> "ReservedSample":
        """Return the sample of both streams together."""
        return ReservedSample(self.always.merge(other.always), self.rest.merge(other.rest))

    @property
    def keys(self) -> Keys:
        """Keys of all items in it."""
        return np.concatenate((self.always.keys, self.rest.keys))

    def probabilities(self, keys: Keys) -> Floats:
        """Return how likely each of these items was to be kept; NaN for one that is not in it."""
        found = np.full(len(keys), np.nan)
        for part in (self.always, self.rest):
            if len(part.keys):
                order = np.argsort(part.keys)
                place = np.minimum(np.searchsorted(part.keys[order], keys), len(order) - 1)
                there = part.keys[order][place] == keys
                found[there] = part.probabilities[order][place[there]]
        return found


def _part(seeds: Keys | None, rows: NDArray[np.bool_]) -> Keys | None:
    return None if seeds is None else seeds[rows]
