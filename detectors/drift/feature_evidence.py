"""How one feature's whole days are weighed, and how surprising sums of them are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.drift.deviations import Deviator

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SPANS = (3, 7)
"""Days that are summed. Seven hold every weekday once."""
BOUND = 2.5
"""Standard deviations that a day counts for at most."""

_TO_STRENGTH = 1 / (2 * np.log(10))


@dataclass(frozen=True, slots=True)
class FeatureEvidence:
    """One feature, ready to weigh live days."""

    deviator: Deviator
    comparison: Ints
    """[1, K] and its unseen rows [1]: what a live day is held against."""
    unseen: Ints
    tau2: Floats
    """[labels] extra variance a row adds."""
    mean: Floats
    """[labels] of the squared deviation, beside that of independent rows."""
    spread: tuple[Floats, ...]
    """By span, [labels]: variance of its sum over its days; above 1 where days depend on each other."""

    def weigh(self, days: Ints) -> tuple[Floats, Floats]:
        """Return the bounded deviation of live days [D, K], in standard deviations of the reference's days, and the change [D, labels]."""
        held = self.deviator.hold(days, self.comparison, self.deviator.yardstick.new_rows(days), self.unseen)
        scale = np.sqrt((1 + held.rows[:, None] * self.tau2) * self.mean)
        return np.clip(held.z / scale, -BOUND, BOUND), held.change

    def strength(self, sums: Floats, place: int) -> Floats:
        """Return how surprising the sums [.., labels] of span `SPANS[place]` are."""
        return strength(sums, self.spread[place], self.deviator.rare)


def strength(sums: Floats, spread: Floats, rare: NDArray[np.bool_]) -> Floats:
    """Return -log10 of a normal tail, but for its factor; `rare` labels [labels] count only where they rise.

    >>> strength(np.array([3.0, -3.0]), np.ones(2), np.array([False, True])).round(2).tolist()
    [1.95, 0.0]
    """
    surprise: Floats = np.where(rare & (sums < 0), 0.0, sums**2) / spread * _TO_STRENGTH
    return surprise
