"""Character trigrams of texts: how unusual they are, and which usual texts a text is like. No model, no language."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.features.centroids import Centroids, directions
from detectors.types import Plain

Floats = NDArray[np.float64]

CELLS = 2048
"""Cells trigrams are hashed into. 4096 saw no more, 512 less."""
LOOKED_AT = 4096
"""Characters of a text that are looked at."""
_STEPS = 1024.0
_FACTORS = np.array([0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D], np.uint32)


def counted(texts: Sequence[str]) -> NDArray[np.uint16]:
    """Return [texts, CELLS] how often each cell's trigrams stand in a text; case and white space do not count.

    >>> both = counted(["Lost  card", "lost card"])
    >>> int(both[0].sum()), bool((both[0] == both[1]).all())
    (9, True)
    """
    parts = [f" {' '.join(text[:LOOKED_AT].lower().split())} ".encode("utf-32-le", "surrogatepass") for text in texts]
    points = np.frombuffer(b"".join(parts), np.uint32)
    rows = np.repeat(np.arange(len(parts)), [len(part) // 4 for part in parts])
    if len(points) < 3:
        return np.zeros((len(parts), CELLS), np.uint16)
    mixed = points[:-2] * _FACTORS[0] + points[1:-1] * _FACTORS[1] + points[2:] * _FACTORS[2]
    mixed ^= mixed >> np.uint32(15)
    mixed *= np.uint32(0x2C1B3C6D)
    mixed ^= mixed >> np.uint32(12)
    inside = rows[:-2] == rows[2:]
    place = rows[:-2][inside] * CELLS + (mixed[inside] % np.uint32(CELLS)).astype(np.intp)
    found = np.bincount(place, minlength=len(parts) * CELLS).reshape(len(parts), CELLS)
    return np.minimum(found, np.iinfo(np.uint16).max).astype(np.uint16)


@dataclass(frozen=True, slots=True)
class Grams:
    """What trigrams of a column's texts are usual."""

    bits: Floats
    """[CELLS] -log2 of each cell's share, in steps of 1/1024."""
    weights: Floats
    """[CELLS] how much a cell tells texts apart: log of texts over texts that have it (inverse document frequency), in such steps."""
    centroids: Centroids

    def measure(self, counts: NDArray[np.uint16]) -> tuple[Floats, Floats, NDArray[np.intp]]:
        """Return for texts `counted` [texts, CELLS]: bits a trigram, distance to the nearest group (0 to 1), and that group.

        Bits are the cross-entropy of the text under the usual shares. NaN, NaN and -1 for a text without trigrams.
        """
        numbers = counts.astype(np.float64)
        total = numbers.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            bits = (numbers @ (self.bits * _STEPS)) / total / _STEPS
        units, usable = self._directions(numbers)
        distance, group = self.centroids.near(units)
        return bits, np.where(usable, distance, np.nan), np.where(usable, group, -1)

    def _directions(self, numbers: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        return directions(np.rint(np.sqrt(numbers) * self.weights * _STEPS))

    def plain(self) -> Plain:
        """Return it as data."""
        return {"bits": self.bits, "weights": self.weights, **self.centroids.plain()}

    @classmethod
    def restore(cls, saved: Plain) -> "Grams":
        """Take back what `plain` returned."""
        return cls(np.asarray(saved["bits"], np.float64), np.asarray(saved["weights"], np.float64), Centroids.restore(saved))

    @classmethod
    def fit(cls, rows: Sequence[NDArray[np.uint16]], random: np.random.Generator) -> "Grams":
        """Learn from texts, each `counted` [CELLS]. Half a trigram more in each cell, so that none is impossible."""
        numbers = np.array(rows, np.float64)
        shares = (numbers.sum(axis=0) + 0.5) / (numbers.sum() + 0.5 * CELLS)
        bits = np.rint(-np.log2(shares) * _STEPS) / _STEPS
        weights = np.rint(np.maximum(np.log(len(numbers) / (1 + (numbers > 0).sum(axis=0))), 0.0) * _STEPS) / _STEPS
        blank = cls(bits, weights, Centroids(np.zeros((1, CELLS))))
        units, usable = blank._directions(numbers)
        return cls(bits, weights, Centroids.fit(units[usable], random) if usable.any() else blank.centroids)
