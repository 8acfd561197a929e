"""A rate whose interval holds however rare it is: counted in the part of a sample in which every call had the same chance."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from detectors.drift.survival import f_isf
from detectors.quality.priority_sample import ALWAYS, uniform

Floats = NDArray[np.float64]

FEW = 20
"""Hits below which weighted intervals are not trusted."""

_TAIL = np.log(0.025)


@lru_cache(maxsize=4096)  # windows of the same number of rows ask for the same few again and again
def exact_interval(hits: int, trials: int) -> tuple[float, float]:
    """Return the 95 % interval of C. Clopper and E. Pearson (Biometrika 26, 1934): it covers at least that often. (0, 1) without trials.

    Raises ValueError for more hits than trials.

    >>> [round(bound, 4) for bound in exact_interval(2, 100)]
    [0.0024, 0.0704]
    """
    if not 0 <= hits <= trials:
        raise ValueError(f"{hits} hits of {trials} trials")
    # The lower bound and the upper one; where there is no hit, or no miss, the quantile is not that of a distribution.
    misses = trials - hits
    below, above = f_isf(_TAIL, [2.0 * (misses + 1), 2.0 * (hits + 1)], [2.0 * max(hits, 1), 2.0 * max(misses, 1)]).tolist()
    lower = hits / (hits + (misses + 1) * below) if hits else 0.0
    upper = (hits + 1) * above / ((hits + 1) * above + misses) if misses else 1.0
    return lower, upper


def uniform_part(
    keys: NDArray[np.uint64], importance: Floats, probabilities: Floats, weights: Floats | None = None
) -> tuple[NDArray[np.bool_], float]:
    """Return which items of a priority sample every item of the stream had the same chance to be among, and that chance.

    An item is kept where importance / u is above a threshold, u being drawn from its key. Whatever has a u so small that it
    would have been kept with the least importance there is (1) is in the sample, and was chosen by u alone. What is always
    kept has a part of the sample to itself, and so a chance of its own: the smaller of both holds for all. Where samplers
    upstream let only some items come, each stands for `weights` of them, and that much more of its u counts.

    >>> keys = np.arange(1, 6, dtype=np.uint64)
    >>> uniform_part(keys, np.ones(5), np.ones(5))[0].tolist()
    [True, True, True, True, True]
    """
    if not len(keys):
        return np.zeros(0, np.bool_), 1.0
    stands_for = np.ones(len(keys)) if weights is None else weights
    here = probabilities * stands_for
    always = importance >= ALWAYS
    chances = [float((here[~always] / importance[~always]).max())] if not always.all() else []
    chances += [float(here[always].min())] if always.any() else []
    chance = min(*chances, 1.0) / float(stands_for.max())
    return uniform(keys) / stands_for <= chance, chance
