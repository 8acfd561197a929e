"""Embeddings somebody else made: how far each is from what is usual, which usual group it is near, how long it is."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.features.centroids import Centroids, directions, nothing
from detectors.types import Plain

Floats = NDArray[np.float64]

MOST = 8192
"""Dimensions at most: squares of longer ones would not add up exactly."""


@dataclass(frozen=True, slots=True)
class Directions:
    """What directions the embeddings of a column usually have."""

    centroids: Centroids

    @property
    def dimension(self) -> int:
        """Values of an embedding."""
        return int(self.centroids.sums.shape[1])

    def measure(self, vectors: Floats) -> tuple[Floats, NDArray[np.intp]]:
        """Return for [rows, dimension] 1 - cosine to the nearest group's middle (0 to 2) and that group; NaN and -1 for zeros."""
        units, usable = directions(vectors)
        distance, group = self.centroids.near(units)
        return np.where(usable, distance, np.nan), np.where(usable, group, -1)

    def plain(self) -> Plain:
        """Return it as data."""
        return self.centroids.plain()

    @classmethod
    def restore(cls, saved: Plain) -> "Directions":
        """Take back what `plain` returned."""
        return cls(Centroids.restore(saved))

    @classmethod
    def fit(cls, rows: Sequence[Floats], random: "np.random.Generator") -> "Directions":
        """Learn from embeddings; those of another dimension than most are left out."""
        dimension = Counter(len(row) for row in rows).most_common(1)[0][0]
        units, usable = directions(np.array([row for row in rows if len(row) == dimension], np.float64))
        return cls(Centroids.fit(units[usable], random) if usable.any() else nothing(dimension))
