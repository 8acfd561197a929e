"""Isotonic regression: the non-decreasing steps closest to given values, by pooling adjacent violators."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Steps:
    """Runs of neighbouring points that share one level; levels rise strictly."""

    levels: Floats
    """[m] weighted mean of each run."""
    weights: Floats
    """[m] sum of the weights of each run."""
    sizes: NDArray[np.intp]
    """[m] points of each run."""

    def fitted(self) -> Floats:
        """Return the level of every point, shape (n,)."""
        return np.repeat(self.levels, self.sizes)


def isotonic(values: Floats, weights: Floats) -> Steps:
    """Return the non-decreasing steps of least weighted squared distance from `values`; both (n,), weights positive.

    Ayer, Brunk, Ewing, Reid and Silverman, Annals of Mathematical Statistics 26 (1955).

    >>> isotonic(np.array([0.1, 0.4, 0.2, 0.9]), np.ones(4)).fitted().round(6).tolist()
    [0.1, 0.3, 0.3, 0.9]
    """
    totals: list[float] = []
    masses: list[float] = []
    sizes: list[int] = []
    for total, mass in zip((values * weights).tolist(), weights.tolist(), strict=True):
        run = 1
        while totals and totals[-1] / masses[-1] >= total / mass:
            total, mass, run = total + totals.pop(), mass + masses.pop(), run + sizes.pop()  # noqa: PLW2901 (the run grows leftwards)
        totals.append(total)
        masses.append(mass)
        sizes.append(run)
    found = np.array(masses, np.float64)
    return Steps(np.array(totals, np.float64) / found, found, np.array(sizes, np.intp))
