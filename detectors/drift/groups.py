"""The coarse groups of cells and the rank scores a feature is tested on, made from its reference (statistics rule 5.1)."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

FeatureKind = Literal["numeric", "categorical"]

_MOST_GROUPS = 10
_ROWS_A_GROUP = 6  # median rows of a window that pay for one more group
_LEAST_SHARE = 0.01
_LEAST_EXPECTED = 5  # rows of a median window a group must expect
_FLAT = 1e-6  # spread below which a score does not exist


def group_cells(total: NDArray[np.int64], kind: FeatureKind, median_rows: float) -> NDArray[np.intp]:
    """Return the group of each column, numbered from 0 without gaps.

    `total` [K] are the reference's counts, `missing` last. Numeric cells are cut at about equal shares; each categorical column
    stands alone; but where the reference itself has values none of its other weeks had, `new` goes with `other`: a later window has
    fewer of them, as it is held against one week more. Groups too small to judge are pooled, so a cell the reference never filled
    never stands alone.

    >>> group_cells(np.array([30, 30, 30, 0]), "numeric", 60.0).tolist()
    [0, 1, 2, 0]
    """
    cells = _numeric_groups(total, median_rows) if kind == "numeric" else _columns(total)
    return _pool(total, cells, max(_LEAST_SHARE, _LEAST_EXPECTED / median_rows))


def rank_scores(values: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the location and scale scores of the value cells, [0, 1 or 2][cells]: orthogonal, mean 0, variance 1 in the reference.

    A score without spread (a constant column) does not exist, and neither does the one after it.
    """
    total = int(values.sum())
    scores: list[NDArray[np.float64]] = []
    if total == 0:
        return np.empty((0, len(values)))
    share = values / total
    middle = 2 * (np.cumsum(values) - values / 2) / total - 1
    basis = [np.ones(len(values))]
    for power in (1, 2):
        score = middle**power
        for other in basis:
            score = score - (share * score * other).sum() * other
        norm = float(np.sqrt((share * score**2).sum()))
        if norm < _FLAT:
            break
        basis.append(score / norm)
        scores.append(basis[-1])
    return np.array(scores).reshape(len(scores), len(values))


def other_is_open(total: NDArray[np.int64]) -> bool:
    """Whether rows of a category [K] move between `other` and `new` as a vocabulary grows.

    >>> other_is_open(np.array([50, 40, 10, 0])), other_is_open(np.array([50, 40, 0, 0]))
    (True, False)
    """
    return bool(total[-2] > 0 and total[-3] > 0)


def _columns(total: NDArray[np.int64]) -> NDArray[np.intp]:
    columns = np.arange(len(total))
    if other_is_open(total):
        columns[-2:] -= 1
    return columns


def _numeric_groups(total: NDArray[np.int64], median_rows: float) -> NDArray[np.intp]:
    values = total[:-1]
    wanted = int(np.clip(median_rows // _ROWS_A_GROUP, 2, _MOST_GROUPS))
    rows = int(values.sum())
    if rows == 0:
        group = np.zeros(len(values), np.intp)
    else:
        # Whole numbers throughout: a cell on a border falls the same way everywhere.
        group = np.minimum(wanted * (2 * np.cumsum(values) - values) // (2 * rows), wanted - 1).astype(np.intp)
    group = np.unique(group, return_inverse=True)[1]
    return np.append(group, group.max(initial=-1) + 1)


def _pool(total: NDArray[np.int64], group: NDArray[np.intp], least: float) -> NDArray[np.intp]:
    sizes = np.bincount(group, weights=total)
    share = sizes / max(sizes.sum(), 1)
    small = share < least
    kept = np.flatnonzero(~small)
    target = np.empty(len(sizes), np.intp)
    target[kept] = np.arange(len(kept))
    joins = len(kept) > 0 and sizes[small].sum() / max(sizes.sum(), 1) < least
    target[small] = np.argmin(share[kept]) if joins else len(kept)
    return target[group]
