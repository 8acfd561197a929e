"""Act one: the year of flights through the pipeline of `driftline replay`, as it is and without the days a person would exclude."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from agent.clock import EventClock
from agent.config import Config, Endpoint
from agent.demo.episodes import Episode, episodes
from agent.effects import ClosedWindow, Effects
from agent.endpoint import detectors_of
from agent.reference_building import build
from agent.replay import Replay
from agent.routing import MatchRouter
from agent.series import Series
from agent.sources import Context
from alerts.event import Event
from detectors.drift.calendar import Days
from detectors.drift.calibration import DecidingDay
from detectors.drift.drift import Drift
from detectors.drift.learning import ready
from detectors.drift.state import state_from

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
        """Replay it: what `driftline replay -c FILE` does."""
        return _seen(effects for _, effects in Replay(self.config, [self.endpoint.name], advance).effects())

    def deciding(self, begin: datetime) -> tuple[DecidingDay, ...]:
        """Return the days that set the alarm line of the reference that starts with `begin`, or stand next to it."""
        history = self.endpoint.reference.history or timedelta()
        last = begin.date() + history
        origin = datetime(last.year, last.month, last.day, tzinfo=ZoneInfo(self.endpoint.timezone))
        context = Context(self.endpoint.name, MatchRouter(self.config), self.endpoint, Series(), EventClock(origin))
        state = state_from(build(self.endpoint, self._drift, context, history, origin))
        return ready(state, origin.toordinal(), self._drift.terms)[1].deciding

    def without(self, days: Sequence[date], advance: Advance) -> Seen:
        """Replay with some days kept out of the references, as a person excludes an incident or a holiday."""
        kept = replace(self.endpoint.reference, exclude=tuple(Days(day, day) for day in days))
        config = replace(self.config, endpoints={self.endpoint.name: replace(self.endpoint, reference=kept)})
        return replace(self, config=config).as_it_is(advance)

    @property
    def _drift(self) -> Drift:
        found = detectors_of(self.endpoint, 1)["drift"]
        if not isinstance(found, Drift):
            raise TypeError(f"the detector drift is {type(found).__name__}")
        return found


def _seen(effects: Iterable[Effects]) -> Seen:
    windows: list[ClosedWindow] = []
    events: list[Event] = []
    for one in effects:
        windows += one.windows
        events += one.events
    found = episodes(((closed.window, closed.findings) for closed in windows), FAMILIES)
    return Seen(len(windows), sum(closed.rows for closed in windows), tuple(found), tuple(events))
