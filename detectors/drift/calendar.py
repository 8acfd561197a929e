"""The calendar of a stream: days that are no part of its reference, and the slots of its seasons."""

import re
from collections.abc import Iterable
from datetime import date
from typing import Literal, NamedTuple, TypeAlias

Slots: TypeAlias = Literal["none", "weekday", "hour_of_day", "hour_of_week"]
"""Which reference windows a window is compared with: all, or those of its own weekday, hour, or both."""

PATTERN = r"^\d{4}-\d{2}-\d{2}(\.\.\d{4}-\d{2}-\d{2})?$"
"""What days look like in a configuration."""

_WEEK = 7


class Days(NamedTuple):
    """Calendar days in the endpoint's time zone, both ends included."""

    first: date
    last: date

    @classmethod
    def parse(cls, text: str) -> "Days":
        """Read a day or a span. Raises ValueError.

        >>> str(Days.parse("2013-12-24..2013-12-26")), str(Days.parse("2013-02-08"))
        ('2013-12-24..2013-12-26', '2013-02-08')
        """
        if not re.fullmatch(PATTERN, text):
            raise ValueError("is no day; write 2013-12-24 or 2013-12-24..2013-12-26")
        first, _, last = text.partition("..")
        try:
            found = cls(date.fromisoformat(first), date.fromisoformat(last or first))
        except ValueError as error:
            raise ValueError("is a day no calendar has") from error
        if found.last < found.first:
            raise ValueError("ends before it begins")
        return found

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}..{self.last}"

    @property
    def span(self) -> tuple[int, int]:
        """First and last day as ordinals."""
        return self.first.toordinal(), self.last.toordinal()


def spans(days: Iterable[Days]) -> tuple[tuple[int, int], ...]:
    """Return the days as sorted spans of ordinals."""
    return tuple(sorted({one.span for one in days}))


def within(day: int, chosen: Iterable[tuple[int, int]]) -> bool:
    """Whether a day (ordinal) lies in one of the spans.

    >>> within(5, [(3, 4)]), within(4, [(3, 4)])
    (False, True)
    """
    return any(first <= day <= last for first, last in chosen)


def slot_of(slots: Slots, day: int, hour: int) -> int:
    """Return the slot of a window that starts on `day` (ordinal) at `hour` of the local clock; Monday is weekday 0.

    >>> slot_of("hour_of_week", date(2013, 1, 1).toordinal(), 3)
    27
    """
    weekday = (day - 1) % _WEEK
    return {"none": 0, "weekday": weekday, "hour_of_day": hour, "hour_of_week": 24 * weekday + hour}[slots]


def iso_week(day: int) -> int:
    """Return a number that grows by one with every Monday.

    >>> iso_week(date(2013, 1, 7).toordinal()) - iso_week(date(2013, 1, 6).toordinal())
    1
    """
    return (day - 1) // _WEEK
