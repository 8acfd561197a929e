"""Holds the state of every alert, and feeds the pure alert engine with what windows and silence say."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from agent.clock import to_nanoseconds
from agent.config import Endpoint
from agent.config_hash import config_hash
from agent.effects import ClosedWindow
from agent.point import Point
from agent.series import Series
from alerts import engine
from alerts.audit import Record
from alerts.builtin import rules
from alerts.engine import Key
from alerts.event import Event
from alerts.rule import ALL, Observation, Rule, readings
from alerts.rules.drift import Drift
from alerts.rules.row_count import RowCount
from alerts.standing import Standing
from detectors.catalog import Metric
from detectors.types import Plain, Score, Stream


class Alerting:
    """One process decides all alarms of its endpoints."""

    def __init__(self, endpoint: Callable[[str], Endpoint], series: Series) -> None:
        self._endpoint = endpoint
        self._series = series
        self._rules: dict[str, tuple[Rule, ...]] = {}
        self._hashes: dict[str, str] = {}
        self._states: Mapping[Key, Standing] = {}
        self._audits: list[Plain] = []

    def judge(self, closed: ClosedWindow) -> Sequence[Event]:
        """Take in a closed window. Its end is the time of what it leads to, so that a replay says the same."""
        endpoint = self._endpoint(closed.stream.endpoint)
        observation = Observation(closed.stream, closed.scores, closed.findings, closed.window, endpoint.window)
        return self._advance(endpoint, observation, closed.window.end)

    def silence(self, metric: Metric, ages: Mapping[str, timedelta], now: datetime) -> Sequence[Event]:
        """Take in how long nothing has come: of each endpoint, or from its judge; `metric` says which."""
        events: list[Event] = []
        for name, age in ages.items():
            endpoint = self._endpoint(name)
            score = Score(metric, age.total_seconds())
            events += self._advance(endpoint, Observation(Stream(name, ALL, ALL), (score,), length=endpoint.window), now)
        return events

    def present(self, now: datetime) -> Iterator[Point]:
        """Yield `driftline.alert.active`, 0 or 1, of every alert there has been."""
        moment = to_nanoseconds(now)
        by_endpoint: dict[str, dict[Key, Standing]] = {}
        for key, standing in self._states.items():
            by_endpoint.setdefault(key.stream.endpoint, {})[key] = standing
        for name, states in by_endpoint.items():
            for stream, score in engine.active(states, self._rules_of(name)):
                attributes = {**stream._asdict(), **score.attributes}
                yield Point(score.metric, tuple(sorted(attributes.items())), score.value, moment)

    def firing_since(self, key: Key) -> datetime | None:
        """Return when the breach of an alert that fires began; None where it does not fire."""
        standing = self._states.get(key)
        return None if standing is None or standing.fired_at is None else standing.status.active_at

    def ease(self, stream: Stream) -> None:
        """Let the alerts about a stream's reference resolve with their next clear reading: they are read against another one now."""
        waits = {rule.name: rule.keep_firing for rule in self._rules_of(stream.endpoint)}
        for name in (Drift.name, RowCount.name):
            key = Key(name, stream)
            standing = self._states.get(key)
            if name in waits and standing is not None and standing.status.active_at is not None:
                status = replace(standing.status, clear_at=standing.status.active_at - waits[name])
                self._states = {**self._states, key: replace(standing, status=status)}

    def take_audits(self) -> Sequence[Plain]:
        """Return the records of transitions since the last call."""
        taken, self._audits = self._audits, []
        return taken

    def plain(self) -> Plain:
        """Return all states as data."""
        return engine.plain(self._states)

    def restore(self, saved: Plain | None, now: datetime, gone: Collection[str] = ()) -> Sequence[Event]:
        """Take back what `plain` returned; tell as resolved what was firing for a rule that is off or an endpoint that is `gone`."""
        states = engine.restore(saved)

        def stays(key: Key) -> bool:
            return key.stream.endpoint not in gone and any(
                rule.name == key.alert and rule.enabled for rule in self._rules_of(key.stream.endpoint)
            )

        return self._take(engine.retire(states, [key for key in states if not stays(key)], now))

    def _rules_of(self, name: str) -> tuple[Rule, ...]:
        if name not in self._rules:
            # The hash first: a scrape asks for the rules too, from a thread of its own.
            self._hashes[name] = config_hash(self._endpoint(name))
            self._rules[name] = rules(self._endpoint(name).alerts)
        return self._rules[name]

    def _advance(self, endpoint: Endpoint, observation: Observation, now: datetime) -> Sequence[Event]:
        chosen = self._rules_of(endpoint.name)
        found = readings(chosen, observation)
        return self._take(engine.advance(self._states, found, now, chosen, self._hashes[endpoint.name])) if found else ()

    def _take(self, moved: engine.Advance) -> Sequence[Event]:
        self._states = moved.states
        self._audits += [_audit(record) for record in moved.records]
        for stream, total in engine.transitions(moved.events):
            self._series.absorb([total], stream._asdict())
        return moved.events


def _audit(record: Record) -> Plain:
    return {"endpoint": record.stream.endpoint, "time": to_nanoseconds(record.time), "record": record.plain()}
