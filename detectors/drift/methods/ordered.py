"""Distances of ordered cells: Kolmogorov-Smirnov and Wasserstein. Rows are [features, cells]; padding cells are empty."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def kolmogorov_smirnov(reference: Ints, window: Ints) -> Floats:
    """Return the largest difference of the cumulative shares of counts, 0 to 1; errs by less than a cell's share.

    >>> kolmogorov_smirnov(np.array([[1, 1, 2]]), np.array([[2, 1, 1]])).tolist()
    [0.25]
    """
    then, now = np.cumsum(reference, -1), np.cumsum(window, -1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.abs(now / now[:, -1:] - then / then[:, -1:]).max(-1))


def wasserstein(reference: Ints, reference_means: Floats, window: Ints, means: Floats) -> Floats:
    """Return the first Wasserstein distance of two sets of cells, each cell's rows standing at its mean value.

    A cell that has rows and no mean has been filled by one side only: its rows stand at the nearest mean there is.

    >>> wasserstein(np.array([[1, 1]]), np.array([[0.0, 2.0]]), np.array([[0, 2]]), np.array([[0.0, 2.0]])).tolist()
    [1.0]
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        weight = np.concatenate([reference / reference.sum(-1, keepdims=True), -(window / window.sum(-1, keepdims=True))], -1)
    place = np.concatenate([_filled(reference_means, reference), _filled(means, window)], -1)
    # Where nothing stands, nothing must stretch the line: such a place is put at an end, with no weight.
    ends = np.fmax.reduce(place, -1, keepdims=True)
    place = np.where(weight != 0, place, ends)
    order = np.argsort(place, -1)
    place = np.take_along_axis(place, order, -1)
    left = np.cumsum(np.take_along_axis(weight, order, -1), -1)
    return np.asarray((np.abs(left[:, :-1]) * np.diff(place, axis=-1)).sum(-1))


def _filled(means: Floats, counts: Ints) -> Floats:
    """Return the means with the nearest one where a cell has rows and no mean."""
    lacking = np.isnan(means) & (counts > 0)
    if not lacking.any():
        return means
    filled = means.copy()
    for row in np.flatnonzero(lacking.any(-1)).tolist():
        known = np.flatnonzero(~np.isnan(means[row]))
        if len(known):
            wanted = np.flatnonzero(lacking[row])
            filled[row, wanted] = means[row, known[np.argmin(np.abs(wanted[:, None] - known), 1)]]
    return filled
