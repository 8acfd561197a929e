"""Golden sets that the agent runs by itself: one at a time, in a thread of their own, told to the engine when done."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import orjson

from agent.clock import from_nanoseconds, to_nanoseconds
from agent.config import Config, Endpoint
from agent.effects import ClosedWindow
from agent.errors import ConfigError, DriftlineError, InputError, Unavailable
from agent.faults import place_of
from agent.golden.canary import TRAFFIC, Said, change_events, said, stream_of
from agent.golden.choosing import Chosen, usable
from agent.golden.due import due
from agent.golden.options import GoldenOptions
from agent.golden.pair import Pair
from agent.golden.report import Report, report, told
from agent.golden.running import Around, run
from agent.golden.standing import Standing, standing
from agent.judges.spend import Spent
from agent.pipeline import Pipeline
from agent.point import Point
from agent.sources import Clock
from agent.store.store import Store
from alerts.event import Event
from detectors.catalog import CANARY_ANSWERS, CANARY_TOKENS, CHANGES
from detectors.types import Plain, Stream, Total, Window

_log = logging.getLogger(__name__)

_TRIES, _PAUSE = 60, 5.0
"""Times the engine is asked to take in what a run came to, and seconds between them."""


class Asks(Protocol):
    """The engine, as far as it is needed here."""

    def ask(self, work: Callable[[Pipeline], object], seconds: float = 60.0) -> object:
        """Do some work on the pipeline; it is saved before the next. Raises Unavailable."""
        ...


@dataclass(slots=True)
class _Set:
    """One golden set and what is remembered of it."""

    chosen: Chosen
    endpoint: Endpoint
    pairs: Sequence[Pair]
    remembered: Standing
    began: datetime | None
    spent: Spent | None
    said: Said | None = None

    @property
    def options(self) -> GoldenOptions:
        """Its settings."""
        return self.chosen.options

    @property
    def key(self) -> str:
        """What it is stored under."""
        return key_of(self.chosen.endpoint, self.chosen.name)

    def plain(self) -> Plain:
        """Return what is stored. One text: it is written again and again while nothing of it changes."""
        return {
            "standing": orjson.dumps(self.remembered.plain()),
            "began": None if self.began is None else to_nanoseconds(self.began),
            "spent": None if self.spent is None else self.spent.plain(),
        }


@dataclass(slots=True)
class Canaries:
    """`tick` comes from the schedule, `accept` from whoever asks."""

    engine: Asks
    clock: Clock
    around: Around
    _sets: dict[tuple[str, str], _Set] = field(default_factory=dict)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None

    @property
    def any(self) -> bool:
        """Whether any set is to be run by the agent."""
        return bool(self._sets)

    def tick(self) -> None:
        """Begin what is due, unless a run is under way. Returns at once."""
        with self._lock:
            if self._stopping.is_set() or (self._thread is not None and self._thread.is_alive()):
                return
            now = self.clock.now()
            for one in self._sets.values():
                every = one.options.every or timedelta.max
                if due(one.began, now, every, one.options.at, one.endpoint.timezone):
                    self._thread = threading.Thread(target=self._guarded, args=(one,), name=f"golden {one.chosen.name}", daemon=True)
                    self._thread.start()
                    return

    def wait(self, seconds: float) -> bool:
        """Wait for a run under way; return whether none is under way any more."""
        thread = self._thread
        if thread is not None:
            thread.join(seconds)
        return thread is None or not thread.is_alive()

    def stop(self) -> None:
        """Begin nothing more; a run under way is given up."""
        self._stopping.set()

    def accept(self, endpoint: str, name: str) -> list[str]:
        """Make the newest run of a set the accepted one. Raises ConfigError for an unknown set, InputError where there is no run."""
        one = self._sets.get((endpoint, name))
        if one is None:
            raise ConfigError(f"golden: the agent runs no set '{name}' of endpoint '{endpoint}'; give it `every`")
        with self._lock:
            one.remembered = one.remembered.accepting()
        self.engine.ask(lambda pipeline: pipeline.spent.update({one.key: one.plain()}))
        return [_accepted(endpoint, name, one.remembered)]

    def _guarded(self, one: _Set) -> None:
        try:
            self._run(one)
        except DriftlineError as error:
            _log.error("golden set %s of %s: %s", one.chosen.name, one.chosen.endpoint, error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next run may go well
            _log.error("golden set %s failed: %s at %s", one.chosen.name, type(error).__name__, place_of(error))

    def _run(self, one: _Set) -> None:
        if one.began is None or one.said is None:
            self._show_again(one)
        last, one.began = one.began, self.clock.now()
        try:
            # Before the first question: an agent that is killed in a run does not pay for it again at once.
            self.engine.ask(lambda pipeline: pipeline.spent.update({one.key: one.plain()}))
        except Unavailable as error:
            one.began = last
            _log.info("golden set %s of %s waits: %s", one.chosen.name, one.chosen.endpoint, error)
            return
        around = replace(self.around, now=self.clock.now, wait=self._pause)
        ran, one.spent = run(one.chosen.name, one.chosen.endpoint, one.options, one.pairs, around, one.spent)
        if self._stopping.is_set():
            return
        with self._lock:
            before = one.remembered.newest
            one.remembered, compared = one.remembered.after(ran, one.options.terms, one.options.most_gaps)
            found = report(ran, compared, one.options)
            if found.verdict == "first":
                one.remembered = one.remembered.accepting()
        one.said = said(found, one.options.terms)
        self._log(found)
        events = change_events(before, ran, self.clock.now())
        zone = ZoneInfo(one.endpoint.timezone)
        window = Window(one.began.astimezone(zone), self.clock.now().astimezone(zone))
        self._tell(lambda pipeline: self._publish(pipeline, one, found, window, events))

    def _pause(self, seconds: float) -> bool:
        return self._stopping.is_set() or self.around.wait(seconds)

    def _tell(self, work: Callable[[Pipeline], object]) -> None:
        """Hand over what a run came to; an engine that is busy is asked again, for what was paid for is not thrown away."""
        for _ in range(_TRIES):
            try:
                self.engine.ask(work)
            except Unavailable as error:
                _log.warning("golden sets: %s", error)
                if self._stopping.wait(_PAUSE):
                    return
            else:
                return

    def _publish(self, pipeline: Pipeline, one: _Set, found: Report, window: Window, events: Sequence[Event]) -> None:
        """In the engine's thread: what is shown, told and remembered is saved in one transaction."""
        if one.said is None:
            return
        run_, stream = found.run, stream_of(found.run)
        common = {**stream._asdict(), "dataset": run_.name}
        for outcome, count in run_.outcomes.items():
            pipeline.series.add(CANARY_ANSWERS, count, **common, outcome=outcome)
        pipeline.series.add(CANARY_TOKENS, run_.tokens, **common)
        self._set(pipeline, one, window.end)
        # Sets of one stream share an alert: it is clear once all are.
        kin = [other.said for other in self._sets.values() if other.said is not None and _stream(other) == stream]
        scores = tuple(score for other in kin for score in other.scores)
        closed = ClosedWindow(stream, window, 0, scores, tuple(other.finding for other in kin), {})
        for event in events:
            pipeline.series.absorb([Total(CHANGES, {"change": event.name}, 1)], stream._asdict())
        pipeline.tell([*events, *pipeline.alerting.judge(closed)])
        pipeline.spent[one.key] = one.plain()

    def _set(self, pipeline: Pipeline, one: _Set, time: datetime) -> None:
        """Show the gauges: they hold until the run after the next should have brought new ones."""
        if one.said is None:
            return
        until = time + 2 * (one.options.every or timedelta(days=1)) + timedelta(hours=1)
        points = []
        for score in one.said.scores:
            attributes = pipeline.series.set(score.metric, score.value, time, until, **_stream(one)._asdict(), **score.attributes)
            points.append(Point(score.metric, attributes, score.value, to_nanoseconds(time)))
        pipeline.emit(points)

    def _show_again(self, one: _Set) -> None:
        """Take up what a run before the start said, so that sets of one stream are judged together."""
        newest = one.remembered.newest
        if newest is not None:
            _, compared = Standing(one.remembered.accepted, one.remembered.suspected).after(
                newest, one.options.terms, one.options.most_gaps
            )
            one.said = said(report(newest, compared, one.options), one.options.terms)

    def _log(self, found: Report) -> None:
        ratio, run_ = found.ratios.get("overall"), found.run
        passed = "nothing could be said" if ratio is None else f"{ratio.value:.1%} pass ({ratio.lower:.1%} to {ratio.upper:.1%})"
        against = "" if found.comparison is None else f"; {told(found.comparison)}"
        first = "; accepted as the first run" if found.verdict == "first" else ""
        _log.info("golden set %s at %s/%s: %s, %s%s%s", run_.name, run_.endpoint, run_.deployment, found.verdict, passed, against, first)


