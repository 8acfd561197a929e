"""Counts a batch into a profile: cells where they are known, leading bits and values where they are not yet."""

from collections.abc import Collection, Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from detectors.drift import calls, counting, float_bits
from detectors.drift.cells import FeatureCells, watched
from detectors.drift.grid import NAME_LENGTH, CategoryGrid, Grid, NumericGrid, frequencies
from detectors.drift.value_sketch import recover, sketch
from detectors.types import Batch, Category, Column, Profile, Text

Ints = NDArray[np.int64]

ROWS, OF_CALLS, LEFT, TOLD = "rows", "calls", "left/", "told/"
"""Rows; those that are calls of an endpoint; by feature, those that have no part in it; by feature, calls that metrics tell of, where there are no rows."""
CELLS, SUMS, CHECKS = "feature/", "sum/", "checks/"
"""Counts by feature: K rows a cell; E+1 sums a cell; type errors, rows below and rows above the reference."""
BITS, VALUES, OTHERS, FRESH = "bits/", "values/", "others/", "fresh/"
"""Tallies by feature: leading bits and a sketch of the values before cells exist; further values while a vocabulary of windows is learnt;
a sketch of values the reference never had, where they may be named."""
FRESH_CELLS = 64
"""Cells a table of that sketch: some 150 names are read back."""
TYPE_ERROR = "type_error."
"""How columns of a batch begin that say which values its source could not read as what the column is."""
TEXT, UNKNOWN = "text", "unknown"
"""Tallies of rows by column: free text, and columns the reference does not have."""
_NOWHERE: tuple[FeatureCells | None, str] = (None, "")


BEFORE, SEEN = "before", "seen/"
"""Counts of rows that came before there were cells: all of them, and by feature those whose batch had its column."""

Again: TypeAlias = Mapping[str, tuple[FeatureCells | None, str]]
"""Feature to further cells it is counted into, and the name its values are gathered under ("": they are not)."""


def observe(
    batch: Batch,
    cells: Mapping[str, FeatureCells],
    aside: Mapping[str, str],
    wanted: tuple[str, ...],
    *,
    learning: bool,
    again: Again | None = None,
    named: Collection[str] = (),
) -> Profile:
    """Count a batch. The same rows in any cut and order merge to the same profile.

    Once `cells` exist, other columns are only named; of the columns `named`, new values are kept by name. Missing rows of a column the batch lacks are told by `ROWS`.
    """
    if batch.kind not in {"calls", "rows", "labels"}:  # parts are joined to their calls before they count
        return Profile()
    counts: dict[str, Ints] = {ROWS: np.array([batch.rows], np.int64), **_of_calls(batch), **_before(batch, cells)}
    tallies: dict[str, Mapping[str, int]] = {}
    for name, column in calls.features(batch, wanted) if batch.kind == "calls" else watched(batch, wanted):
        if name in aside:
            continue
        known = cells.get(name)
        if known is not None:
            other, gathered = again.get(name, _NOWHERE) if again else _NOWHERE
            wrong = _wrong(batch, name)
            for one in (known,) if other is None else (known, other):
                _count(one, column, wrong, counts)
                if name in named:
                    tallies.update(_named(one, column, counts))
            if gathered and not isinstance(column, Text):
                _tally(gathered, column, tallies)
            if learning and known.own_vocabulary and isinstance(column, Category):
                tallies[OTHERS + name] = _others(known, column)
        elif cells:
            tallies[UNKNOWN] = {**tallies.get(UNKNOWN, {}), name: batch.rows}
        else:
            _tally(name, column, tallies)
            counts |= _seen(name, counts)
    return Profile(counts, tallies)


def _before(batch: Batch, cells: Mapping[str, FeatureCells]) -> dict[str, Ints]:
    return {} if cells or batch.kind != "rows" else {BEFORE: np.array([batch.rows], np.int64)}


def _seen(name: str, counts: Mapping[str, Ints]) -> dict[str, Ints]:
    return {SEEN + name: counts[ROWS]} if BEFORE in counts else {}


def late(profile: Profile, cells: Collection[FeatureCells]) -> frozenset[str]:
    """Return the features whose column some of the rows counted before cells existed did not have: it began in this window, or later."""
    if BEFORE not in profile.counts:
        return frozenset()
    none, rows = np.zeros(1, np.int64), profile.counts[BEFORE][0]
    return frozenset(known.name for known in cells if known.kind == "data" and profile.counts.get(SEEN + known.name, none)[0] < rows)


def _of_calls(batch: Batch) -> dict[str, Ints]:
    if batch.kind != "calls":
        return {}
    left = {LEFT + name: np.array([rows], np.int64) for name, rows in calls.left(batch).items()}
    return {OF_CALLS: np.array([batch.rows], np.int64), **left}


