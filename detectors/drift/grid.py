"""The cells a column is counted into: quantile cells with atoms for numbers, the most frequent values for categories."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from detectors.types import Category, Numbers, Plain

CELLS = 128
"""Quantile cells of a numeric column."""
TOP = 20
"""Values of a categorical column that get a cell of their own."""
NAME_LENGTH = 64
"""Characters of a category that are kept; what differs only behind them is one category."""
FAR = 100
"""Robust standard deviations outside the outer edges that a value is summed with at most."""
STEPS = 2.0**30
"""Fixed-point steps over the range of a cell sum: 2^33 rows fit into int64."""
NARROWEST, WIDEST = 1e-290, 1e300
"""Ranges outside of these have no fixed point: such a cell's mean is its lower end."""
LARGEST = np.finfo(np.float64).max
_DATE = re.compile(r"(?:\d{4}[/.-]\d{1,2}[/.-]\d{1,2}|\d{1,2}[/.-]\d{1,2}[/.-]\d{4}|\d{1,2}/\d{1,2}/\d{2})(?:[ T]\d{1,2}:.*)?")
"""Dates as people write them; `fromisoformat` knows those of machines."""
RUNNING = 30
"""Rows it takes to call integers that only grow a running number."""


@dataclass(frozen=True, slots=True)
class NumericGrid:
    """Cell of x = number of `edges` <= x; one more column, the last, for missing (null, NaN, infinities).

    >>> grid = fit_numeric(np.array([0.0, 0.0, 0.0, 1.0, 2.0]), cells=4)
    >>> grid.edges.tolist(), grid.columns
    ([0.0, 5e-324, 1.0], 5)
    """

    edges: NDArray[np.float64]
    atoms: NDArray[np.float64]
    """Values that fill at least a whole quantile cell; each has the cell [a, nextafter(a))."""
    low: float
    """Smallest reference value; NaN where the reference had none."""
    high: float
    spread: float
    """Robust standard deviation of the reference, (q75 - q25) / 1.349; NaN where it cannot be given."""
    exact: bool = True
    """Whether windows also keep sums per cell. Grids cut from float bits do not: their past has no sums."""
    keys: NDArray[np.float64] = field(init=False, repr=False, compare=False)
    """What one search of a sorted column asks for: end of -inf, the edges, start of +inf, low, end of high, `reach`."""
    offsets: NDArray[np.float64] = field(init=False, repr=False, compare=False)
    """[E+1] where the fixed point of each cell's sum begins."""
    steps: NDArray[np.float64] = field(init=False, repr=False, compare=False)
    """[E+1] its steps per unit. Inner cells share the range of the edges; the two end cells reach out to `reach`, so that
    one far value there costs the others no precision."""

    def __post_init__(self) -> None:
        ends = [np.inf, self.low, following(np.float64(self.high)), *self.reach]
        object.__setattr__(self, "keys", np.concatenate([[-LARGEST], self.edges, ends]))
        offsets, steps = np.full(len(self.edges) + 1, np.nan), np.zeros(len(self.edges) + 1)
        if len(self.edges):
            low, high = self.reach
            offsets[1:-1], steps[1:-1] = _fixed_point(self.edges[0], self.edges[-1])
            offsets[0], steps[0] = _fixed_point(low, self.edges[0])
            offsets[-1], steps[-1] = _fixed_point(self.edges[-1], high)
        object.__setattr__(self, "offsets", offsets)
        object.__setattr__(self, "steps", steps)

    @property
    def reach(self) -> tuple[float, float]:
        """Where values are cut before they are summed: the reference's ends, and no further than 100 spreads out.

        So one wild value, in a window or in the reference itself, moves no mean by much.
        """
        if not len(self.edges) or np.isnan(self.spread):
            return self.low, self.high
        far = FAR * self.spread
        return max(self.low, float(self.edges[0]) - far), min(self.high, float(self.edges[-1]) + far)

    @property
    def columns(self) -> int:
        """K, the length of a window's vector."""
        return len(self.edges) + 2

    def plain(self) -> Plain:
        """Return the grid as data; `from_plain` takes it back."""
        return {
            "edges": self.edges,
            "atoms": self.atoms,
            "low": self.low,
            "high": self.high,
            "spread": self.spread,
            "exact": self.exact,
        }


