"""A year of flights in true order through the drift detector with its rolling reference: every episode of alarms, listed."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import numpy as np

from bench.flights import DAYS, Flights, cut, episodes, load
from detectors.drift.baseline import BaselineBuilder
from detectors.drift.calendar import Slots
from detectors.drift.drift import Drift
from detectors.types import Batch, Finding, Window

NEW_YORK = ZoneInfo("America/New_York")
FIRST = date(2013, 1, 1)
ROWS = "quality"
"""Kind of what is found in a number of rows."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One feature on one day of alarm."""

    day: int
    """From 0, the first of January."""
    finding: Finding
    """The most severe of the day."""


def windows(flights: Flights, first: int, last: int) -> Iterator[tuple[Window, Batch]]:
    """Yield the windows of some days with their rows; empty ones are left out."""
    hours = 24 // flights.windows_a_day
    for day in range(first, last):
        midnight = datetime(FIRST.year, 1, 1) + timedelta(days=day)  # noqa: DTZ001 - local clock time, the zone follows
        for place in range(flights.windows_a_day):
            rows = flights.rows(day, place)
            if rows.stop > rows.start:
                ends = [(midnight + timedelta(hours=hours * (place + step))).replace(tzinfo=NEW_YORK) for step in (0, 1)]
                features = {name: cut(column, rows) for name, column in flights.columns.items()}
                yield Window(*ends), Batch("flights", "rows", rows.stop - rows.start, {}, features)


def alarms(flights: Flights, detector: Drift, reference: int) -> tuple[list[Alarm], list[Alarm]]:
    """Return the days of alarm of every feature, against the reference that may page for it; then those of the number of rows.

    The budget is for the first; a number of rows is a warning at most.
    """
    builder = BaselineBuilder()
    for _, batch in windows(flights, 0, reference):
        builder.learn(batch)
    builder.fix()
    for window, batch in windows(flights, 0, reference):
        builder.count(batch, window)
    state = builder.state()
    worst: dict[tuple[int, str], Finding] = {}
    for window, batch in windows(flights, reference, DAYS):
        step = detector.step(state, window, detector.observe(state, batch))
        state = step.state
        rolling = {one.feature for one in step.findings if one.reference == "rolling" and one.status == "calibrated"}
        for one in step.findings:
            pages = one.reference == ("rolling" if one.feature in rolling else "fixed")
            key = (window.day - FIRST.toordinal(), one.feature)
            if pages and one.severity > 1 and (key not in worst or one.severity > worst[key].severity):
                worst[key] = one
    found = [Alarm(day, finding) for (day, _), finding in sorted(worst.items(), key=lambda item: item[0][0])]
    return [one for one in found if one.finding.kind != ROWS], [one for one in found if one.finding.kind == ROWS]


def lines(found: Sequence[Alarm]) -> Iterator[str]:
    """Yield a line an episode: days, features by severity, and what was seen on the worst day."""
    stretches: list[list[Alarm]] = []
    for alarm in found:
        if stretches and alarm.day - stretches[-1][-1].day <= 2:
            stretches[-1].append(alarm)
        else:
            stretches.append([alarm])
    for stretch in stretches:
        ranked = sorted(stretch, key=lambda one: -one.finding.severity)
        first, last = (FIRST + timedelta(days=stretch[place].day) for place in (0, -1))
        names = ", ".join(dict.fromkeys(one.finding.feature for one in ranked))
        told = ranked[0].finding
        yield f"{first:%d %b} - {last:%d %b}  {told.severity:4.2f}  {told.level or '':11}  {names}: {told.explanation.split(';')[0]}"


def rate(found: Sequence[Alarm], live: int) -> tuple[float, float]:
    """Return alarm-days and episodes per 30 days."""
    days = np.zeros(DAYS, np.bool_)
    days[[one.day for one in found]] = True
    return float(days.sum()) * 30 / live, episodes(days) * 30 / live


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the figures and every episode."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=56, help="days of the fixed reference; the rolling one has 56")
    parser.add_argument("--hours", type=int, default=24, choices=(1, 2, 3, 4, 6, 8, 12, 24), help="length of a window")
    parser.add_argument("--slots", choices=get_args(Slots), default="none", help="compare windows within their season")
    parser.add_argument(
        "--clocks", action="store_true", help="durations as the clocks of both airports show them, an hour off where one stands still"
    )
    options = parser.parse_args(arguments)
    found, volumes = alarms(load(options.hours, elapsed=not options.clocks), Drift(slots=options.slots), options.days)
    days, events = rate(found, DAYS - options.days)
    gated = [one for one in found if one.finding.level == "page"]
    told = " / ".join(f"{number:.2f}" for number in (days, events, *rate(gated, DAYS - options.days)))
    print(f"N2, windows of {options.hours} h, slots {options.slots}, {options.days} reference days")
    print(f"per 30 days: alarm-days / episodes / days that page / episodes of them: {told}")
    for line in lines(found):
        print(line)
    print("the number of rows:")
    for line in lines(volumes):
        print(line)


if __name__ == "__main__":
    main()
