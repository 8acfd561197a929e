"""Groups of directions that are usual, and how far a new one is from the nearest: exact, whatever batch it comes in."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from detectors.types import Plain

Floats = NDArray[np.float64]

GROUPS = 32
"""Groups that are learnt at most; 16 saw fewer new topics, 64 fewer shifts between known ones (docs/text-drift.md)."""
LEAST = 5
"""Directions a group has at least: what is kept is the sum of several, never one value of one person."""
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


def hash_weights(dimension: int) -> NDArray[np.uint64]:
    """Return a fixed odd number for each place: a row's fingerprint is the sum of its whole numbers times these, modulo 2^64."""
    weights = (np.arange(1, dimension + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)) ^ np.uint64(0xD1B54A32D192ED03)
    return (weights ^ (weights >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9) | np.uint64(1)


def fingerprints(units: Floats) -> NDArray[np.uint64]:
    """Return a 64-bit hash of each row of whole numbers."""
    numbers = units.astype(np.int64).view(np.uint64)
    found: NDArray[np.uint64] = (numbers * hash_weights(units.shape[1])).sum(axis=1, dtype=np.uint64)
    return found


@dataclass(frozen=True, slots=True)
class Centroids:
    """Groups of directions, each the sum of those it was learnt from."""

    sums: Floats
    """[groups, dimension] whole numbers."""
    learnt: NDArray[np.uint64]
    """Fingerprints of the directions it was learnt from, ascending."""
    homes: NDArray[np.intp]
    """The group each of these is in."""
    squares: Floats = field(init=False, repr=False, compare=False)
    """[groups] squared length of each sum."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "squares", np.square(self.sums).sum(axis=1))

    def near(self, units: Floats) -> tuple[Floats, NDArray[np.intp]]:
        """Return what `place` says of `directions` [rows, dimension]."""
        return self.place(units @ self.sums.T, np.square(units).sum(axis=1), fingerprints(units))

    def place(self, products: Floats, own: Floats, prints: NDArray[np.uint64]) -> tuple[Floats, NDArray[np.intp]]:
        """Return 1 - cosine to the nearest group, in steps of 1/4096, and which it is.

        Takes of each direction its products with `sums` [rows, groups], its square and its fingerprint. One that was
        learnt from is measured without itself: else those would look more usual than the rest, and the rest as if it had
        drifted.
        """
        products, lengths = products.copy(), np.repeat(self.squares[None, :], len(products), axis=0)
        rows, homes = self.members(prints)
        lengths[rows, homes] += own[rows] - 2 * products[rows, homes]
        products[rows, homes] -= own[rows]
        cosines = np.divide(products, np.sqrt(np.maximum(lengths, 0.0)) * UNIT, out=np.full_like(products, -1.0), where=lengths > 0.5)
        found = cosines.argmax(axis=1)
        nearest = np.take_along_axis(cosines, found[:, None], axis=1)[:, 0]
        return np.rint((1.0 - nearest) * 4096.0) / 4096.0, found

    def members(self, prints: NDArray[np.uint64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return which of these fingerprints it was learnt from, and the group of each."""
        if not len(self.learnt):
            return np.empty(0, np.intp), np.empty(0, np.intp)
        place = np.minimum(np.searchsorted(self.learnt, prints), len(self.learnt) - 1)
        rows = np.flatnonzero(self.learnt[place] == prints)
        return rows, self.homes[place[rows]]

    def plain(self) -> Plain:
        """Return them as data."""
        return {"sums": self.sums.astype(np.int32), "learnt": self.learnt, "homes": self.homes.astype(np.uint8)}

    @classmethod
    def restore(cls, saved: Plain) -> "Centroids":
        """Take back what `plain` returned."""
        return cls(np.asarray(saved["sums"], np.float64), np.asarray(saved["learnt"], np.uint64), np.asarray(saved["homes"], np.intp))

    @classmethod
    def fit(cls, units: Floats, random: "np.random.Generator", groups: int = GROUPS) -> "Centroids":
        """Learn groups of `directions` by spherical k-means (Dhillon and Modha, 2001), begun as k-means++ begins."""
        middles = units[_seeds(units, random, min(groups, len(units)))]
        homes = np.zeros(len(units), np.intp)
        for _ in range(_ROUNDS):
            homes = (units @ middles.T).argmax(axis=1)
            fresh, usable = directions(_sums(units, homes, len(middles)))
            fresh = np.where(usable[:, None], fresh, middles)
            if np.array_equal(fresh, middles):
                break
            middles = fresh
        homes = _dissolved(units, middles, homes)
        prints, first = np.unique(fingerprints(units), return_index=True)
        return cls(_sums(units, homes, int(homes.max(initial=0)) + 1), prints, homes[first])


def _dissolved(units: Floats, middles: Floats, homes: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the homes once the members of groups that are too small went to the nearest other one; groups from 0 on."""
    while True:
        numbers, homes, sizes = np.unique(homes, return_inverse=True, return_counts=True)
        middles = middles[numbers]
        if len(numbers) == 1 or sizes.min() >= LEAST:
            return homes
        rows = np.flatnonzero(homes == sizes.argmin())
        products = units[rows] @ middles.T
        products[:, sizes.argmin()] = -np.inf
        homes[rows] = products.argmax(axis=1)


def nothing(dimension: int) -> Centroids:
    """Return one group learnt from nothing: everything is as far from it as can be."""
    return Centroids(np.zeros((1, dimension)), np.empty(0, np.uint64), np.empty(0, np.intp))


def _sums(units: Floats, homes: NDArray[np.intp], groups: int) -> Floats:
    sums = np.zeros((groups, units.shape[1]))
    np.add.at(sums, homes, units)
    return sums


def _seeds(units: Floats, random: "np.random.Generator", groups: int) -> list[int]:
    """Choose rows far from each other, the first by chance."""
    chosen = [int(random.integers(len(units)))]
    far = np.full(len(units), np.inf)
    while len(chosen) < groups:
        far = np.minimum(far, np.maximum(1.0 - units @ units[chosen[-1]] / UNIT**2, 0.0))
        total = far.sum()
        chosen.append(int(random.choice(len(units), p=far / total)) if total > 0 else chosen[-1])
    return chosen
