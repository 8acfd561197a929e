"""Act one: the year of flights through the pipeline of `driftline replay`, as it is and without the days a person would exclude."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from agent.assembly import build_pipeline
from agent.clock import EventClock, from_nanoseconds, to_nanoseconds
from agent.config import Config, Endpoint
from agent.demo.episodes import Episode, episodes
from agent.effects import ClosedWindow, Effects
from agent.endpoint import detectors_of
from agent.references import build
from agent.replay import Replay
from agent.routing import MatchRouter
from agent.series import Series
from agent.sources import Context
from agent.spool.frame import Frame
from alerts.event import Event
from detectors.drift.calibration import DecidingDay
from detectors.drift.drift import Drift
from detectors.drift.learning import ready
from detectors.drift.state import state_from
from detectors.types import Plain

FAMILIES = {
    "delay": ("dep_delay", "prediction"),
    "weather": ("precip", "visib", "wind_gust"),
    "timetable": ("sched_dur", "distance", "minute_of_day", "carrier", "origin", "dest"),
}
"""Which features speak of the same kind of cause."""

Advance = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Seen:
    """What one replay saw."""

    windows: int
    rows: int
    episodes: tuple[Episode, ...]
    events: tuple[Event, ...]
    """What would have been sent: one alert for the endpoint, whatever carries it."""


@dataclass(frozen=True, slots=True)
class Year:
    """One endpoint with a year in files, and a reference read from its first weeks."""

    config: Config
    endpoint: Endpoint

    def as_it_is(self, advance: Advance) -> Seen:
        """Replay with the whole reference: what `driftline replay -c FILE` does."""
        return _seen(effects for _, effects in Replay(self.config, [self.endpoint.name], advance).effects())

    def reference(self, begin: datetime) -> tuple[Plain, tuple[DecidingDay, ...]]:
        """Return the reference that starts with `begin`, and the days that set the alarm line or stand next to it."""
        history = self.endpoint.reference.history or timedelta()
        origin = _local(begin.date() + history, self.endpoint)
        plain = build(self.endpoint, self._drift, self._context(EventClock(origin)), history, origin)
        _, calibration = ready(state_from(plain), origin.toordinal(), self._drift.budget, self._drift.min_effect)
        return plain, calibration.deciding

    def without(self, reference: Plain, days: Sequence[date], begin: datetime, advance: Advance) -> Seen:
        """Replay with some days taken out of the reference, as a person excludes an incident or a holiday."""
        state = state_from(reference)
        for day in days:
            start, end = (_local(moment, self.endpoint) for moment in (day, day + timedelta(days=1)))
            state = state.exclude(int(start.timestamp()), int(end.timestamp()))
        return _seen(self._replayed(state.plain(), begin, advance))

    def _replayed(self, state: Plain, begin: datetime, advance: Advance) -> Iterator[Effects]:
        endpoint = self.endpoint
        origin = _local(begin.date() + (endpoint.reference.history or timedelta()), endpoint)
        clock = EventClock(origin)
        pipeline = build_pipeline(
            replace(self.config, endpoints={endpoint.name: endpoint}),
            clock,
            None,
            references={f"{endpoint.name}/drift": state},
            origins={endpoint.name: to_nanoseconds(origin)},
            real_time=False,
        )
        end = _local(date(begin.year + 1, 1, 1), endpoint)
        for batch in endpoint.source.history(self._context(EventClock(end)), end - begin):
            newest = int(np.asarray(batch.columns["time"], np.int64).max())
            clock.advance(from_nanoseconds(newest))
            pipeline.absorb(Frame(batch, f"replay/{endpoint.name}", None, newest))
            advance((from_nanoseconds(newest) - begin) / (end - begin))
            yield pipeline.take_effects()
        pipeline.flush()
        yield pipeline.take_effects()

    @property
    def _drift(self) -> Drift:
        found = detectors_of(self.endpoint, 1)["drift"]
        if not isinstance(found, Drift):
            raise TypeError(f"the detector drift is {type(found).__name__}")
        return found

    def _context(self, clock: EventClock) -> Context:
        return Context(self.endpoint.name, MatchRouter(self.config), self.endpoint, Series(), clock)


def _local(day: date, endpoint: Endpoint) -> datetime:
    """Return the day's midnight in the endpoint's time zone."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(endpoint.timezone))


def _seen(effects: Iterable[Effects]) -> Seen:
    windows: list[ClosedWindow] = []
    events: list[Event] = []
    for one in effects:
        windows += one.windows
        events += one.events
    found = episodes(((closed.window, closed.findings) for closed in windows), FAMILIES)
    return Seen(len(windows), sum(closed.rows for closed in windows), tuple(found), tuple(events))
