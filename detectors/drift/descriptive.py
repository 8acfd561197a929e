"""Distances people know, from counts: PSI, Jensen-Shannon, Kolmogorov-Smirnov, Wasserstein. No alarm promise rests on them."""

import numpy as np
from numpy.typing import NDArray

from detectors.drift.grid import Grid, NumericGrid
from detectors.drift.groups import group_cells

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_ANY_ROWS = 1e9
"""As `median_rows`: ten groups whatever a window's size, so that distances of windows can be compared."""


def distances(grid: Grid, reference: Ints, window: Ints, reference_means: Floats, means: Floats | None = None) -> dict[str, float]:
    """Return the distances between the values of a reference and of a window, both [K]; missing is left out.

    `reference_means` and `means` [E+1] are the mean values of the cells, numeric grids only; without `means` (or where a
    window has none) the reference's stand in. NaN where one side has no values, or no spread to measure by.

    >>> from detectors.drift.grid import fit_categories
    >>> distances(fit_categories({"a": 5, "b": 5}), np.array([5, 5, 0, 0, 0]), np.array([0, 0, 0, 0, 3]), np.empty(0))
    {'psi': nan, 'jensen_shannon': nan}
    """
    numeric = isinstance(grid, NumericGrid)
    then, now = reference[:-1], window[:-1]
    rows_then, rows_now = int(then.sum()), int(now.sum())
    if not rows_then or not rows_now:
        names = ("psi", "jensen_shannon", "kolmogorov_smirnov", "wasserstein")
        return dict.fromkeys(names if numeric else names[:2], np.nan)
    # Each category stands for itself, also `new`, which a reference never fills.
    groups = group_cells(np.append(then, 0), "numeric", _ANY_ROWS)[:-1] if numeric else np.arange(len(then))
    number = int(groups.max()) + 1
    grouped_then, grouped_now = (np.bincount(groups, part, number).astype(np.float64) for part in (then, now))
    found = {"psi": psi(grouped_then, grouped_now), "jensen_shannon": jensen_shannon(grouped_then, grouped_now)}
    if isinstance(grid, NumericGrid):
        found["kolmogorov_smirnov"] = float(np.max(np.abs(np.cumsum(now) / rows_now - np.cumsum(then) / rows_then)))
        own = reference_means if means is None else np.where(np.isnan(means), reference_means, means)
        found["wasserstein"] = wasserstein(then, reference_means, now, own) / grid.spread
    return found


def psi(reference: Floats, window: Floats) -> float:
    """Return the population stability index of grouped counts, half a row added to each group.

    >>> round(psi(np.array([50.0, 50.0]), np.array([60.0, 40.0])), 4)
    0.0397
    """
    share_then = (reference + 0.5) / (reference.sum() + 0.5 * len(reference))
    share_now = (window + 0.5) / (window.sum() + 0.5 * len(window))
    return float(np.sum((share_now - share_then) * np.log(share_now / share_then)))


def jensen_shannon(reference: Floats, window: Floats) -> float:
    """Return the Jensen-Shannon distance (the root of the divergence, base 2, 0 to 1) of grouped counts.

    >>> jensen_shannon(np.array([5.0, 0.0]), np.array([0.0, 7.0]))
    1.0
    """
    then, now = reference / reference.sum(), window / window.sum()
    middle = (then + now) / 2
    divergence = 0.0
    for share in (then, now):
        some = share > 0
        divergence += float(np.sum(share[some] * np.log2(share[some] / middle[some]))) / 2
    return float(np.sqrt(max(divergence, 0.0)))


def wasserstein(reference: Ints, reference_means: Floats, window: Ints, means: Floats) -> float:
    """Return the first Wasserstein distance of two sets of cells, each cell's rows standing at its mean value.

    A cell the reference left empty has no mean there: its rows stand at the nearest filled cell's.

    >>> wasserstein(np.array([1, 1]), np.array([0.0, 2.0]), np.array([0, 2]), np.array([0.0, 2.0]))
    1.0
    """
    then, now = reference > 0, window > 0
    filled = np.flatnonzero(~np.isnan(means))
    if not len(filled):
        return np.nan
    nearest = filled[np.argmin(np.abs(np.arange(len(means))[:, None] - filled), axis=1)]
    place = np.concatenate([reference_means[then], means[nearest][now]])
    weight = np.concatenate([reference[then] / reference.sum(), -(window[now] / window.sum())])
    order = np.argsort(place)
    place, left = place[order], np.cumsum(weight[order])
    return float(np.sum(np.abs(left[:-1]) * np.diff(place)))
