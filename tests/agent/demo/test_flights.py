"""Tests the table of flights against what is known of the package and of clocks."""

from typing import Any

import pytest

from agent.demo import flights


@pytest.fixture(scope="module")
def table() -> Any:
    """The whole year."""
    return flights.load()


def test_every_flight_is_there_in_order(table: Any) -> None:
    """336,776 flights (the package's own figure), ids 1 to n, by scheduled departure of the clock in New York."""
    assert len(table) == 336_776
    assert table["scheduled"].is_monotonic_increasing
    assert table["flight_id"].tolist() == list(range(1, len(table) + 1))
    assert str(table["scheduled"].dt.tz) == "America/New_York"
    assert set(table["scheduled"].dt.year) == {2013}


@pytest.mark.parametrize("dest", ["PHX", "SJU", "HNL", "LAX"])
def test_the_clock_change_moves_no_duration(table: Any, dest: str) -> None:
    """A flight lasts as long on 11 March as on 8 March, whether its destination changes clocks or not."""
    there = table[table["dest"] == dest]
    days = there["scheduled"].dt.strftime("%m-%d")

    before, after = (there.loc[days == day, "sched_dur"].median() for day in ("03-08", "03-11"))

    assert abs(before - after) < 15


def test_durations_are_those_of_flights(table: Any) -> None:
    """Nobody flies for less than half an hour or more than twelve hours, and distance explains most of it."""
    assert table["sched_dur"].between(30, 720).all()
    assert table["sched_dur"].corr(table["distance"]) > 0.98


def test_only_cancelled_flights_lack_a_delay(table: Any) -> None:
    """8,255 flights of the year have no departure time (the package's own figure)."""
    assert int(table["dep_delay"].isna().sum()) == 8255
