"""The rate of a population from a sample whose items were kept with different probabilities, and an interval that holds for rare ones."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.drift.survival import chi2_isf
from detectors.quality.clusters import Keys, within

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rate:
    """An estimated rate with its 95 % interval, all in [0, 1]."""

    value: float
    lower: float
    upper: float
    samples: int
    effective: float
    """How many equally weighted items would tell as much: (Σw)² / Σw²."""


def weighted_rate(
    hits: NDArray[np.bool_],
    probabilities: Floats,
    strata: NDArray[np.int64] | None = None,
    sizes: Floats | None = None,
    seeds: Keys | None = None,
) -> Rate:
    """Return the rate of `hits` in the population that the items were drawn from with `probabilities`.

    `strata` (0 .. len(sizes) - 1) names a class of each item whose exact `sizes` in the population are known, such as what a
    cheap scorer flagged: each class then counts by its size instead of its weights. Raises ValueError without items, or with a
    probability outside (0, 1].

    The estimate is Hájek's ratio, the interval that of M. Fay and E. Feuer (Statistics in Medicine 16, 1997) on the weighted
    sum of hits: a gamma one, whose upper bound supposes that the next hit would have the largest weight. It covers where rates
    are rare and weights unequal, and is too wide rather than too narrow. Items of one of the `seeds` count as one: what is alike
    within a conversation tells no more than once.

    >>> rare = weighted_rate(np.arange(100) < 2, np.full(100, 0.1))
    >>> round(rare.value, 3), round(rare.lower, 4), round(rare.upper, 4)
    (0.02, 0.0025, 0.0714)
    """
    if not len(hits) or not bool(((probabilities > 0) & (probabilities <= 1)).all()):
        raise ValueError("a rate needs items, each with a probability above 0 and up to 1")
    weights = 1 / probabilities
    shares = weights / weights.sum()
    if strata is not None and sizes is not None:
        shares = _by_size(shares, strata, sizes)
    value = min(float(shares[hits].sum()), 1.0)
    if value > 0.5:
        other = _interval(~hits, shares, 1 - value, seeds)
        lower, upper = 1 - other[1], 1 - other[0]
    else:
        lower, upper = _interval(hits, shares, value, seeds)
    together = shares if seeds is None else within(seeds, shares)
    effective = float(1 / (together * together).sum())
    return Rate(value, max(lower, 0.0), min(upper, 1.0), len(hits), effective)


def _by_size(shares: Floats, strata: NDArray[np.int64], sizes: Floats) -> Floats:
    """Give each class its share of the population; a class no item is of leaves its share to the others."""
    drawn = np.bincount(strata, shares, len(sizes))
    known = np.where(drawn > 0, sizes, 0.0)
    factor = known / known.sum() / np.where(drawn > 0, drawn, 1.0)
    found: Floats = shares * factor[strata]
    return found


def _interval(hits: NDArray[np.bool_], shares: Floats, value: float, seeds: Keys | None) -> tuple[float, float]:
    """Return the bounds of a rate up to one half."""
    # Around the ratio, not around zero: for rare rates both are the same, for common ones this is no wider than it has to be.
    off = shares * (hits - value)
    spread = float(np.square(off if seeds is None else within(seeds, off)).sum())
    largest = float((shares if seeds is None else within(seeds, shares)).max()) * (1 - value)
    lower = 0.0
    if value > 0 and spread > 0:
        freedom = 2 * value * value / spread
        lower = spread / (2 * value) * float(chi2_isf(np.log(0.975), freedom))
    grown, wider = value + largest, spread + largest * largest
    freedom = 2 * grown * grown / wider
    upper = wider / (2 * grown) * float(chi2_isf(np.log(0.025), freedom))
    return lower, upper
