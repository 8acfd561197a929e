"""Windows tile local time without gap or overlap."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.clock import to_nanoseconds
from agent.windowing import window_of, window_starts

ZONES = ["UTC", "America/New_York", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe"]
LENGTHS = [
    *(timedelta(minutes=minutes) for minutes in (1, 7, 15, 20, 30, 60, 90, 120, 180, 300)),
    timedelta(seconds=5),
    timedelta(days=1),
    timedelta(days=7),
]
CHANGES = [
    datetime.fromisoformat(text)
    for text in (
        "2013-03-10T07:00:00",  # New York, forward
        "2013-11-03T06:00:00",  # New York, back
        "2024-10-27T01:00:00",  # Berlin, back
        "2024-04-06T15:00:00",  # Lord Howe, back by half an hour
        "2024-10-05T15:30:00",  # Lord Howe, forward by half an hour
    )
]


@given(
    moment=st.datetimes(datetime(2012, 1, 1), datetime(2030, 1, 1))  # noqa: DTZ001 - hypothesis wants naive bounds
    | st.builds(datetime.__add__, st.sampled_from(CHANGES), st.timedeltas(timedelta(hours=-6), timedelta(hours=6))),
    zone=st.sampled_from(ZONES),
    length=st.sampled_from(LENGTHS),
)
def test_a_moment_lies_in_its_window_and_the_end_starts_the_next(moment: datetime, zone: str, length: timedelta) -> None:
    """Every moment has one window; its end is the start of the following one."""
    time = to_nanoseconds(moment.replace(tzinfo=UTC))

    start = int(window_starts(np.array([time]), length, zone)[0])
    window = window_of(start, length, zone)
    end = to_nanoseconds(window.end)

    assert start <= time < end
    assert int(window_starts(np.array([end]), length, zone)[0]) == end
    assert int(window_starts(np.array([end - 1]), length, zone)[0]) == start


@pytest.mark.parametrize(
    ("moment", "length", "start", "end"),
    [
        ("2013-03-10T03:30:00-04:00", timedelta(days=1), "2013-03-10T00:00:00-05:00", "2013-03-11T00:00:00-04:00"),
        ("2013-03-10T03:30:00-04:00", timedelta(hours=3), "2013-03-10T03:00:00-04:00", "2013-03-10T06:00:00-04:00"),
        ("2013-03-10T01:30:00-05:00", timedelta(hours=3), "2013-03-10T00:00:00-05:00", "2013-03-10T03:00:00-04:00"),
        ("2013-11-03T01:30:00-05:00", timedelta(hours=1), "2013-11-03T01:00:00-04:00", "2013-11-03T02:00:00-05:00"),
        ("2013-11-03T01:05:00-05:00", timedelta(minutes=15), "2013-11-03T01:00:00-05:00", "2013-11-03T01:15:00-05:00"),
        ("2013-11-03T01:50:00-04:00", timedelta(minutes=15), "2013-11-03T01:45:00-04:00", "2013-11-03T01:00:00-05:00"),
        ("2013-11-03T01:30:00-05:00", timedelta(hours=2), "2013-11-03T00:00:00-04:00", "2013-11-03T02:00:00-05:00"),
        ("2013-03-10T03:30:00-04:00", timedelta(hours=2), "2013-03-10T03:00:00-04:00", "2013-03-10T04:00:00-04:00"),
        ("2013-07-01T23:30:00-04:00", timedelta(hours=5), "2013-07-01T20:00:00-04:00", "2013-07-02T00:00:00-04:00"),
    ],
)
def test_windows_follow_the_local_clock(moment: str, length: timedelta, start: str, end: str) -> None:
    """Around the clock change windows begin at the usual local hours."""
    time = to_nanoseconds(datetime.fromisoformat(moment))

    window = window_of(int(window_starts(np.array([time]), length, "America/New_York")[0]), length, "America/New_York")

    assert (window.start.isoformat(), window.end.isoformat()) == (start, end)