def _fixed_point(low: float, high: float) -> tuple[float, float]:
    width = high / 2 - low / 2
    return float(low), float(STEPS / 2 / width) if NARROWEST < width < WIDEST else 0.0


@dataclass(frozen=True, slots=True)
class CategoryGrid:
    """Columns: the kept values, `other` (all further reference values), `new` (not in the reference), `missing`.

    >>> fit_categories({"b": 20, "a": 20, "c": 10}, top=2)
    CategoryGrid(kept=('a', 'b'), other=('c',), high_cardinality=False)
    """

    kept: tuple[str, ...]
    other: tuple[str, ...]
    high_cardinality: bool = False
    """Set where more than 2 % of one half of the reference does not occur in the other half."""
    index: Mapping[str, int] = field(init=False, repr=False, compare=False)
    """Column of every known value."""

    def __post_init__(self) -> None:
        index = dict.fromkeys(self.other, len(self.kept))
        index.update({value: column for column, value in enumerate(self.kept)})
        object.__setattr__(self, "index", index)

    @property
    def columns(self) -> int:
        """K, the length of a window's vector."""
        return len(self.kept) + 3

    def plain(self) -> Plain:
        """Return the grid as data; `from_plain` takes it back."""
        return {"kept": list(self.kept), "other": list(self.other), "high_cardinality": self.high_cardinality}


Grid: TypeAlias = NumericGrid | CategoryGrid


def from_plain(saved: Plain) -> Grid:
    """Return the grid that `plain` described."""
    if "kept" in saved:
        return CategoryGrid(tuple(saved["kept"]), tuple(saved["other"]), saved["high_cardinality"])
    edges, atoms = (np.asarray(saved[name], np.float64) for name in ("edges", "atoms"))
    return NumericGrid(edges, atoms, saved["low"], saved["high"], saved["spread"], saved["exact"])


def fit_numeric(values: Numbers, cells: int = CELLS) -> NumericGrid:
    """Cut the finite values into cells of equal share. Quantiles interpolate linearly at position (N-1)q.

    Without a finite value there are no edges and one cell.
    """
    ordered = np.sort(np.asarray(values).astype(np.float64))
    ordered = ordered[np.isfinite(ordered)] + 0.0
    if not len(ordered):
        nothing = np.empty(0)
        return NumericGrid(nothing, nothing, np.nan, np.nan, np.nan)
    quantiles, repeats = np.unique(_quantiles(ordered, np.arange(1, cells) / cells), return_counts=True)
    atoms = quantiles[repeats > 1]
    edges = np.unique(np.concatenate([quantiles, following(atoms)]))
    return NumericGrid(edges[np.isfinite(edges)], atoms, float(ordered[0]), float(ordered[-1]), spread(ordered))


def following(values: NDArray[np.float64] | np.float64) -> Any:
    """Return the next larger double; infinity behind the largest."""
    with np.errstate(over="ignore"):
        return np.nextafter(values, np.inf)


def spread(ordered: NDArray[np.float64]) -> float:
    """Return a robust standard deviation of sorted values: the narrowest central range that is not empty, as of a normal.

    >>> spread(np.array([0.0, 0.0, 0.0, 0.0])), round(spread(np.arange(1000.0)))
    (nan, 370)
    """
    for share, width in ((0.25, 1.349), (0.05, 3.290), (0.01, 4.653)):
        lower, upper = _quantiles(ordered, np.array([share, 1 - share])).tolist()
        if upper > lower:
            return float(upper / width - lower / width)
    return np.nan


