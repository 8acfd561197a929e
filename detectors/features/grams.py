"""Character trigrams of texts: how unusual they are, and which usual texts a text is like. No model, no language."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from detectors.features.centroids import UNIT, Centroids, hash_weights, nothing
from detectors.types import Plain

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

CELLS = 2048
"""Cells trigrams are hashed into. 4096 saw no more, 512 less."""
LOOKED_AT = 4096
"""Characters of a text that are looked at."""
_STEPS = 1024.0
_FACTORS = np.array([0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D], np.uint32)
_HASH = hash_weights(CELLS)


@dataclass(frozen=True, slots=True)
class Counted:
    """Trigrams of some texts, the cells that have any one after another."""

    starts: Indices
    """[texts + 1] where the cells of each text begin, and the end."""
    cells: Indices
    numbers: Floats
    """How many trigrams of the text are in the cell."""

    def sums(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        """Add up values that stand one a cell, text by text; 0 for a text without any."""
        total = np.zeros((len(self.starts) - 1, *values.shape[1:]), values.dtype)
        some = np.flatnonzero(np.diff(self.starts))
        if len(some):
            total[some] = np.add.reduceat(values, self.starts[some], axis=0)
        return total

    def texts(self) -> list[NDArray[np.int32]]:
        """Return each text as [2, cells]: the cells, and how many trigrams each has."""
        both = np.array([self.cells, self.numbers]).astype(np.int32)
        return np.split(both, self.starts[1:-1], axis=1) if len(self.starts) > 1 else []


def count(texts: Sequence[str]) -> Counted:
    """Count the trigrams of each text; case and white space do not matter.

    >>> both = count(["Lost  card", "lost card", " "])
    >>> both.sums(both.numbers).tolist(), [text.shape[1] for text in both.texts()]
    ([9.0, 9.0, 0.0], [9, 9, 0])
    """
    parts = [f" {' '.join(text[:LOOKED_AT].lower().split())} ".encode("utf-32-le", "surrogatepass") for text in texts]
    points = np.frombuffer(b"".join(parts), np.uint32)
    rows = np.repeat(np.arange(len(parts)), [len(part) // 4 for part in parts])
    mixed = points[:-2] * _FACTORS[0] + points[1:-1] * _FACTORS[1] + points[2:] * _FACTORS[2]
    mixed ^= mixed >> np.uint32(15)
    mixed *= np.uint32(0x2C1B3C6D)
    mixed ^= mixed >> np.uint32(12)
    inside = rows[:-2] == rows[2:]
    found, numbers = np.unique(rows[:-2][inside] * CELLS + (mixed[inside] % np.uint32(CELLS)).astype(np.intp), return_counts=True)
    starts = np.searchsorted(found, np.arange(len(parts) + 1) * CELLS)
    return Counted(starts, found % CELLS, numbers.astype(np.float64))


@dataclass(frozen=True, slots=True)
class Grams:
    """What trigrams of a column's texts are usual."""

    seen: Floats
    """[CELLS] trigrams that were learnt from."""
    weights: Floats
    """[CELLS] how much a cell tells texts apart, in steps of 1/1024: the rarer the texts that have it, the more."""
    centroids: Centroids
    bits: Floats = field(init=False, repr=False, compare=False)
    """[CELLS] -log2 of each cell's share, in whole steps of 1/1024."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "bits", _bits(self.seen))

    def measure(self, counted: Counted) -> tuple[Floats, Floats, Indices]:
        """Return for each text bits a trigram, the distance to the nearest group (0 to 1), and that group.

        Bits are the cross-entropy of the text under the usual shares, half a trigram added to each cell. A text it was
        learnt from is measured without itself. NaN, NaN and -1 for a text without trigrams. Sums are of whole numbers,
        so that a text's result does not depend on those beside it.
        """
        units = self._directions(counted)
        products = _floats(counted.sums(units[:, None] * self.centroids.sums.T[counted.cells]))
        own, prints = _floats(counted.sums(np.square(units))), _prints(counted, units)
        bits = _floats(counted.sums(counted.numbers * self.bits[counted.cells]))
        for row in self.centroids.members(prints)[0].tolist():
            part = slice(counted.starts[row], counted.starts[row + 1])
            others = self.seen.copy()
            others[counted.cells[part]] -= counted.numbers[part]
            bits[row] = counted.numbers[part] @ _bits(others)[counted.cells[part]]
        distance, group = self.centroids.place(products, own, prints)
        total, usable = _floats(counted.sums(counted.numbers)), own > 0
        with np.errstate(invalid="ignore"):
            return np.where(usable, bits / total / _STEPS, np.nan), np.where(usable, distance, np.nan), np.where(usable, group, -1)

    def _directions(self, counted: Counted) -> Floats:
        """Return the values of each text's direction, one a cell: whole numbers, each text of length `UNIT`."""
        whole = np.rint(np.sqrt(counted.numbers) * self.weights[counted.cells] * _STEPS)
        lengths = np.repeat(np.sqrt(_floats(counted.sums(np.square(whole)))), np.diff(counted.starts))
        return _floats(np.rint(np.divide(whole, lengths, out=np.zeros_like(whole), where=lengths > 0) * UNIT))

    def plain(self) -> Plain:
        """Return it as data."""
        return {"seen": self.seen, "weights": self.weights, **self.centroids.plain()}

    @classmethod
    def restore(cls, saved: Plain) -> "Grams":
        """Take back what `plain` returned."""
        return cls(np.asarray(saved["seen"], np.float64), np.asarray(saved["weights"], np.float64), Centroids.restore(saved))

    @classmethod
    def fit(cls, rows: Sequence[NDArray[np.int32]], random: "np.random.Generator") -> "Grams":
        """Learn from texts, each as `Counted.texts` gives it."""
        starts = np.cumsum([0, *(row.shape[1] for row in rows)])
        cells, numbers = np.concatenate(rows, axis=1)
        counted = Counted(starts, cells.astype(np.intp), numbers.astype(np.float64))
        # Five texts more for each cell: whether this very text is among those counted must not matter.
        shares = np.log(len(rows) / (5 + np.bincount(counted.cells, minlength=CELLS)))
        weights = _floats(np.rint(np.maximum(shares, 0.0) * _STEPS) / _STEPS)
        blank = cls(_floats(np.bincount(counted.cells, counted.numbers, CELLS)), weights, nothing(CELLS))
        units = np.zeros((len(rows), CELLS))
        units[np.repeat(np.arange(len(rows)), np.diff(starts)), counted.cells] = blank._directions(counted)
        usable = units.any(axis=1)
        return cls(blank.seen, blank.weights, Centroids.fit(units[usable], random) if usable.any() else blank.centroids)


def _bits(seen: Floats) -> Floats:
    """Return -log2 of each cell's share, in whole steps of 1/1024."""
    return np.asarray(np.rint(-np.log2((seen + 0.5) / (seen.sum() + 0.5 * CELLS)) * _STEPS), np.float64)


def _prints(counted: Counted, units: Floats) -> NDArray[np.uint64]:
    return np.asarray(counted.sums(units.astype(np.int64).view(np.uint64) * _HASH[counted.cells]), np.uint64)


def _floats(values: NDArray[np.generic]) -> Floats:
    return np.asarray(values, np.float64)
