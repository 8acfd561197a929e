"""What a request says: the same however often it is made, bounded, in the form of CloudEvents, and nothing of a call."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
from azure.core.messaging import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from agent.store.item import decode, encode
from agent.triggers.cloud_event import cloud_event
from alerts.common_schema import payload
from alerts.event import Event
from alerts.retraining import State, Terms, step
from alerts.retraining_event import retraining_event
from alerts.retraining_verdict import decay_verdict, drift_verdict, severities
from detectors import catalog
from detectors.types import Finding, Score, Stream, Window

ZONE = timezone(timedelta(hours=-5))
START = datetime(2026, 3, 1, tzinfo=ZONE)
DAY = timedelta(days=1)
STREAM = Stream("delay model", "blue", "live")
LARGEST = 64 * 1024
"""Bytes Event Grid bills as one event."""

FINDING = Finding(
    "data", "amount", "rolling", 4.2, 2.1, 2.0, 0.001, 5000, 0.1, "sd", "page", "calibrated", {"psi": 0.3}, "customer said: hunter2"
)


def window(number: int) -> Window:
    return Window(START + number * DAY, START + (number + 1) * DAY)


def request(*bad: Finding, windows: int = 3, scores: tuple[Score, ...] = (), stream: Stream = STREAM) -> Event:
    """Return the event after so many windows with these findings."""
    terms, state = Terms(windows, windows), State()
    for number in range(windows):
        state, found = step(state, drift_verdict(window(number), bad or (FINDING,), scores), terms)
    assert found is not None
    return retraining_event(stream, found, terms, {"model": "gpt-4o", "version": "3"}, "c0ffee")


def performance(value: float, basis: str = "realised") -> tuple[Score, ...]:
    named = {"metric": "accuracy", "basis": basis}
    kinds = (catalog.MODEL_PERFORMANCE, catalog.MODEL_PERFORMANCE_LOWER, catalog.MODEL_PERFORMANCE_UPPER)
    return tuple(Score(kind, value + shift, named) for kind, shift in zip(kinds, (0.0, -0.02, 0.02), strict=True))


@pytest.mark.parametrize(
    ("changed", "bad"),
    [
        ({}, True),
        ({"kind": "prediction"}, True),
        ({"kind": "label"}, True),
        ({"level": "warning"}, False),
        ({"level": "information"}, False),
        ({"level": None}, False),
        ({"level": "warning", "status": "provisional"}, None),
        ({"level": None, "status": "uncalibrated"}, None),
        ({"level": None, "status": "insufficient"}, None),
        ({"kind": "quality"}, None),
        ({"kind": "endpoint"}, None),
    ],
)
def test_when_drift_makes_a_window_bad(changed: dict[str, Any], bad: bool | None) -> None:  # noqa: FBT001 - the expected reading
    """What would wake somebody, of what a model can be taught; not bad needs a calibrated reference."""
    assert drift_verdict(window(0), [replace(FINDING, **changed)]).bad is bad
    assert drift_verdict(window(0), []).bad is None


@pytest.mark.parametrize(
    ("risen", "bad"),
    [
        ({"cusum": 1.2}, True),
        ({"cusum": 0.4, "e_detector": 1.01}, True),
        ({"cusum": 0.4}, False),
        ({"adwin": 3.0}, None),
        ({"adwin": 0.1}, None),
        ({"adwin": 3.0, "cusum": 0.2}, False),
        ({"cusum": float("nan")}, None),
        ({}, None),
    ],
)
def test_when_labels_make_a_window_bad(risen: dict[str, float], bad: bool | None) -> None:  # noqa: FBT001 - the expected reading
    """A rise above the usual error; before that is known nothing can be told."""
    assert decay_verdict(window(0), risen).bad is bad


def test_severities_are_read_from_scores() -> None:
    """The severest of each method, whatever the error is called."""
    named = {"metric": "error", "basis": "realised"}
    risen = [
        Score(catalog.MODEL_DECAY_SEVERITY, value, {**named, "method": method}) for method, value in (("a", 1.0), ("a", 2.0), ("b", 0.5))
    ]

    assert severities([*risen, *performance(0.9)]) == {"a": 2.0, "b": 0.5}


def test_the_evidence_says_what_it_rests_on() -> None:
    """Windows with their findings, performance, what answers, and how to draw a report; the data stay JSON."""
    event = request(FINDING, replace(FINDING, feature="country", severity=3.0, p_value=float("nan")), scores=performance(0.8))

    data = json.loads(json.dumps(event.data, allow_nan=False))
    assert {name: data[name] for name in ("version", "endpoint", "deployment", "traffic", "signal", "bad_windows", "config")} == {
        "version": 1, "endpoint": "delay model", "deployment": "blue", "traffic": "live", "signal": "drift", "bad_windows": 3, "config": "c0ffee",
    }  # fmt: skip
    assert data["rule"] == {"windows": 3, "within": 3, "days": 1, "cool_down_seconds": 604800.0}
    assert (data["windows"][0]["start"], data["windows"][0]["end"]) == ("2026-03-01T00:00:00-05:00", "2026-03-02T00:00:00-05:00")
    assert data["windows"][2]["features"] == 2
    assert data["windows"][2]["findings"][0] == {
        "feature": "country", "kind": "data", "reference": "rolling", "reference_status": "calibrated",
        "severity": 3.0, "statistic": 4.2, "threshold": 2.1, "p_value": None, "samples": 5000.0,
    }  # fmt: skip
    measured = {"metric": "accuracy", "basis": "realised", "value": 0.8, "lower": pytest.approx(0.78), "upper": pytest.approx(0.82)}
    assert data["performance"] == {"start": "2026-03-03T00:00:00-05:00", "end": "2026-03-04T00:00:00-05:00", "metrics": [measured]}
    assert data["answering"] == {"model": "gpt-4o", "version": "3"}
    assert data["reports"][-1] == "driftline report 'delay model' --deployment blue --window 2026-03-03T00:00-05:00"
    assert (event.summary, event.details["feature"]) == (
        "delay model/blue: retraining requested, 3 bad windows in a row by drift, worst country", "country",
    )  # fmt: skip
    assert "hunter2" not in json.dumps([event.data, event.summary, dict(event.details)])


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_json_lacks_are_missing(number: float) -> None:
    """A detector of somebody else may say anything; the request still goes."""
    odd = replace(FINDING, severity=number, statistic=number, threshold=number, p_value=number)
    scores = tuple(Score(catalog.MODEL_PERFORMANCE, number, {"metric": "accuracy", "basis": "realised"}) for _ in range(2))
    event = request(odd, scores=scores)

    assert event.data["windows"][0]["findings"][0]["severity"] is None
    assert event.data["performance"] is None
    orjson.dumps(cloud_event(event))


def test_the_key_is_of_the_windows_alone() -> None:
    """Numbers that are computed again a little otherwise are the same request; other windows or another deployment are not."""
    first = request(FINDING)

    assert request(replace(FINDING, severity=9.0), scores=performance(0.5)).id == first.id
    assert len({first.id, request(FINDING, windows=4).id, request(FINDING, stream=STREAM._replace(deployment="green")).id}) == 3


def test_it_survives_the_outbox() -> None:
    """What is called for after a restart is what was asked for before."""
    event = request(FINDING, scores=performance(0.8))

    assert decode(encode(event), lambda _name: None) == (event, 0)


def test_notifiers_that_show_changes_show_it() -> None:
    """The common alert schema has a word for it, and no evidence."""
    shown = payload(request(FINDING))

    assert shown["data"]["essentials"]["monitorCondition"] == "Fired"
    assert "3 bad windows in a row by drift" in shown["data"]["essentials"]["description"]
    assert "windows" not in shown["data"]


def test_the_cloud_event_field_by_field() -> None:
    """CloudEvents 1.0.2, sections 3.1 (required, optional attributes) and 2.2 of its JSON format; Azure's own class reads it."""
    event = request(FINDING)
    sent = json.loads(json.dumps(cloud_event(event)))

    assert set(sent) == {"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data"}
    assert sent["specversion"] == "1.0"
    assert sent["id"] == event.id
    assert sent["source"] == "/driftline/endpoints/delay%20model"
    assert sent["type"] == "driftline.retraining.requested"
    assert sent["subject"] == "delay model/blue"
    assert sent["datacontenttype"] == "application/json"
    assert sent["time"] == "2026-03-04T05:00:00.000Z"
    assert sent["data"] == event.data
    read: CloudEvent[Any] = CloudEvent.from_dict(sent)
    assert (read.id, read.source, read.type, read.subject, read.specversion) == (
        event.id, sent["source"], sent["type"], sent["subject"], "1.0",
    )  # fmt: skip
    assert read.time == datetime(2026, 3, 4, 5, tzinfo=UTC)
    assert read.extensions is None or read.extensions == {}
    assert read.data == event.data


