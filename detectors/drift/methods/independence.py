"""Chi-squared and G: how far two sets of counts are from one common distribution, as statistics and as p-values."""

import numpy as np
from numpy.typing import NDArray

from detectors.drift.survival import log_chi2_sf

Floats = NDArray[np.float64]


def chi_squared(reference: Floats, window: Floats) -> Floats:
    """Return Pearson's statistic of homogeneity of counts [..., groups]; both sides vary, empty groups count for nothing.

    >>> round(chi_squared(np.array([50.0, 50.0]), np.array([60.0, 40.0])).item(), 4)
    2.0202
    """
    then, now = reference.sum(-1, keepdims=True), window.sum(-1, keepdims=True)
    both = reference + window
    with np.errstate(invalid="ignore", divide="ignore"):
        off = (reference * now - window * then) / (then * now)
        return np.asarray(np.sum(off**2 * np.divide(1.0, both, out=np.zeros_like(both), where=both > 0), -1) * (then * now)[..., 0])


def g_statistic(reference: Floats, window: Floats) -> Floats:
    """Return the likelihood-ratio statistic of homogeneity of counts [..., groups].

    >>> round(g_statistic(np.array([50.0, 50.0]), np.array([60.0, 40.0])).item(), 4)
    2.0238
    """
    both = reference + window
    rows = both.sum(-1, keepdims=True)
    total = np.zeros(both.shape[:-1])
    for side in (reference, window):
        some = side > 0
        expected = both * (side.sum(-1, keepdims=True) / np.maximum(rows, 1.0))
        ratio = np.divide(side, expected, out=np.ones_like(both), where=some)
        total = total + 2 * np.sum(side * np.log(ratio), -1)
    return np.asarray(np.maximum(total, 0.0))


def freedom(reference: Floats, window: Floats) -> NDArray[np.intp]:
    """Return the degrees of freedom: filled groups less one.

    >>> freedom(np.array([5.0, 0.0, 0.0]), np.array([0.0, 0.0, 3.0])).item()
    1
    """
    return np.asarray(np.count_nonzero(reference + window, axis=-1) - 1)


def p_value(statistic: Floats, degrees: NDArray[np.intp]) -> Floats:
    """Return the chance of a statistic at least as large among independent rows of one distribution; 1 without freedom.

    >>> round(p_value(np.array(2.0202), np.array(1)).item(), 4)
    0.1552
    """
    p = np.exp(log_chi2_sf(np.nan_to_num(statistic), np.maximum(degrees, 1)))
    return np.where(np.isnan(statistic), np.nan, np.where(degrees > 0, p, 1.0))
