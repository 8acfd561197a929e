"""From readings to events: one incident, one alert."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.audit import Record, explain, recompute
from alerts.change_event import change_event
from alerts.engine import Advance, Key, active, advance, plain, restore, retire, transitions
from alerts.event import Event
from alerts.rule import Reading
from alerts.rules.drift import Drift
from alerts.rules.error_share import ErrorShare
from alerts.standing import Standing
from alerts.state import State
from detectors import catalog
from detectors.types import Level, Stream, Window
from detectors.usage.change import Change

START = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
STREAM = Stream("chat", "gpt", "live")
KEY = Key("drift", STREAM)
LOUD: dict[str, tuple[bool | None, Level]] = {
    "w": (True, "warning"),
    "p": (True, "page"),
    ".": (False, "warning"),
    "?": (None, "warning"),
}


def reading(letter: str, minute: int, stream: Stream = STREAM, alert: str = "drift") -> Reading:
    """Return what a rule says of the minute-long window that ends now."""
    breached, severity = LOUD[letter]
    window = Window(START + (minute - 1) * MINUTE, START + minute * MINUTE)
    statistic = float("nan") if letter == "?" else 2.0 if breached else 0.5
    return Reading(
        alert,
        stream,
        breached,
        severity,
        catalog.DRIFT_SEVERITY,
        statistic,
        1.0,
        window,
        {"severity": statistic},
        {"feature": "x"},
        f"minute {minute}",
    )


def run(seen: str, hold: int = 0, keep: int = 0) -> Advance:
    """Take in one window a minute, with a restart after each; return the last states and everything told and recorded."""
    rules = (Drift(hold=hold * MINUTE, keep_firing=keep * MINUTE),)
    states: dict[Key, Standing] = {}
    events, records = list[Event](), list[Record]()
    for minute, letter in enumerate(seen):
        step = advance(states, [reading(letter, minute)], START + minute * MINUTE, rules, "c0ffee")
        states = restore(plain(step.states))
        events += step.events
        records += step.records
    return Advance(states, tuple(events), tuple(records))


def told(events: Iterable[Event]) -> str:
    """Spell events: minute, then f(ired) or r(esolved) and the severity's first letter."""
    return " ".join(f"{(event.time - START) // MINUTE}{event.state[0]}{event.severity[0]}" for event in events)


@pytest.mark.parametrize(
    ("seen", "hold", "keep", "expected"),
    [
        ("....", 0, 0, ""),
        ("wwww", 0, 0, "0fw"),
        ("ww..", 2, 0, ""),
        ("www.", 2, 0, "2fw 3rw"),
        ("wwpp.", 0, 0, "0fw 2fp 4rp"),
        ("ppww.", 0, 0, "0fp 4rp"),
        ("wp", 1, 0, "1fp"),
        ("w.w..w", 0, 2, "0fw"),
        ("w?????", 0, 0, "0fw"),
        ("w?.?p", 0, 0, "0fw 2rw 4fp"),
    ],
)
def test_one_incident_is_one_alert(seen: str, hold: int, keep: int, expected: str) -> None:
    """Fired once, raised once when it grows louder, resolved once; pending and silence tell nothing."""
    assert told(run(seen, hold, keep).events) == expected


def test_events_of_an_incident_belong_together() -> None:
    """They share incident and start, have ids of their own, and say when the window was and what was raised."""
    fired, raised, resolved = run(".wwp.").events

    assert len({event.id for event in (fired, raised, resolved)}) == 3
    assert {event.details["incident"] for event in (fired, raised, resolved)} == {fired.details["incident"]}
    assert {event.started for event in (fired, raised, resolved)} == {START + MINUTE}
    assert {event.details["fired_at"] for event in (fired, raised, resolved)} == {(START + MINUTE).isoformat()}
    assert raised.details["raised_from"] == "warning"
    assert (resolved.details["window_start"], resolved.details["window_end"]) == ("2026-03-01T00:03:00+00:00", "2026-03-01T00:04:00+00:00")
    assert resolved.summary == "resolved: minute 3"
    assert fired.values == {"severity": 2.0, "statistic": 2.0, "threshold": 1.0}
    assert fired.attributes == {"endpoint": "chat", "deployment": "gpt", "traffic": "live"}


SEEN = st.text("wp.?", max_size=25)


@given(SEEN, st.integers(0, 3), st.integers(0, 3))
def test_the_same_readings_have_the_same_ids(seen: str, hold: int, keep: int) -> None:
    """Computed again, every event is equal to the first time; no two events share an id."""
    first, again = run(seen, hold, keep), run(seen, hold, keep)

    assert first.events == again.events
    assert len({event.id for event in first.events}) == len(first.events)


