"""Distances people know, from counts: PSI, Jensen-Shannon, Kolmogorov-Smirnov, Wasserstein. No alarm promise rests on them."""

import numpy as np
from numpy.typing import NDArray

from detectors.drift.grid import Grid, NumericGrid
from detectors.drift.groups import group_cells

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_ANY_ROWS = 1e9
"""As `median_rows`: ten groups whatever a window's size, so that distances of windows can be compared."""


def coarse(grid: Grid, reference: Ints) -> NDArray[np.intp]:
    """Return the group of each value column for PSI and Jensen-Shannon: about ten of equal share, or each category by itself.

    `reference` [K] are the counts that fix them.
    """
    if isinstance(grid, NumericGrid):
        return group_cells(np.append(reference[:-1], 0), "numeric", _ANY_ROWS)[:-1]
    return np.arange(grid.columns - 1)


def distances(
    grid: Grid, groups: NDArray[np.intp], reference: Ints, window: Ints, reference_means: Floats, means: Floats | None = None
) -> dict[str, float]:
    """Return the distances between the values of a reference and of a window, both [K]; missing is left out.

    `groups` are those of `coarse`. `reference_means` and `means` [E+1] are the mean values of the cells, numeric grids only;
    without `means` (or where a window has none) the reference's stand in. NaN where one side has no values, or no spread to
    measure by.

    >>> from detectors.drift.grid import fit_categories
    >>> then, now = np.array([5, 5, 0, 0, 0]), np.array([0, 0, 0, 0, 3])
    >>> distances(fit_categories({"a": 5, "b": 5}), np.arange(4), then, now, np.empty(0))
    {'psi': nan, 'jensen_shannon': nan}
    """
    numeric = isinstance(grid, NumericGrid)
    then, now = reference[:-1], window[:-1]
    rows_then, rows_now = int(then.sum()), int(now.sum())
    if not rows_then or not rows_now:
        names = ("psi", "jensen_shannon", "kolmogorov_smirnov", "wasserstein")
        return dict.fromkeys(names if numeric else names[:2], np.nan)
    number = int(groups.max()) + 1
    grouped_then, grouped_now = (np.bincount(groups, part, number).astype(np.float64) for part in (then, now))
    found = {"psi": psi(grouped_then, grouped_now), "jensen_shannon": jensen_shannon(grouped_then, grouped_now)}
    if isinstance(grid, NumericGrid):
        found["kolmogorov_smirnov"] = float(np.abs(np.cumsum(now) / rows_now - np.cumsum(then) / rows_then).max())
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
    place = np.concatenate([reference_means[then], _filled(means)[now]])
    weight = np.concatenate([reference[then] / reference.sum(), -(window[now] / window.sum())])
    order = np.argsort(place)
    place, left = place[order], np.cumsum(weight[order])
    return float((np.abs(left[:-1]) * (place[1:] - place[:-1])).sum())


def _filled(means: Floats) -> Floats:
    """Return the means with the nearest one in place of NaN."""
    absent = np.isnan(means)
    if not absent.any():
        return means
    filled = np.flatnonzero(~absent)
    if not len(filled):
        return means
    nearest: Floats = means[filled[np.argmin(np.abs(np.arange(len(means))[:, None] - filled), axis=1)]]
    return nearest
