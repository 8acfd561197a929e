"""The table that is timed, fifty columns of shapes that real ones have, and the work of one window of it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median

import numpy as np
from numpy.typing import NDArray

from detectors.drift.baseline import BaselineBuilder
from detectors.drift.counting import tally
from detectors.drift.drift import Drift
from detectors.drift.grid import NumericGrid, fit_numeric
from detectors.drift.state import DriftState
from detectors.types import Batch, Category, Column, Text, Window

START = datetime(2025, 1, 1, tzinfo=UTC)
REFERENCE_DAYS = 56
CARDINALITIES = (5, 5, 8, 8, 12, 12, 20, 20, 50, 50, 100, 200, 500, 1000, 2000)


def table(rows: int, seed: int) -> dict[str, Column]:
    """Return 35 numeric columns of seven shapes, nine with 5 % missing, and 15 dictionary-coded ones of Zipf frequencies."""
    random = np.random.default_rng(seed)
    shapes: tuple[Callable[[], NDArray[np.float64]], ...] = (
        lambda: random.normal(size=rows),
        lambda: random.lognormal(0, 1, rows),
        lambda: random.standard_t(2, rows),
        lambda: random.exponential(1, rows),
        lambda: np.round(random.gamma(2, 10, rows)),
        lambda: random.uniform(size=rows),
        lambda: random.pareto(2, rows) * (random.uniform(size=rows) < 0.4),
    )
    columns: dict[str, Column] = {}
    for number in range(35):
        values = shapes[number % len(shapes)]()
        if number % 4 == 0:
            values[random.uniform(size=rows) < 0.05] = np.nan
        columns[f"n{number}"] = values
    for number, distinct in enumerate(CARDINALITIES):
        share = 1 / np.arange(1, distinct + 1)
        codes = random.choice(distinct, rows, p=share / share.sum()).astype(np.int32)
        columns[f"c{number}"] = Category(codes, tuple(f"v{value}" for value in range(distinct)))
    return columns


def reference(detector: Drift, rows: int = 2000) -> DriftState:
    """Return a detector's state with a reference of 56 windows of the table."""
    builder = BaselineBuilder()
    days = [batch(table(rows, 100 + day), rows) for day in range(REFERENCE_DAYS)]
    for one in days:
        builder.learn(one)
    builder.fix()
    for day, one in enumerate(days):
        builder.count(one, window(day))
    return detector.restore(builder.state().plain())


def ours(columns: dict[str, Column]) -> Callable[[Batch], None]:
    """Return the work on a window: count it into a profile, judge it, describe it. The reference is fitted here."""
    detector = Drift()
    state = reference(detector)
    state = detector.step(state, window(REFERENCE_DAYS), detector.observe(state, batch(table(2000, 1), 2000))).state

    def work(live: Batch) -> None:
        step = detector.step(state, window(REFERENCE_DAYS), detector.observe(state, live))
        assert set(columns) <= {one.feature for one in step.findings}  # noqa: S101 - a bench must not time a failure

    return work


def batch(columns: dict[str, Column], rows: int) -> Batch:
    """Return the columns as a batch."""
    return Batch("bench", "rows", rows, {}, columns)


def window(day: int) -> Window:
    """Return the n-th day."""
    return Window(START + timedelta(days=day), START + timedelta(days=day + 1))


def floor(columns: dict[str, Column], reference: dict[str, Column]) -> Callable[[], None]:
    """Return the least numpy can do: sort and search numbers, count codes."""
    edges = {name: fit_numeric(column).edges for name, column in reference.items() if isinstance(column, np.ndarray)}

    def work() -> None:
        for name, column in columns.items():
            if isinstance(column, Category):
                np.bincount(column.codes, minlength=len(column.values))
            elif isinstance(column, np.ndarray):
                np.searchsorted(np.sort(column), edges[name])

    return work


def raw(columns: dict[str, Column], rows: int, work: Callable[[Batch], None]) -> Callable[[], None]:
    """Return the same work where the categorical columns come as Python strings that must be coded first."""
    plain = {name: column.decode() if isinstance(column, Category) else column for name, column in columns.items()}

    def coded() -> None:
        work(batch({name: Category.of(column) if isinstance(column, list) else column for name, column in plain.items()}, rows))

    return coded


def counting(columns: dict[str, Column], size: int) -> float:
    """Return millions of numeric values a second counted into cells and sums, in batches of `size` rows."""
    numeric = {name: np.asarray(column, np.float64) for name, column in columns.items() if not isinstance(column, (Category, Text))}
    grids: dict[str, NumericGrid] = {name: fit_numeric(column) for name, column in numeric.items()}
    parts = [(grids[name], part) for name, column in numeric.items() for part in np.array_split(column, max(len(column) // size, 1))]
    spent = []
    for _ in range(5):
        before = time.process_time()
        for grid, part in parts:
            tally(grid, part)
        spent.append(time.process_time() - before)
    return sum(len(part) for _, part in parts) / median(spent) / 1e6