def _quantiles(ordered: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    position = (len(ordered) - 1) * shares
    before = np.floor(position).astype(np.intp)
    after = np.minimum(before + 1, len(ordered) - 1)
    left, right, part = ordered[before], ordered[after], position - before
    with np.errstate(over="ignore", invalid="ignore"):
        inside = left + part * (right - left)
    return np.where(np.isfinite(inside), inside, left * (1 - part) + right * part)


def fit_categories(values: Category | Mapping[str, int], top: int = TOP) -> CategoryGrid:
    """Keep the most frequent values; ties go by code point order, and so do the further ones."""
    counts = frequencies(values) if isinstance(values, Category) else values
    ordered = sorted((value for value, count in counts.items() if count), key=lambda value: (-counts[value], value))
    return CategoryGrid(tuple(ordered[:top]), tuple(sorted(ordered[top:])), unseen_rate(counts) > 0.02)


def frequencies(column: Category) -> dict[str, int]:
    """Count the values of a column, missing left out; names are cut to `NAME_LENGTH`.

    >>> frequencies(Category.of(["a", None, "a"]))
    {'a': 2}
    """
    tallied = np.bincount(column.codes[column.codes >= 0], minlength=len(column.values))
    counts: dict[str, int] = {}
    for code in np.flatnonzero(tallied).tolist():
        name = column.values[code][:NAME_LENGTH]
        counts[name] = counts.get(name, 0) + int(tallied[code])
    return counts


def unseen_rate(counts: Mapping[str, int]) -> float:
    """Return the expected share of one random half of the rows whose value does not occur in the other half.

    A value with c rows lies wholly on a row's side with chance 2^-(c-1), so no rows are needed.

    >>> unseen_rate({"a": 1, "b": 1}), unseen_rate({"a": 1000})
    (1.0, 0.0)
    """
    tallied = np.array([count for count in counts.values() if count], np.float64)
    if not len(tallied):
        return 0.0
    return float(np.sum(tallied * np.exp2(1 - np.minimum(tallied, 60)) * (tallied < 60)) / np.sum(tallied))


def set_aside(counts: Mapping[str, int]) -> str | None:
    """Return why a column of these values cannot be watched for drift, None where it can.

    >>> set_aside({"order 17": 1, "order 18": 1, "order 19": 1})
    'looks like an id: 100 % of values occur once'
    >>> set_aside({"2026-03-01": 90, "2026-03-02": 80})
    'looks like a time'
    """
    rows = sum(counts.values())
    if not rows:
        return None
    if all(_is_time(value) for value in islice(counts, 50)):
        return "looks like a time"
    words = np.array([len(value.split()) for value in counts])
    weights = np.array(list(counts.values()))
    order = np.argsort(words)
    median = words[order][np.searchsorted(np.cumsum(weights[order]), rows / 2)]
    if median > 5:
        return f"looks like free text: {median} words in the median"
    distinct = len(counts) / rows
    if distinct > 0.5:
        return f"looks like an id: {distinct:.0%} of values occur once".replace("%", " %")
    unseen = unseen_rate(counts)
    if unseen > 0.5:
        return f"looks like an id: {unseen:.0%} of values in one half of the rows are not in the other".replace("%", " %")
    return None


def running_number(values: NDArray[np.float64]) -> bool:
    """Whether integers grow or fall from each row to the next, or are a shuffle of such: a counter, an id or a time, no feature.

    >>> running_number(np.arange(40.0)), running_number(np.arange(40.0)[::-1] ** 2), running_number(np.arange(40.0) % 7)
    (True, True, False)
    """
    if len(values) < RUNNING or not np.isfinite(values).all() or (values != np.floor(values)).any():
        return False
    # Halves, as the whole range of doubles has no number.
    shuffled = values.max() / 2 - values.min() / 2 < 0.55 * len(values) and len(np.unique(values)) == len(values)
    return bool((values[1:] > values[:-1]).all() or (values[1:] < values[:-1]).all() or shuffled)


def _is_time(value: str) -> bool:
    if _DATE.fullmatch(value):
        return True
    if len(value) < len("2026-03-01") or value.isdigit():
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True
