"""Times of every spelling mean the same moment."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.rows.times import epoch, instant, localised

SECONDS = st.integers(10**9, 4 * 10**9)


@settings(max_examples=2000)
@given(SECONDS, st.sampled_from([1, 10**3, 10**6, 10**9]))
def test_epochs_of_every_unit_are_told_apart(seconds: int, unit: int) -> None:
    """Seconds, milliseconds, microseconds and nanoseconds from 2001 to 2096, as integers, floats and text."""
    expected = seconds * 10**9
    assert epoch(np.array([seconds * unit], np.int64)).tolist() == [expected]
    assert abs(int(epoch(np.array([float(seconds * unit)]))[0]) - expected) <= 512
    assert instant(str(seconds * unit), UTC) == expected


CLOCKS = st.datetimes(datetime.fromisoformat("1971-01-01"), datetime.fromisoformat("2200-01-01"))


@settings(max_examples=500)
@given(CLOCKS, st.sampled_from(["America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]))
def test_a_clocks_reading_is_that_of_its_zone(clock: datetime, name: str) -> None:
    """Column by column as `datetime` does it one by one, also where the hour comes twice or never."""
    # Of the hour that comes twice the first is meant: text does not say which.
    clock = clock.replace(fold=0)
    zone = ZoneInfo(name)
    start = datetime(1970, 1, 1, tzinfo=UTC)
    micros = (clock.replace(tzinfo=UTC) - start) // timedelta(microseconds=1)
    expected = (clock.replace(tzinfo=zone) - start) // timedelta(microseconds=1) * 1000
    assert localised(np.array([micros * 1000]), zone).tolist() == [expected]
    assert instant(clock.isoformat(), zone) == expected


@pytest.mark.parametrize(
    "value", [None, True, "", "soon", [], {}, float("nan"), float("inf"), -1, 0, 1e300, 10**400, "9" * 400, "0001-01-01"]
)
def test_what_is_no_time_is_0(value: object) -> None:
    """Nothing is guessed."""
    assert instant(value, UTC) == 0


@pytest.mark.parametrize(
    "text", ["20260101", "2026-01-01", "2026-01-01T00", "2026-01-01 00:00:00+00:00", "20260101T000000Z", "1767225600.0"]
)
def test_iso_8601_in_its_spellings(text: str) -> None:
    """Eight digits are a date; more are a number."""
    assert instant(text, UTC) == 1767225600 * 10**9
