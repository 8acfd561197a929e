"""The distribution a reference holds of a feature, as a few bars to look at."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.drift.cells import FeatureCells
from detectors.drift.grid import WIDEST, CategoryGrid, NumericGrid

Floats = NDArray[np.float64]
_BEYOND = 0.25
"""How far beyond its outer edges a picture reaches at most, in shares of what lies between them: one far value must not squeeze the rest."""

_MOSTLY = 0.9
"""Share of rows that have a frequent value each, from which on a column is drawn as one of such values."""
_MOST_VALUES = 2000


@dataclass(frozen=True, slots=True)
class Bars:
    """Shares of the rows that have a value; they add to 1, or there are none."""

    shares: tuple[float, ...]
    labels: tuple[str, ...]
    """Of categories: one a bar. Of numbers: the lower end and the upper one."""
    numeric: bool


def bars(known: FeatureCells, counts: NDArray[np.int64], number: int) -> Bars:
    """Return the bars of counts [K], the last of which is missing: at most `number` steps of a numeric range, or of the commonest categories.

    Cells hold about equal shares, so they are no picture: their rows are spread evenly over the values they span.
    """
    total = int(counts[:-1].sum())
    if isinstance(known.grid, CategoryGrid):
        return _categories(known.grid, counts, max(total, 1), number) if total else Bars((), (), numeric=False)
    return _numbers(known.grid, counts, number) if total and len(known.grid.edges) else Bars((), (), numeric=True)


def _numbers(grid: NumericGrid, counts: NDArray[np.int64], number: int) -> Bars:
    edges = grid.edges
    with np.errstate(over="ignore"):
        room = _BEYOND * (edges[-1] - edges[0])
        low, high = min(max(grid.low, edges[0] - room), edges[0]), max(min(grid.high, edges[-1] + room), edges[-1])
        width = high - low
    if not 0 < width < WIDEST:
        return Bars((1.0,), (f"{edges[0]:.4g}", f"{edges[-1]:.4g}"), numeric=True)
    summed = np.concatenate([[0], np.cumsum(counts[:-1])]).astype(np.float64)
    steps = _whole(grid, counts, number)
    if steps is None:
        steps = np.linspace(low, high, number + 1)
    below = np.interp(steps, np.concatenate([[low], edges, [high]]), summed)
    below[0], below[-1] = 0, summed[-1]
    return Bars(tuple((np.diff(below) / summed[-1]).tolist()), (f"{low:.4g}", f"{high:.4g}"), numeric=True)


def _whole(grid: NumericGrid, counts: NDArray[np.int64], number: int) -> Floats | None:
    """Return steps that each hold as many of evenly spaced values, such as whole numbers; None where a column is not made of them."""
    atoms = grid.atoms
    inside = counts[:-1][np.searchsorted(grid.edges, atoms, side="right")].sum() if len(atoms) else 0
    if inside < _MOSTLY * counts[:-1].sum():
        return None
    gap = float(np.diff(atoms).min()) if len(atoms) > 1 else 1.0
    with np.errstate(over="ignore"):
        values = round((atoms[-1] - atoms[0]) / gap) + 1 if gap > 0 and np.isfinite(atoms[-1] - atoms[0]) else 0
    if not 0 < values <= _MOST_VALUES or not np.isfinite(gap):
        return None
    each = -(-values // number)
    steps: Floats = atoms[0] - gap / 2 + gap * each * np.arange(-(-values // each) + 1)
    return steps if np.isfinite(steps).all() and (np.diff(steps) > 0).all() else None


def _categories(grid: CategoryGrid, counts: NDArray[np.int64], total: int, number: int) -> Bars:
    named = sorted(zip(counts.tolist(), grid.kept, strict=False), key=lambda one: (-one[0], one[1]))
    shown = named[:number]
    rest = int(counts[len(grid.kept)]) + sum(rows for rows, _ in named[number:])
    further = [(rest, "other"), (int(counts[-2]), "new")]
    kept = [(rows, name) for rows, name in (*shown, *further) if rows]
    return Bars(tuple(rows / total for rows, _ in kept), tuple(name for _, name in kept), numeric=False)
