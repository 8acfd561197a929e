"""The data-quality detector: rows, missing, doubled, fresh; mergeable like every profile."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from detectors import catalog
from detectors.quality.data_quality import DataQuality
from detectors.types import Batch, Category, Profile, Window

START = datetime(2025, 3, 3, 12, tzinfo=UTC)
HOUR = Window(START, START + timedelta(hours=1))
QUALITY = DataQuality()
STATE = QUALITY.restore(None)


def nanoseconds(minute: float) -> int:
    """Return the moment so many minutes into the hour."""
    return int((START.timestamp() + 60 * minute) * 1e9)


def rows() -> Batch:
    """Return six rows with holes; the newest is from minute 50."""
    return Batch(
        "e",
        "rows",
        6,
        {"time": np.array([nanoseconds(minute) for minute in (1, 2, 50, 3, 4, 5)]), "prediction": np.ones(6)},
        {"x": np.array([1.0, np.nan, np.inf, 2.0, 3.0, 4.0]), "c": Category.of(["a", None, None, None, "", "b"])},
    )


def gauges(profile: Profile) -> dict[tuple[str, ...], float]:
    """Return the gauges by metric and feature."""
    return {
        (score.metric.name.removeprefix("driftline.data."), *score.attributes.values()): score.value
        for score in QUALITY.step(STATE, HOUR, profile).scores
    }


def test_rows_missing_doubled_and_fresh() -> None:
    """Shares are of the window's rows; null, NaN and infinities are missing, "" is not; freshness is to the minute."""
    profile = QUALITY.observe(STATE, rows()).merge(Profile({"duplicates": np.array([2])}))
    assert gauges(profile) == {
        ("rows",): 6,
        ("duplicate.ratio",): pytest.approx(2 / 8),
        ("missing.ratio", "x"): pytest.approx(2 / 6),
        ("missing.ratio", "c"): pytest.approx(3 / 6),
        ("missing.ratio", "prediction"): 0,
        ("freshness",): 9 * 60,
    }
    assert {score.metric for score in QUALITY.step(STATE, HOUR, profile).scores} == set(DataQuality.metrics)


def test_any_cut_gives_the_same_profile() -> None:
    """Rows observed one by one merge to what they are together; a column a batch lacks is missing there."""
    whole = rows()
    merged = Profile()
    for row in (3, 0, 5, 1, 4, 2):
        merged = merged.merge(QUALITY.observe(STATE, whole.take(np.array([row]))))
    assert gauges(merged) == gauges(QUALITY.observe(STATE, whole))
    lacking = Batch("e", "rows", 6, {}, {"x": np.ones(6)})
    both = QUALITY.observe(STATE, whole).merge(QUALITY.observe(STATE, lacking))
    assert gauges(both)["missing.ratio", "c"] == pytest.approx(9 / 12)


def test_calls_and_nothing() -> None:
    """Calls are looked at by tokens and times; parts of calls do not count; an empty window has no shares."""
    calls = Batch("e", "calls", 2, {"output_tokens": np.array([5.0, np.nan]), "time": np.zeros(2, np.int64)})
    assert gauges(QUALITY.observe(STATE, calls)) == {("rows",): 2, ("duplicate.ratio",): 0, ("missing.ratio", "output_tokens"): 0.5}
    assert QUALITY.observe(STATE, Batch("e", "call_parts", 2, {})) == Profile()
    assert gauges(Profile()) == {("rows",): 0}
    assert catalog.DATA_ROWS in DataQuality.metrics
