"""What the world knows of 2013 in New York: dates that stand beside what driftline found, and never lead to it."""

from datetime import date
from typing import NamedTuple


class Known(NamedTuple):
    """One thing that happened."""

    day: date
    what: str
    family: str
    """Which features it should move; see `agent.demo.year.FAMILIES`."""


IN_REFERENCE = (
    Known(date(2013, 1, 1), "New Year's Day", "timetable"),
    Known(date(2013, 2, 8), "a blizzard", "delay"),
    Known(date(2013, 2, 9), "the day after it", "delay"),
)
"""Days inside the first 56 that a person would not call normal."""

AFTERWARDS = (
    Known(date(2013, 3, 8), "a late snow storm", "delay"),
    Known(date(2013, 5, 23), "thunderstorms", "delay"),
    Known(date(2013, 6, 7), "tropical storm Andrea", "weather"),
    Known(date(2013, 7, 1), "thunderstorms", "delay"),
    Known(date(2013, 8, 5), "the summer timetable", "timetable"),
    Known(date(2013, 11, 28), "Thanksgiving", "timetable"),
    Known(date(2013, 12, 10), "snow", "delay"),
    Known(date(2013, 12, 25), "the Christmas timetable", "timetable"),
)
"""What came later; the demo fails where driftline does not tell of one of them."""