@given(SEEN, st.integers(0, 3), st.integers(0, 3))
def test_every_fired_alert_resolves_before_it_fires_again(seen: str, hold: int, keep: int) -> None:
    """Fired and resolved alternate, but for raises; and the gauge says what the last event said."""
    run_ = run(seen, hold, keep)
    firing = False
    for event in run_.events:
        assert firing == (event.state == "resolved" or "raised_from" in event.details)
        firing = event.state == "fired"

    gauge = {score.attributes["alert_severity"]: score.value for _, score in active(run_.states, (Drift(),))}
    assert sum(gauge.values()) == firing
    if firing:
        assert gauge[run_.events[-1].severity] == 1


@given(SEEN, st.integers(0, 3), st.integers(0, 3))
def test_a_record_explains_its_transition(seen: str, hold: int, keep: int) -> None:
    """Every event has a record; from its stored form alone the same standing follows again."""
    run_ = run(seen, hold, keep)

    assert [record.event for record in run_.records if record.event] == [event.id for event in run_.events]
    for record in run_.records:
        stored = Record.restore(json.loads(json.dumps(record.plain(), allow_nan=False)))
        again = recompute(stored)
        assert (again.status, again.severity, again.fired_at) == (record.after.status, record.after.severity, record.after.fired_at)
        assert explain(stored)[-1] == "computed again: the same"
        assert "configuration: c0ffee" in explain(stored)[-2]


def test_a_forged_record_is_found_out() -> None:
    """A record whose outcome does not follow from its inputs says so."""
    saved = dict(run("w").records[0].plain())
    saved["breached"] = False

    assert "does not agree" in explain(Record.restore(saved))[-1]


def test_an_explanation_reads_like_a_sentence() -> None:
    """State before and after, statistic against threshold, and the waits."""
    lines = explain(run("www", hold=2).records[-1])

    assert lines[:4] == (
        "drift on chat / gpt / live at 2026-03-01T00:02:00+00:00: pending -> firing (warning)",
        "read: driftline.drift.severity = 2 against 1, window 2026-03-01T00:01:00+00:00 to 2026-03-01T00:02:00+00:00: breached",
        "held for 2 min (hold 2 min), clear for 0 s (keep_firing 0 s)",
        "feature: x",
    )


def test_streams_and_alerts_do_not_touch_each_other() -> None:
    """Each alert of each stream stands alone; a reading of one leaves the others as they were."""
    other = Stream("chat", "gpt", "canary")
    rules = (Drift(), ErrorShare())
    step = advance({}, [reading("w", 0), reading(".", 0, other), reading("p", 0, alert="error_share")], START, rules)

    assert {key: standing.status.state for key, standing in step.states.items()} == {
        KEY: State.FIRING,
        Key("drift", other): State.INACTIVE,
        Key("error_share", STREAM): State.FIRING,
    }
    shown = {
        (score.attributes["alert"], stream.traffic, score.attributes["alert_severity"]): score.value
        for stream, score in active(step.states, rules)
    }
    assert shown == {
        ("drift", "live", "warning"): 1,
        ("drift", "live", "page"): 0,
        ("drift", "canary", "warning"): 0,
        ("drift", "canary", "page"): 0,
        ("error_share", "live", "page"): 1,
    }
    assert [(stream, total.attributes) for stream, total in transitions(step.events)] == [
        (STREAM, {"alert": "drift", "state": "fired"}),
        (STREAM, {"alert": "error_share", "state": "fired"}),
    ]


def test_a_raise_is_no_second_firing() -> None:
    """The counter of transitions has as many fired as resolved, however loud an incident became."""
    states = [total.attributes["state"] for _, total in transitions(run("wp.").events)]

    assert states == ["fired", "resolved"]


def test_what_leaves_the_configuration_is_resolved() -> None:
    """A firing alert whose rule was switched off does not fire for ever; a quiet one goes without a word."""
    firing, quiet = run("w").states, run(".").states

    gone = retire(firing, [KEY], START + MINUTE, "c0ffee")

    assert (gone.states, told(gone.events)) == ({}, "1rw")
    assert gone.events[0].details["reason"] == "removed from the configuration"
    assert explain(gone.records[0])[-1] == "computed again: the same"
    assert retire(quiet, [KEY], START) == Advance({}, (), ())


def test_a_change_is_an_event_that_wakes_nobody() -> None:
    """A model change keeps its id, and is information."""
    event = change_event(Change("abc", STREAM, "model", "gpt-4o", "gpt-4.1", 1_772_323_200_000_000_000))

    assert (event.id, event.kind, event.name, event.state, event.severity) == ("abc", "change", "model", "changed", "information")
    assert event.time == datetime(2026, 3, 1, tzinfo=UTC)
    assert event.summary == "chat/gpt: model changed from gpt-4o to gpt-4.1"
