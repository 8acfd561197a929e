"""Says in a sentence what changed in a feature: which way values moved, which category grew, what is missing."""

import numpy as np
from numpy.typing import NDArray

from detectors.drift.grid import CategoryGrid, Grid, NumericGrid
from detectors.drift.statistics import MISSING, NEW

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def describe(test: str, grid: Grid, reference: Ints, window: Ints, means: Floats, change: float, now: Floats | None = None) -> str:
    """Return what a sub-test saw between two count vectors [K].

    `means` [E+1] are the reference's cell means (numeric), `now` the window's own where they are known, `change` is the
    sub-test's change in its unit: PSI, sd, share.

    >>> from detectors.drift.grid import fit_categories
    >>> describe("shape", fit_categories({"AA": 9, "B6": 1}), np.array([90, 10, 0, 0, 0]), np.array([7, 3, 0, 0, 0]), np.empty(0), 0.5)
    "'AA' 90 % -> 70 %, 'B6' 10 % -> 30 %"
    """
    if test == "missing":
        return f"missing {_share(reference, MISSING)} -> {_share(window, MISSING)}"
    if test == "new" and not (isinstance(grid, CategoryGrid) and not window[NEW]):
        return f"values the reference does not have {_share(reference, NEW)} -> {_share(window, NEW)}"
    middles = values(grid, reference, window, means, now)
    if isinstance(grid, CategoryGrid):
        return middles
    if test == "location":
        return f"values moved {'up' if change > 0 else 'down'} by {abs(change):.2g} sd, {middles}"
    if test == "scale":
        return f"values lie {'wider' if change > 0 else 'closer'} by {abs(change):.2g} sd, {middles}"
    missing, missing_now = _share(reference, MISSING), _share(window, MISSING)
    return f"shape changed, {middles}" + (f", missing {missing} -> {missing_now}" if missing != missing_now else "")


def values(grid: Grid, reference: Ints, window: Ints, means: Floats, now: Floats | None = None) -> str:
    """Return the median then and now, or the two categories whose share changed most."""
    if isinstance(grid, CategoryGrid):
        return _categories(grid, reference, window)
    return f"median {_median(grid, reference, means)} -> {_median(grid, window, means if now is None else now)}"


def _median(grid: NumericGrid, counts: Ints, means: Floats) -> str:
    """Return the mean value of the cell that holds the middle of the values; without a mean, where that cell lies."""
    filled = counts[:-1]
    if not filled.sum():
        return "none"
    cell = int(np.searchsorted(np.cumsum(filled), filled.sum() / 2))
    if np.isnan(grid.low):
        return "some"
    after, before = np.append(-np.inf, grid.edges)[cell], np.append(grid.edges, np.inf)[cell]
    # Beyond the reference's range values are cut before they are summed: means say nothing there.
    if after > grid.high or (np.isnan(means[cell]) and cell == len(grid.edges)):
        return f"above {grid.high:.4g}"
    if before <= grid.low or (np.isnan(means[cell]) and not cell):
        return f"below {grid.low:.4g}"
    return f"about {after:.4g}" if np.isnan(means[cell]) else f"{means[cell]:.4g}"


def _categories(grid: CategoryGrid, reference: Ints, window: Ints) -> str:
    names = [*(repr(value) for value in grid.kept), "other values", "new values", "missing"]
    then, now = reference / max(int(reference.sum()), 1), window / max(int(window.sum()), 1)
    largest = np.argsort(-np.abs(now - then), kind="stable")[:2]
    return ", ".join(f"{names[column]} {percent(then[column])} -> {percent(now[column])}" for column in largest.tolist())


def _share(counts: Ints, column: int) -> str:
    return percent(counts[column] / max(int(counts.sum()), 1))


def percent(share: float) -> str:
    """Return a share in percent, to two digits.

    >>> percent(0.2), percent(0.0123), percent(0)
    ('20 %', '1.2 %', '0 %')
    """
    return f"{float(f'{100 * share:.2g}'):g} %"
