"""Distances of shares: PSI, Jensen-Shannon, Hellinger, total variation, largest difference. The last axis runs over the groups."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def shares(counts: Floats) -> Floats:
    """Return counts [..., groups] as shares; NaN where there are none."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(counts / counts.sum(-1, keepdims=True))


def psi(reference: Floats, window: Floats, groups: NDArray[np.intp] | None = None) -> Floats:
    """Return the population stability index of counts, half a row added to each group so that an empty one is not infinitely far.

    `groups` [...]: how many of the groups are real, the rest being padding; None: all.

    >>> round(psi(np.array([50.0, 50.0]), np.array([60.0, 40.0])).item(), 4)
    0.0397
    """
    width = reference.shape[-1]
    number = np.full(reference.shape[:-1], width) if groups is None else groups
    real = np.arange(width) < number[..., None]
    added = 0.5 * number[..., None]
    then = (reference + 0.5) / (reference.sum(-1, keepdims=True) + added)
    now = (window + 0.5) / (window.sum(-1, keepdims=True) + added)
    return np.asarray(np.sum((now - then) * np.log(now / then), -1, where=real))


def jensen_shannon(reference: Floats, window: Floats) -> Floats:
    """Return the Jensen-Shannon distance of shares: the root of the divergence, base 2, 0 to 1.

    >>> jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 1.0])).item()
    1.0
    """
    middle = (reference + window) / 2
    divergence = np.zeros(reference.shape[:-1])
    for side in (reference, window):
        some = side > 0
        ratio = np.divide(side, middle, out=np.ones_like(side), where=some)
        divergence = divergence + np.sum(side * np.log2(ratio), -1) / 2
    return np.sqrt(np.maximum(divergence, 0.0))


def hellinger(reference: Floats, window: Floats) -> Floats:
    """Return the Hellinger distance of shares, 0 to 1.

    >>> hellinger(np.array([1.0, 0.0]), np.array([0.0, 1.0])).item()
    1.0
    """
    # Not 1 - sum(sqrt(pq)): that loses half the digits where both sides are nearly alike.
    return np.asarray(np.sqrt(np.sum((np.sqrt(reference) - np.sqrt(window)) ** 2, -1) / 2))


def total_variation(reference: Floats, window: Floats) -> Floats:
    """Return the total variation of shares, 0 to 1: the share of rows that would have to change group.

    >>> total_variation(np.array([0.5, 0.5]), np.array([0.75, 0.25])).item()
    0.25
    """
    return np.asarray(np.abs(reference - window).sum(-1) / 2)


def l_infinity(reference: Floats, window: Floats) -> Floats:
    """Return the largest difference of any one group's share, 0 to 1.

    >>> l_infinity(np.array([0.5, 0.3, 0.2]), np.array([0.25, 0.4, 0.35])).item()
    0.25
    """
    return np.asarray(np.abs(reference - window).max(-1))
