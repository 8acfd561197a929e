"""Deltas add up to what was counted, whatever the pauses and restarts."""

from hypothesis import given
from hypothesis import strategies as st

from agent.increments import Increments
from agent.plain import pack, unpack
from agent.point import Distribution, Point
from detectors.catalog import DATA_ROWS, REQUEST_DURATION, REQUESTS

STREAM = (("deployment", "d"), ("endpoint", "e"), ("traffic", "live"))


@given(st.lists(st.tuples(st.integers(0, 50), st.booleans()), max_size=20))
def test_increases_sum_to_the_counter(steps: list[tuple[int, bool]]) -> None:
    """However often it is asked and restored from its saved state in between."""
    increments, total, sent = Increments(), 0, 0.0
    for time, (more, restart) in enumerate(steps):
        total += more
        buckets = Distribution((total, *(0,) * 14), total * 0.5)
        points = [Point(REQUESTS, STREAM, float(total), time + 1), Point(REQUEST_DURATION, STREAM, buckets, time + 1)]
        for point in increments.take(points):
            sent += point.value.count if isinstance(point.value, Distribution) else point.value
        if restart:
            saved = unpack(pack(increments.plain()))
            increments = Increments()
            increments.restore(saved)

    assert sent == 2 * total


def test_a_counter_that_began_anew_counts_from_zero() -> None:
    """A value below the last one is a restart, not a negative increase."""
    increments = Increments()
    increments.take([Point(REQUESTS, STREAM, 10.0, 1)])

    (point,) = increments.take([Point(REQUESTS, STREAM, 4.0, 2)])

    assert (point.value, point.start) == (4.0, 1)


def test_unchanged_counters_are_silent_and_gauges_pass() -> None:
    """Nothing happened: no point. A gauge is what it is."""
    increments = Increments()
    points = [Point(REQUESTS, STREAM, 10.0, 1), Point(DATA_ROWS, STREAM, 3.0, 1)]
    increments.take(points)

    assert [point.metric.name for point in increments.take(points)] == [DATA_ROWS.name]
