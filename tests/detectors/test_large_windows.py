"""Windows far larger than their reference: counted in batches, judged in seconds, and no more alarming for their size."""

import time

import numpy as np

from detectors.drift.check import check
from detectors.drift.drift import Drift
from detectors.types import Batch, Category, Profile
from tests.fakes.drift_stream import NAMES, batch, day, finding, history

DRIFT = Drift()
MILLION = 1_000_000


def rows(random: np.random.Generator, count: int, shift: float = 0.0) -> Batch:
    """Return a number and a category."""
    return batch({"x": random.normal(shift, 1, count), "c": Category(random.integers(0, 3, count).astype(np.int32), NAMES)})


def test_ten_million_rows_are_judged_in_seconds() -> None:
    """Ten batches of a million rows of a number, a category and a column of ids take seconds, and what moved is found."""
    random = np.random.default_rng(1)
    state = history({day(number): rows(random, 400) for number in range(56)})
    one = rows(random, MILLION, 0.3)
    ids = Category(np.arange(MILLION, dtype=np.int32) % 100_000, tuple(f"order {number}" for number in range(100_000)))
    begin = time.thread_time()
    profile = Profile()
    for _ in range(10):
        profile = profile.merge(DRIFT.observe(state, batch({**one.features, "id": ids})))
    step = DRIFT.step(state, day(56), profile)
    # A second or so; the bound leaves room for a slow machine.
    assert time.thread_time() - begin < 20
    told = finding(step, "x", "rolling")
    assert told.samples == 10 * MILLION
    assert told.level == "page"
    assert step.state.aside == {"id": "not in the reference"}


def test_a_reference_smaller_than_the_window() -> None:
    """56 days of 400 rows against one of 200,000, nothing changed: no alarm, as the reference's own days scatter as much."""
    random = np.random.default_rng(2)
    state = history({day(number): rows(random, 400) for number in range(56)})
    step = DRIFT.step(state, day(56), DRIFT.observe(state, rows(random, 200_000)))
    assert {one.level for one in step.findings if one.kind == "data"} <= {None, "information"}
    assert finding(step, "x", "rolling").severity < 1
    report = check(rows(random, 100).features, rows(random, 200_000).features)
    assert (report.verdict, report.drifted) == ("stable", ())
    moved = check(rows(random, 100).features, rows(random, 200_000, 1.0).features)
    assert moved.drifted == ("x",)


def test_two_files_of_a_million_rows_are_compared_in_seconds() -> None:
    """Ten million values in five columns; what is certain but too small to matter is no drift."""
    random = np.random.default_rng(3)
    columns = {f"x{number}": random.normal(size=MILLION) for number in range(5)}
    begin = time.thread_time()
    report = check(columns, {name: values + (0.01 if name == "x0" else 0.0) for name, values in columns.items()})
    assert time.thread_time() - begin < 20
    assert report.verdict == "stable"
