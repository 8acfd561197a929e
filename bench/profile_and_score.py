"""Drift of 50 columns x 100,000 rows: ours, the numpy floor and Evidently's DataDriftPreset, side by side in one run.

    python -m bench.profile_and_score [--rows 100000] [--rounds 7] [--evidently 1]

CPU time of this process (user and system), medians of alternating rounds. The reference is fitted beforehand for ours and
the floor; Evidently takes raw frames on both sides, as its users call it.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median

import numpy as np
from numpy.typing import NDArray

from agent.processor import prefer_fast_sort
from detectors.drift.baseline import BaselineBuilder
from detectors.drift.counting import tally
from detectors.drift.drift import Drift
from detectors.drift.grid import NumericGrid, fit_numeric
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


def ours(columns: dict[str, Column], rows: int) -> Callable[[], None]:
    """Return the work on one window: count it into a profile, judge it, describe it. The reference is fitted here."""
    detector = Drift()
    builder = BaselineBuilder()
    days = [batch(table(2000, 100 + day), 2000) for day in range(REFERENCE_DAYS)]
    for one in days:
        builder.learn(one)
    builder.fix()
    for day, one in enumerate(days):
        builder.count(one, window(day))
    state = builder.state()
    live = batch(columns, rows)
    state = detector.step(state, window(REFERENCE_DAYS), detector.observe(state, live)).state

    def work() -> None:
        step = detector.step(state, window(REFERENCE_DAYS), detector.observe(state, live))
        assert len({one.feature for one in step.findings}) == len(columns)  # noqa: S101 - a bench must not time a failure

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


def evidently(columns: dict[str, Column], reference: dict[str, Column]) -> Callable[[], None]:
    """Return Evidently's preset on pandas frames, with its result as a dictionary."""
    os.environ["DO_NOT_TRACK"] = "1"
    import pandas as pd  # type: ignore[import-untyped]  # noqa: PLC0415 - a peer, loaded only when it is measured; it has no stubs here
    from evidently import DataDefinition, Dataset, Report  # type: ignore[import-untyped]  # noqa: PLC0415 - the same
    from evidently.presets import DataDriftPreset  # type: ignore[import-untyped]  # noqa: PLC0415 - the same

    def frame(table: dict[str, Column]) -> Dataset:
        plain = {name: column.decode() if isinstance(column, Category) else column for name, column in table.items()}
        definition = DataDefinition(
            numerical_columns=[name for name in table if name.startswith("n")],
            categorical_columns=[name for name in table if name.startswith("c")],
        )
        return Dataset.from_pandas(pd.DataFrame(plain), data_definition=definition)

    now, then = frame(columns), frame(reference)

    def work() -> None:
        Report([DataDriftPreset()]).run(now, then).dict()

    return work


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


def timed(work: Callable[[], None]) -> float:
    """Return the CPU seconds of one call."""
    before = time.process_time()
    work()
    return time.process_time() - before


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--evidently", type=int, default=1, help="rounds of Evidently, 0 to leave it out")
    arguments = parser.parse_args()
    environment = dict(os.environ)
    prefer_fast_sort(environment)
    if environment != dict(os.environ):
        # The setting must stand before numpy is imported, as it does in the daemon: begin again with it.
        os.execve(sys.executable, [sys.executable, "-m", "bench.profile_and_score", *sys.argv[1:]], environment)  # noqa: S606 - ourselves
    columns, reference = table(arguments.rows, 1), table(arguments.rows, 2)
    works = {"driftline: profile and score": ours(columns, arguments.rows), "numpy floor": floor(columns, reference)}
    spent: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(arguments.rounds):
        for name, work in works.items():
            spent[name].append(timed(work))
    if arguments.evidently:
        work = evidently(columns, reference)
        spent["Evidently DataDriftPreset"] = [timed(work) for _ in range(arguments.evidently)]
    mine = median(spent["driftline: profile and score"])
    print(f"50 columns (35 numeric, 15 dictionary-coded) x {arguments.rows} rows; CPU seconds, median")
    for name, values in spent.items():
        print(f"{name:32} {median(values):9.4f} s   {median(values) / mine:8.2f} x driftline")
    print(f"driftline / floor               {mine / median(spent['numpy floor']):9.2f}     (at most 3)")
    for size in (10_000, 100_000):
        if size <= arguments.rows:
            print(f"counting, batches of {size:7}    {counting(columns, size):9.1f} M numeric values/s")


if __name__ == "__main__":
    main()