def canaries(config: Config, store: Store, engine: Asks, clock: Clock, around: Around | None = None) -> Canaries:
    """Return the sets of a configuration that have `every`, as they were left.

    Raises InputError for a file that cannot be used, ConfigError where two sets of an endpoint would be shown as one.
    """
    found = Canaries(engine, clock, around or Around())
    if around is None:
        # A pause ends when the agent does.
        found.around.wait = found._stopping.wait  # noqa: SLF001 - built here
    for endpoint in config.endpoints.values():
        for name, options in endpoint.golden.items():
            if options.every is None:
                continue
            chosen = Chosen(name, endpoint.name, options)
            usable_set = usable(chosen)
            for remark in usable_set.warnings[:5]:
                _log.warning("golden set %s of %s: %s", name, endpoint.name, remark)
            found._sets[endpoint.name, name] = _restored(chosen, endpoint, usable_set.pairs, store)  # noqa: SLF001 - built here
    return found


def accept_stored(store: Store, endpoint: str, name: str) -> list[str]:
    """Do what `Canaries.accept` does where no agent runs. The caller holds the lock of the state folder. Raises InputError."""
    key = key_of(endpoint, name)
    saved = store.get(key) or {}
    if not saved.get("standing"):
        raise InputError(f"golden: no run of '{name}' of endpoint '{endpoint}' is stored; the agent runs it once it has `every`")
    accepted = standing(orjson.loads(saved["standing"])).accepting()
    with store.transaction() as transaction:
        transaction.put(key, {**saved, "standing": orjson.dumps(accepted.plain())})
    return [_accepted(endpoint, name, accepted)]


def _accepted(endpoint: str, name: str, found: Standing) -> str:
    return f"{name} of {endpoint}: the run of {found.accepted.started if found.accepted else 'no day'} is the accepted one now"


def _restored(chosen: Chosen, endpoint: Endpoint, pairs: Sequence[Pair], store: Store) -> _Set:
    saved = store.get(key_of(endpoint.name, chosen.name)) or {}
    try:
        remembered = standing(orjson.loads(saved["standing"])) if saved.get("standing") else Standing()
    except InputError as error:
        _log.warning("golden set %s of %s: what is stored %s; it begins anew", chosen.name, endpoint.name, error)
        remembered = Standing()
    began, spent = saved.get("began"), saved.get("spent")
    return _Set(
        chosen,
        endpoint,
        pairs,
        remembered,
        None if began is None else from_nanoseconds(began),
        None if spent is None else Spent.restore(spent),
    )


def _stream(one: _Set) -> Stream:
    return Stream(one.chosen.endpoint, one.options.shown_under, TRAFFIC)


def key_of(endpoint: str, name: str) -> str:
    """Return what a set is stored under."""
    return f"golden/{endpoint}/{name}"