def _wrong(batch: Batch, name: str) -> int:
    """Return the values of a column that its source found to be of the wrong type: they are missing in the column itself."""
    flags = batch.columns.get(TYPE_ERROR + name)
    return int(np.count_nonzero(flags)) if isinstance(flags, np.ndarray) else 0


def _count(known: FeatureCells, column: Column, wrong: int, counts: dict[str, Ints]) -> None:
    counted = counting.tally(known.grid, column)
    counts[CELLS + known.key] = counted.cells
    if counted.sums is not None:
        counts[SUMS + known.key] = counted.sums
    counts[CHECKS + known.key] = np.array([counted.type_errors + wrong, counted.below, counted.above], np.int64)


def _named(known: FeatureCells, column: Column, counts: Mapping[str, Ints]) -> dict[str, Mapping[str, int]]:
    """Return the tally of values the reference never had, where there are any."""
    if not (isinstance(known.grid, CategoryGrid) and isinstance(column, Category) and counts[CELLS + known.key][-2]):
        return {}
    index = known.grid.index
    return {FRESH + known.key: sketch({name: rows for name, rows in frequencies(column).items() if name not in index}, FRESH_CELLS)}


def _tally(name: str, column: Column, tallies: dict[str, Mapping[str, int]]) -> None:
    if isinstance(column, Text):
        tallies[TEXT] = {**tallies.get(TEXT, {}), name: len(column)}
    elif isinstance(column, Category):
        tallies[VALUES + name] = sketch(frequencies(column))
    else:
        tallies[BITS + name] = float_bits.tally(column)[0]


def rows_of(profile: Profile) -> int:
    """Return the rows a profile stands for; of metrics, which tell of calls quantity by quantity, the most of any."""
    if ROWS in profile.counts:
        return int(profile.counts[ROWS][0])
    return max((int(calls[0]) for name, calls in profile.counts.items() if name.startswith(TOLD)), default=0)


def vector(profile: Profile, known: FeatureCells) -> Ints:
    """Return the K-vector of a feature, also of rows counted before its cells existed. All rows are in it."""
    total = np.zeros(known.grid.columns, np.int64)
    if CELLS + known.key in profile.counts:
        total += profile.counts[CELLS + known.key]
    bits = profile.tallies.get(BITS + known.key, {})
    values, lost = recover(profile.tallies.get(VALUES + known.key, {}))
    if bits and isinstance(known.grid, NumericGrid):
        total += float_bits.recut(bits, known.grid)
    if values:
        total += _counted(known.grid, values)
    if lost and isinstance(known.grid, CategoryGrid):
        total[-2] += lost
    # Bits cannot be spelt as a category, lost values are no numbers; a column no batch had is missing as well.
    if ROWS in profile.counts:
        left = profile.counts.get(LEFT + known.name)
        total[-1] += rows_of(profile) - (0 if left is None else int(left[0])) - total.sum()
    return total


def fresh(profile: Profile, known: FeatureCells) -> tuple[dict[str, int], int]:
    """Return the values the reference never had with their rows, where they are kept by name, and the rows of those that were too many."""
    cells = profile.tallies.get(FRESH + known.key)
    return recover(cells, FRESH_CELLS) if cells else ({}, 0)


def cell_means(profile: Profile, known: FeatureCells) -> NDArray[np.float64] | None:
    """Return the mean value of each cell in the window; None where sums are not kept, or not of all its rows."""
    sums, counted = profile.counts.get(SUMS + known.key), profile.counts.get(CELLS + known.key)
    if sums is None or counted is None or not isinstance(known.grid, NumericGrid):
        return None
    return counting.means(known.grid, counted, sums)


def checks(profile: Profile, known: FeatureCells) -> Ints:
    """Return type errors, rows below and rows above the reference's range."""
    return profile.counts.get(CHECKS + known.key, np.zeros(3, np.int64))


def _counted(grid: Grid, values: Mapping[str, int]) -> Ints:
    """Count values by their rows, as `counting.count` does a column of them: there may be more rows than fit into memory."""
    vector = np.zeros(grid.columns, np.int64)
    rows = np.array(list(values.values()), np.int64)
    if isinstance(grid, CategoryGrid):
        new = len(grid.kept) + 1
        places = np.array([grid.index.get(value[:NAME_LENGTH], new) for value in values], np.intp)
    else:
        numbers, _ = counting.to_numbers(Category(np.arange(len(values), dtype=np.int32), tuple(values)))
        places = np.where(np.isfinite(numbers), np.searchsorted(grid.edges, numbers, side="right"), grid.columns - 1)
    np.add.at(vector, places, rows)
    return vector


def _others(known: FeatureCells, column: Category) -> dict[str, int]:
    if not isinstance(known.grid, CategoryGrid):
        return {}
    other = len(known.grid.kept)
    return {value: rows for value, rows in frequencies(column).items() if known.grid.index.get(value[:NAME_LENGTH]) == other}