URI_REFERENCE = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-F]{2})+")
"""RFC 3986, without what we never write."""
NAME = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=128)


@given(NAME, NAME, st.text(max_size=200))
def test_any_name_makes_a_cloud_event(endpoint: str, deployment: str, feature: str) -> None:
    """`source` is a URI reference and no attribute holds a control character, whatever traffic calls itself."""
    event = request(replace(FINDING, feature=feature), stream=Stream(endpoint, deployment, "live"))
    sent = cloud_event(event)

    assert URI_REFERENCE.fullmatch(sent["source"])
    attributes = [value for name, value in sent.items() if name != "data"]
    orjson.dumps(sent)
    assert not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for value in attributes for letter in value)
    read: CloudEvent[Any] = CloudEvent.from_dict(json.loads(json.dumps(sent)))
    assert read.data == event.data


def test_the_largest_request_is_small() -> None:
    """Fifty bad windows, every name as long and as wide as it may be: one event to Event Grid's bill."""
    name, letter = "\U0001f4a5" * 500, "\U0001f4a5" * 128
    loud = [replace(FINDING, feature=f"{number}{name}", severity=1 + 1 / 3, statistic=-1 / 3 * 1e-300) for number in range(2000)]
    scores = [
        Score(kind, 1 / 3 * 1e-300, {"metric": f"{number}{name}", "basis": name})
        for kind in (catalog.MODEL_PERFORMANCE, catalog.MODEL_PERFORMANCE_LOWER, catalog.MODEL_PERFORMANCE_UPPER)
        for number in range(50)
    ]
    event = request(*loud, windows=50, scores=tuple(scores), stream=Stream(letter, letter, "live"))

    assert event.data["bad_windows"] == 50
    assert len(event.data["windows"]) == 12
    assert len(json.dumps([cloud_event(event)], ensure_ascii=False).encode()) < LARGEST
