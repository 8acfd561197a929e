"""Moves every alert of every stream on by one set of readings; says what to tell and what to put on record."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from math import isfinite
from typing import Literal, NamedTuple

from alerts.audit import Record
from alerts.event import Event
from alerts.one_page import one_page
from alerts.rule import Reading, Rule
from alerts.standing import LOUDNESS, Standing, follow, said
from alerts.state import State
from detectors.catalog import ALERT_ACTIVE, ALERT_TRANSITIONS
from detectors.types import Level, Plain, Score, Stream, Total


class Key(NamedTuple):
    """One alert of one stream."""

    alert: str
    stream: Stream


class Advance(NamedTuple):
    """The next states, the events they lead to, and a record of every transition."""

    states: Mapping[Key, Standing]
    events: tuple[Event, ...]
    records: tuple[Record, ...]


def advance(states: Mapping[Key, Standing], readings: Iterable[Reading], now: datetime, rules: Sequence[Rule], config: str = "") -> Advance:
    """Take in readings of one moment. `rules` are those that gave them, `config` the hash of the configuration in force.

    For readings of a window `now` is the window's end, so that a replay computes the same ids. Raises KeyError for a reading of no rule.
    """
    by_name = {rule.name: rule for rule in rules}
    after, events, records = dict(states), list[Event](), list[Record]()
    for alone in readings:
        reading = one_page(alone, partial(_standing, after, alone.stream))
        rule, key = by_name[reading.alert], Key(reading.alert, reading.stream)
        before = after.get(key, Standing())
        moved = follow(before, reading.breached, reading.severity, now, hold=rule.hold, keep_firing=rule.keep_firing)
        after[key] = said(moved, reading)
        if (before.status.state, before.severity) == (moved.status.state, moved.severity):
            continue
        told = _event(before, moved, reading, now)
        events += [told] if told else []
        records.append(_record(before, after[key], reading, now, (rule.hold, rule.keep_firing), config, told))
    return Advance(after, tuple(events), tuple(records))


def retire(states: Mapping[Key, Standing], gone: Iterable[Key], now: datetime, config: str = "") -> Advance:
    """Forget alerts whose rule or endpoint the configuration no longer has; what was firing is told as resolved."""
    kept, events, records = dict(states), list[Event](), list[Record]()
    for key in gone:
        before = kept.pop(key)
        if before.status.state is not State.INACTIVE:
            reading = _removed(key, before)
            told = _event(before, Standing(), reading, now)
            events += [told] if told else []
            records.append(_record(before, Standing(), reading, now, (timedelta(0), timedelta(0)), config, told))
    return Advance(kept, tuple(events), tuple(records))


def active(states: Mapping[Key, Standing], rules: Sequence[Rule]) -> Iterator[tuple[Stream, Score]]:
    """Yield `driftline.alert.active` of every known alert and each severity it can have: 1 on the one that fires, else 0."""
    levels: dict[str, tuple[Level, ...]] = {rule.name: rule.levels for rule in rules}
    for (alert, stream), standing in states.items():
        firing = standing.status.state is State.FIRING
        shown = (*levels.get(alert, ()), *((standing.severity,) if firing else ()))
        for level in dict.fromkeys(shown):
            value = 1.0 if firing and level == standing.severity else 0.0
            yield stream, Score(ALERT_ACTIVE, value, {"alert": alert, "alert_severity": level})


def transitions(events: Iterable[Event]) -> Iterator[tuple[Stream, Total]]:
    """Yield the increases of `driftline.alert.transitions`; an alert that grew louder has not fired again."""
    for event in events:
        if event.kind == "alert" and "raised_from" not in event.details:
            stream = Stream(*(event.attributes[name] for name in Stream._fields))
            yield stream, Total(ALERT_TRANSITIONS, {"alert": event.name, "state": event.state}, 1)


def plain(states: Mapping[Key, Standing]) -> Plain:
    """Return the states as data."""
    return {"states": [[key.alert, *key.stream, standing.plain()] for key, standing in states.items()]}


def restore(saved: Plain | None) -> dict[Key, Standing]:
    """Take back what `plain` returned; nothing for None."""
    rows = saved["states"] if saved else []
    return {Key(alert, Stream(*stream)): Standing.restore(standing) for alert, *stream, standing in rows}


def _standing(states: Mapping[Key, Standing], stream: Stream, alert: str) -> Standing | None:
    return states.get(Key(alert, stream))


def _event(before: Standing, after: Standing, reading: Reading, now: datetime) -> Event | None:
    """Return what a transition tells: it fired, it grew louder, or it resolved. A pending alert tells nothing."""
    firing, fired = after.status.state is State.FIRING, before.status.state is State.FIRING
    louder = firing and fired and LOUDNESS[after.severity] > LOUDNESS[before.severity]
    if not louder and firing == fired:
        return None
    incident = after if firing else before
    started = incident.status.active_at or now
    window = (reading.window.start.isoformat(), reading.window.end.isoformat()) if reading.window else ("", "")
    state: Literal["fired", "resolved"] = "fired" if firing else "resolved"
    who = "|".join((*reading.stream, reading.alert, started.isoformat()))
    details = {**reading.details, "incident": _hash(who), "metric": reading.metric.name}
    if incident.fired_at:
        details["fired_at"] = incident.fired_at.isoformat()
    if reading.window:
        details["window_start"], details["window_end"] = window
    if louder:
        details["raised_from"] = before.severity
    values = {**reading.values, "statistic": reading.statistic, "threshold": reading.threshold}
    return Event(
        id=_hash("|".join((who, state, incident.severity, *window))),
        kind="alert",
        name=reading.alert,
        state=state,
        severity=incident.severity,
        time=now,
        started=started,
        attributes=reading.stream._asdict(),
        values={name: value for name, value in values.items() if isfinite(value)},
        details=details,
        summary=reading.summary if firing else f"resolved: {before.summary}",
    )


def _record(
    before: Standing, after: Standing, reading: Reading, now: datetime, waits: tuple[timedelta, timedelta], config: str, told: Event | None
) -> Record:
    window = (reading.window.start.isoformat(), reading.window.end.isoformat()) if reading.window else None
    return Record(
        time=now,
        alert=reading.alert,
        stream=reading.stream,
        window=window,
        breached=reading.breached,
        severity=reading.severity,
        metric=reading.metric.name,
        statistic=reading.statistic,
        threshold=reading.threshold,
        values=reading.values,
        details=reading.details,
        before=before,
        after=after,
        hold=waits[0],
        keep_firing=waits[1],
        config=config,
        event=told.id if told else "",
    )


def _removed(key: Key, standing: Standing) -> Reading:
    return Reading(
        key.alert,
        key.stream,
        breached=False,
        severity=standing.severity,
        metric=ALERT_ACTIVE,
        statistic=0.0,
        threshold=0.0,
        window=None,
        details={"reason": "removed from the configuration"},
    )


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()
