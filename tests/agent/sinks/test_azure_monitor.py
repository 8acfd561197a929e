"""The Azure Monitor sink through the real exporter, against a local ingestion endpoint."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from agent.clock import to_nanoseconds
from agent.errors import ConfigError, Permanent, Transient
from agent.point import Distribution, Point
from agent.secret import Secret
from agent.sinks import Sink
from agent.sinks.azure_monitor import AzureMonitor
from alerts.event import Event
from detectors.catalog import DATA_ROWS, REQUEST_DURATION, REQUESTS
from tests.fakes.breeze import Breeze, accept, partly, refuse

YESTERDAY = datetime(2026, 11, 19, 7, 30, tzinfo=UTC)
STREAM = (("deployment", "blue"), ("endpoint", "chat"), ("traffic", "live"))


def rows(value: float) -> Point:
    return Point(DATA_ROWS, STREAM, value, to_nanoseconds(YESTERDAY))


def alert() -> Event:
    return Event(
        "e1", "alert", "drift", "fired", "page", YESTERDAY, YESTERDAY, dict(STREAM), {"severity": 1.5}, {"feature": "age"}, "drifted"
    )


@pytest.fixture
def breeze() -> Iterator[Breeze]:
    """A listening endpoint."""
    with Breeze().serve() as server:
        yield server


@pytest.fixture
def sink(breeze: Breeze) -> Iterator[Sink]:
    """The sink, writing to it."""
    opened = AzureMonitor(Secret(breeze.connection_string)).open()
    yield opened
    opened.close()


def test_points_keep_their_own_time_and_arrive_compressed(breeze: Breeze, sink: Sink) -> None:
    """A gauge of yesterday is yesterday's; a counter is its increase; a histogram is sum and count."""
    counter = Point(REQUESTS, STREAM, 5.0, to_nanoseconds(YESTERDAY))
    histogram = Point(REQUEST_DURATION, STREAM, Distribution((0, 2, 1, *(0,) * 12), 0.07), to_nanoseconds(YESTERDAY))

    assert sink.write([rows(31), counter, histogram], []) == []

    envelopes = breeze.envelopes
    assert breeze.encodings == ["gzip"]
    assert {envelope["time"] for envelope in envelopes} == {"2026-11-19T07:30:00Z"}
    values = {envelope["data"]["baseData"]["metrics"][0]["name"]: envelope["data"]["baseData"]["metrics"][0] for envelope in envelopes}
    assert values["driftline.data.rows"]["value"] == 31
    assert values["driftline.requests"]["value"] == 5
    assert (values["driftline.request.duration"]["value"], values["driftline.request.duration"]["count"]) == (0.07, 3)
    assert envelopes[0]["data"]["baseData"]["properties"] == dict(STREAM)
    assert envelopes[0]["tags"]["ai.cloud.role"] == "driftline"


def test_a_transition_is_a_custom_event(breeze: Breeze, sink: Sink) -> None:
    """Text stands in the properties, numbers in the measurements."""
    sink.write([], [alert()])

    (envelope,) = breeze.envelopes
    data = envelope["data"]["baseData"]
    assert envelope["name"] == "Microsoft.ApplicationInsights.Event"
    assert data["name"] == "driftline.alert"
    assert data["measurements"] == {"severity": 1.5}
    assert {name: data["properties"][name] for name in ("alert", "state", "alert_severity", "endpoint", "feature", "summary")} == {
        "alert": "drift",
        "state": "fired",
        "alert_severity": "page",
        "endpoint": "chat",
        "feature": "age",
        "summary": "drifted",
    }


