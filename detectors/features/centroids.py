"""Groups of directions that are usual, and how far a new one is from the nearest: exact, whatever batch it comes in."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.types import Plain

Floats = NDArray[np.float64]

GROUPS = 16
"""Groups that are learnt; of 16 and 32, 16 saw shifts between known topics as well and new topics in fewer rows."""
UNIT = 2.0**14
"""Fixed-point steps of a unit vector. Products of two such vectors are integers that float64 adds exactly in any order."""
_ROUNDS = 20


def directions(vectors: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Return whole numbers [rows, dimension], each row of length `UNIT`, and which rows have a direction at all.

    Every step is exact or concerns one value alone, so a row's result does not depend on the rows beside it.

    >>> directions(np.array([[3.0, 4.0], [0.0, 0.0]]))[0].tolist()
    [[9830.0, 13107.0], [0.0, 0.0]]
    """
    largest = np.abs(vectors).max(axis=1, initial=0.0, keepdims=True)
    usable = (largest > 0) & np.isfinite(largest)
    whole = np.rint(np.divide(vectors, largest, out=np.zeros_like(vectors), where=usable) * 2.0**20)
    length = np.sqrt(np.square(whole).sum(axis=1, keepdims=True))
    return np.rint(np.divide(whole, length, out=np.zeros_like(whole), where=length > 0) * UNIT), usable[:, 0]


@dataclass(frozen=True, slots=True)
class Centroids:
    """The middles of groups of directions."""

    middles: Floats
    """[groups, dimension] whole numbers, each row of length `UNIT`."""

    def near(self, units: Floats) -> tuple[Floats, NDArray[np.intp]]:
        """Return for `directions` [rows, dimension] 1 - cosine to the nearest middle, in steps of 1/4096, and which it is."""
        products = units @ self.middles.T
        found = products.argmax(axis=1)
        nearest = np.take_along_axis(products, found[:, None], axis=1)[:, 0]
        return np.rint((1.0 - nearest / UNIT**2) * 4096.0) / 4096.0, found

    def plain(self) -> Plain:
        """Return them as data."""
        return {"middles": self.middles.astype(np.int16)}

    @classmethod
    def restore(cls, saved: Plain) -> "Centroids":
        """Take back what `plain` returned."""
        return cls(np.asarray(saved["middles"], np.float64))

    @classmethod
    def fit(cls, units: Floats, random: np.random.Generator, groups: int = GROUPS) -> "Centroids":
        """Learn groups of `directions` by spherical k-means (Dhillon and Modha, 2001), begun as k-means++ begins."""
        middles = units[_seeds(units, random, min(groups, len(units)))]
        for _ in range(_ROUNDS):
            found = (units @ middles.T).argmax(axis=1)
            sums = np.zeros_like(middles)
            np.add.at(sums, found, units)
            fresh, usable = directions(sums)
            fresh = np.where(usable[:, None], fresh, middles)
            if np.array_equal(fresh, middles):
                break
            middles = fresh
        return cls(middles)


def _seeds(units: Floats, random: np.random.Generator, groups: int) -> list[int]:
    """Choose rows far from each other, the first by chance."""
    chosen = [int(random.integers(len(units)))]
    far = np.full(len(units), np.inf)
    while len(chosen) < groups:
        far = np.minimum(far, np.maximum(1.0 - units @ units[chosen[-1]] / UNIT**2, 0.0))
        total = far.sum()
        chosen.append(int(random.choice(len(units), p=far / total)) if total > 0 else chosen[-1])
    return chosen
