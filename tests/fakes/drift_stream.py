"""Streams of rows for the drift detector: references built from past windows, and steps over live ones."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import numpy as np

from detectors.drift.baseline import BaselineBuilder
from detectors.drift.drift import Drift
from detectors.drift.state import DriftState
from detectors.types import Batch, Category, Column, Finding, Profile, Step, Window

START = datetime(2025, 3, 3, tzinfo=UTC)
DRIFT = Drift()
NAMES = tuple(f"v{number}" for number in range(40))


def hour(number: int) -> Window:
    """Return the n-th hour."""
    return Window(START + timedelta(hours=number), START + timedelta(hours=number + 1))


def day(number: int) -> Window:
    """Return the n-th day."""
    return Window(START + timedelta(days=number), START + timedelta(days=number + 1))


def batch(features: Mapping[str, Column], **columns: Column) -> Batch:
    """Return rows of these features."""
    return Batch("e", "rows", len(next(iter({**features, **columns}.values()))), columns, features)


def ordinary(random: np.random.Generator, rows: int) -> dict[str, Column]:
    """Return a numeric and a categorical feature without surprises."""
    return {"x": random.normal(size=rows), "c": Category(random.choice(3, rows, p=[0.6, 0.3, 0.1]).astype(np.int32), NAMES)}


def same(left: Profile, right: Profile) -> bool:
    """Whether two profiles hold the same integers."""
    counts = left.counts.keys() == right.counts.keys() and all(
        np.array_equal(left.counts[name], right.counts[name]) for name in left.counts
    )
    return counts and left.tallies == right.tallies


def history(windows: Mapping[Window, Batch]) -> DriftState:
    """Return a reference built from past windows."""
    builder = BaselineBuilder()
    for one in windows.values():
        builder.learn(one)
    builder.fix()
    for window, one in windows.items():
        builder.count(one, window)
    return builder.state()


def steps(state: DriftState, windows: Mapping[Window, Batch]) -> list[Step]:
    """Run a detector over windows."""
    found = []
    for window, one in windows.items():
        step = DRIFT.step(state, window, DRIFT.observe(state, one))
        state = step.state
        found.append(step)
    return found


def finding(step: Step, feature: str, reference: str = "fixed") -> Finding:
    """Return what was said of a feature against a reference."""
    (found,) = [one for one in step.findings if (one.feature, one.reference) == (feature, reference)]
    return found


def gauges(step: Step) -> dict[tuple[str, ...], float]:
    """Return the gauges by metric and attribute values."""
    return {(score.metric.name.removeprefix("driftline."), *score.attributes.values()): score.value for score in step.scores}
