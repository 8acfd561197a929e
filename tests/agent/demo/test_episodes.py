"""Tests the grouping of days of alarm into episodes."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from agent.demo.episodes import episodes
from detectors.types import Finding, Level, Window

_FAMILIES = {"delay": ("dep_delay", "prediction"), "timetable": ("dest",)}
_ZONE = ZoneInfo("America/New_York")


def _window(day: int) -> Window:
    start = datetime(2013, 3, day, tzinfo=_ZONE)
    return Window(start, datetime(2013, 3, day + 1, tzinfo=_ZONE))


def _finding(feature: str, severity: float = 1.5, level: Level | None = "page") -> Finding:
    return Finding("data", feature, "fixed", 1, 1, severity, 0.02, 900, 0.3, "sd", level, "calibrated", {}, f"{feature} moved")


def test_days_at_most_two_apart_are_one_episode() -> None:
    """Alarms on the 4th, 6th, 9th and 10th are two episodes of two days each."""
    closed = [(_window(day), [_finding("dep_delay")]) for day in (4, 6, 9, 10)]

    found = episodes(closed, _FAMILIES)

    assert [(one.first.day, one.last.day, one.days) for one in found] == [(4, 6, 2), (9, 10, 2)]


def test_families_are_told_apart() -> None:
    """A storm inside a new timetable is an episode of its own, and a feature of no family is one too."""
    closed = [(_window(day), [_finding("dest")] + ([_finding("dep_delay"), _finding("humid")] if day == 5 else [])) for day in range(4, 8)]

    found = episodes(closed, _FAMILIES)

    assert {(one.family, one.first.day, one.last.day) for one in found} == {("timetable", 4, 7), ("delay", 5, 5), ("humid", 5, 5)}


def test_the_most_severe_finding_speaks() -> None:
    """Its words, its day, and its feature first; told at the end of the first window."""
    closed = [(_window(7), [_finding("prediction", 1.1)]), (_window(8), [_finding("dep_delay", 1.9), _finding("prediction", 1.2)])]

    (one,) = episodes(closed, _FAMILIES)

    assert (one.worst.feature, one.worst_day, one.features) == ("dep_delay", date(2013, 3, 8), ("dep_delay", "prediction"))
    assert one.told == datetime(2013, 3, 8, tzinfo=_ZONE)
    assert one.holds(date(2013, 3, 7))
    assert not one.holds(date(2013, 3, 9))


@pytest.mark.parametrize("level", [None, "information", "warning"])
def test_only_pages_count(level: Level | None) -> None:
    """What wakes nobody is no episode."""
    assert episodes([(_window(8), [_finding("dest", level=level)])], _FAMILIES) == []


def test_a_clock_change_is_one_day() -> None:
    """9 and 11 March are two days apart although an hour is missing between them."""
    assert _window(11).start - _window(9).start == timedelta(days=2)  # clock time, as the calendar counts

    (one,) = episodes([(_window(9), [_finding("dest")]), (_window(11), [_finding("dest")])], _FAMILIES)

    assert one.days == 2