def test_what_a_judge_said_is_an_event_of_the_call_it_is_about(breeze: Breeze, sink: Sink) -> None:
    """Named and parented as OpenTelemetry's conventions say: found beside the call's span, by operation id and parent id."""
    trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    details = {"gen_ai.evaluation.name": "fluency", "gen_ai.evaluation.score.label": "pass", "gen_ai.response.id": "chatcmpl-1"}
    values = {"gen_ai.evaluation.score.value": 4.0, "sample_probability": 0.5}
    traced = {**details, "trace_id": trace, "span_id": span}
    sink.write([], [Event("v1", "evaluation", "fluency", "judged", "information", YESTERDAY, YESTERDAY, dict(STREAM), values, traced)])

    (envelope,) = breeze.envelopes
    assert envelope["name"] == "Microsoft.ApplicationInsights.Event"
    assert (envelope["tags"]["ai.operation.id"], envelope["tags"]["ai.operation.parentId"]) == (trace, span)
    data = envelope["data"]["baseData"]
    assert data["name"] == "gen_ai.evaluation.result"
    assert data["measurements"] == values
    expected = {"event_id": "v1", **dict(STREAM), **details, "gen_ai.evaluation.score.value": "4.0", "logger_name": "driftline"}
    assert data["properties"] == expected


def test_refused_events_are_told_apart(breeze: Breeze, sink: Sink) -> None:
    """One that is refused for good is returned behind the points, to be counted; the others are taken."""
    breeze.replies = [accept, partly([(1, 400)])]

    assert sink.write([rows(1)], [replace(alert(), id=name) for name in ("e1", "e2", "e3")]) == [2]
    assert len(breeze.requests) == 2


def test_many_events_go_in_several_requests(breeze: Breeze) -> None:
    """Each within the configured size; what was taken is not sent again when a later one fails."""
    opened = AzureMonitor(Secret(breeze.connection_string), batch=2).open()
    events = [replace(alert(), id=f"e{number}") for number in range(5)]
    breeze.replies = [accept, refuse(503)]
    with pytest.raises(Transient):
        opened.write([], events)
    opened.write([], events)
    opened.close()

    sent = [[envelope["data"]["baseData"]["properties"]["event_id"] for envelope in request] for request in breeze.requests]
    assert sent == [["e0", "e1"], ["e2", "e3"], ["e2", "e3"], ["e4"]]


@pytest.mark.parametrize("status", [401, 402, 403, 408, 429, 439, 500, 502, 503, 504])
def test_what_may_pass_later_is_transient(breeze: Breeze, sink: Sink, status: int) -> None:
    """The whole write is tried again, and nothing is sent twice within one."""
    breeze.replies = [refuse(status, {"Retry-After": "7"})]

    with pytest.raises(Transient) as raised:
        sink.write([rows(1)], [])

    assert len(breeze.requests) == 1
    assert raised.value.retry_after == (600.0 if status in {402, 439} else 7.0)
    assert sink.write([rows(1)], []) == []


@pytest.mark.parametrize("status", [400, 404, 307])
def test_what_never_passes_is_permanent(breeze: Breeze, sink: Sink, status: int) -> None:
    """A write that is wrong by itself is not tried again."""
    breeze.replies = [refuse(status)]

    with pytest.raises(Permanent):
        sink.write([rows(1)], [])


def test_refused_items_are_told_apart(breeze: Breeze, sink: Sink) -> None:
    """Of a partly taken write the bad item is named, the busy one is sent again, the taken ones are not."""
    points = [Point(DATA_ROWS, STREAM, value, value * 1_000_000_000) for value in (1, 2, 3)]
    breeze.replies = [partly([(0, 400)])]

    assert sink.write(points, []) == [0]

    breeze.requests.clear()
    breeze.replies = [partly([(1, 429)])]
    with pytest.raises(Transient):
        sink.write(points, [])
    sink.write(points, [])

    assert [[e["data"]["baseData"]["metrics"][0]["value"] for e in request] for request in breeze.requests] == [[1, 2, 3], [2]]


def test_nobody_there_is_transient() -> None:
    """A closed port is no reason to forget points."""
    with Breeze().serve() as server:
        text = server.connection_string
    sink = AzureMonitor(Secret(text)).open()

    with pytest.raises(Transient, match="cannot be reached"):
        sink.write([rows(1)], [])
    sink.close()


def test_a_wrong_connection_string_names_key_and_way_out() -> None:
    """The text itself is not shown."""
    with pytest.raises(ConfigError, match=r"sinks\.azure_monitor\.connection_string.*overview page") as raised:
        AzureMonitor(Secret("InstrumentationKey=hunter2")).open()

    assert "hunter2" not in str(raised.value)
