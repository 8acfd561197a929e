"""Calls that are sampled together: the turns of a conversation share the number that decides whether they are kept."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from detectors.types import Batch

Floats: TypeAlias = NDArray[np.float64]
Keys: TypeAlias = NDArray[np.uint64]

SEED = "sample_seed"
"""uint64 column: what a call's number in (0, 1] is drawn from; 0, or no such column: its own id."""


def seeds_of(batch: Batch) -> Keys:
    """Return what each call's number is drawn from; calls of one seed are one cluster.

    >>> calls = {"id": np.array([7, 8, 9], np.uint64), "sample_seed": np.array([5, 5, 0], np.uint64)}
    >>> seeds_of(Batch("chat", "calls", 3, calls)).tolist()
    [5, 5, 9]
    """
    own = np.asarray(batch.columns["id"], np.uint64)
    shared = batch.columns.get(SEED)
    return np.where(shared != 0, shared, own).astype(np.uint64) if isinstance(shared, np.ndarray) else own


def within(seeds: Keys, values: Floats) -> Floats:
    """Return the sum of values in each cluster.

    >>> within(np.array([5, 9, 5], np.uint64), np.array([1.0, 2.0, 3.0])).tolist()
    [4.0, 2.0]
    """
    _, place = np.unique(seeds, return_inverse=True)
    return np.bincount(place, values).astype(np.float64)


def equal_trials(seeds: Keys) -> int:
    """Return how many independent trials calls are worth at least: all of a cluster may be alike (L. Kish, Survey Sampling, 1965).

    >>> equal_trials(np.array([1, 2, 3], np.uint64)), equal_trials(np.array([1, 1, 1, 1, 2, 2, 2, 2], np.uint64))
    (3, 2)
    """
    if not len(seeds):
        return 0
    _, sizes = np.unique(seeds, return_counts=True)
    return int(int(sizes.sum()) ** 2 // int(np.square(sizes).sum()))
