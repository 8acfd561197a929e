"""How far whole days lie from the reference, signed: one number for each score, rate and category share."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.drift.effect import MinEffect
from detectors.drift.groups import other_is_open
from detectors.drift.statistics import LEAST_ROWS, Yardstick, compare

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SHARE = "share"
_LEAST_SHARE = 0.01
_RARE = ("missing", "new")


@dataclass(frozen=True, slots=True)
class Deviations:
    """Days held against comparison counts. Arrays are [days, labels]."""

    rows: Floats
    """[days]."""
    z: Floats
    """In standard errors of independent rows."""
    change: Floats
    """In reference rank-sd (location, scale) or share of rows."""


@dataclass(frozen=True, slots=True)
class Deviator:
    """How one feature's days are read."""

    yardstick: Yardstick
    columns: NDArray[np.intp]
    """Categories whose share is followed: those with 1 % of the reference's rows and more."""
    labels: tuple[str, ...]
    """location, scale, missing, new, `share 3` for the share of column 3."""
    smallest: Floats
    """[labels] the smallest change that matters."""
    rare: NDArray[np.bool_]
    """[labels] whether only a rise counts: missing, new."""

    @classmethod
    def fit(cls, yardstick: Yardstick, total: Ints, smallest: MinEffect) -> "Deviator":
        """Choose what is followed by the reference's counts [K]."""
        columns = np.empty(0, np.intp)
        if yardstick.kind == "categorical":
            followed = total[:-3] if other_is_open(total) else total[:-2]
            columns = np.flatnonzero(followed >= max(_LEAST_SHARE * int(total.sum()), 1))
        named = tuple(test for test in yardstick.tests if test != "shape")
        sizes = [smallest.points if name in _RARE else smallest.sd for name in named] + [smallest.share] * len(columns)
        labels = (*named, *(f"{SHARE} {column}" for column in columns.tolist()))
        return cls(yardstick, columns, labels, np.array(sizes, np.float64), np.isin(labels, _RARE))

    def hold(self, days: Ints, other: Ints, unseen: Ints, other_unseen: Ints) -> Deviations:
        """Hold days [D, K] against counts [D or 1, K]; `unseen` [D] and `other_unseen` [D or 1] as rule 5.0 counts them.

        Where there are too few values z is 0, and so it is for rare rows that rise by less than matters: one row a day is no change.
        """
        found = compare(self.yardstick, days, other, unseen, other_unseen)
        n, m = found.value_rows[:, None], found.other_value_rows[:, None]
        rows, others = found.rows[:, None], found.other_rows[:, None]
        moments = np.where((n >= LEAST_ROWS) & (m > 0), found.shifts, 0.0)
        hits = np.hstack([found.hits, days[:, self.columns]]).astype(np.float64)
        other_hits = np.hstack([found.other_hits, other[:, self.columns]]).astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            rises = np.where((rows > 0) & (others > 0), hits / rows - other_hits / others, 0.0)
            share = (hits + other_hits + 0.5) / (rows + others + 1)
            z = np.hstack([moments / np.sqrt(1 / n + 1 / m), rises / np.sqrt(share * (1 - share) * (1 / rows + 1 / others))])
        change = np.hstack([moments, rises])
        counts = np.isfinite(z) & ~(self.rare & (change < self.smallest))
        return Deviations(found.rows, np.where(counts, z, 0.0), change)
