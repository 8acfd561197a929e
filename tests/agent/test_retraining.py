"""The pipeline asks for training anew once, whatever dies in between; and asks nobody who did not want to be asked."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.changes import Changes
from agent.cli import parser
from agent.clock import from_nanoseconds
from agent.config import Config, Endpoint, Reference, Retraining
from agent.effects import ClosedWindow
from agent.labels.realised import LABEL_DRIFT, Moved, Realised
from agent.retraining import Requests
from agent.series import Series
from agent.spool.frame import Frame
from alerts.event import Event
from detectors.catalog import MODEL_DECAY_SEVERITY, MODEL_PERFORMANCE
from detectors.drift.calendar import Days
from detectors.types import Batch, Category, Column, Level, Score, Stream, Window
from tests.fakes.rig import Rig
from tests.fakes.weather import Weather

HOUR = 3600 * 10**9
START = 1_772_323_200 * 10**9  # 2026-03-01 UTC
WINDOW = timedelta(hours=1)
WANTED = Retraining(windows=3, cool_down=timedelta(hours=10))
MODEL = Endpoint("model", window=WINDOW, allowed_lateness=timedelta(0), detectors={"weather": Weather()}, retraining=WANTED)
DRIFT = {"#": 2.0, ".": 1.0, "?": 0.0}


def rows(hour: int, said: str, *, deployment: str = "blue", traffic: str = "live", error: float = float("nan")) -> Frame:
    """Return the rows of an hour: `#` they drifted, `.` they did not, `?` nobody can say."""
    columns: dict[str, Column] = {
        "time": np.array([START + hour * HOUR + HOUR // 2], np.int64),
        "deployment": Category.constant(deployment, 1),
        "traffic": Category.constant(traffic, 1),
    }
    features = {"drift": np.array([DRIFT[said]]), "error": np.array([error])}
    return Frame(Batch("model", "rows", 1, columns, features), "test", None, START + hour * HOUR + HOUR // 2)


def asked(events: Sequence[Event]) -> list[Event]:
    return [event for event in events if event.name == "retraining"]


def hours(events: Sequence[Event]) -> list[tuple[str, int]]:
    """Return deployment and hour (its end) of each request."""
    return [(event.attributes["deployment"], round((event.time - from_nanoseconds(START)) / timedelta(hours=1))) for event in asked(events)]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """A pipeline whose endpoint wants to be asked after three bad hours."""
    made = Rig(tmp_path, Config(endpoints={"model": MODEL}))
    yield made
    made.store.close()


def send(rig: Rig, seen: str, **more: str) -> None:
    for hour, said in enumerate(seen):
        rig.send(rows(hour, said, **more))  # type: ignore[arg-type]  # names of columns
    rig.settle(START + (len(seen) + 1) * HOUR)


def test_one_request_with_counter_record_and_event(rig: Rig) -> None:
    """Three bad hours: an event in the outbox, a record with the same evidence, and one more on the counter."""
    send(rig, "...###...")

    (event,) = asked(rig.told()[1])
    assert (event.kind, event.state, event.severity) == ("change", "requested", "information")
    assert hours([event]) == [("blue", 6)]
    assert event.data["windows"][0]["findings"][0]["feature"] == "amount"
    (record,) = [record["retraining"] for record in rig.store.audit("model", 0) if "retraining" in record]
    assert record == {"id": event.id, **event.data}
    counted = {dict(names)["signal"]: value for (name, names), value in rig.counters().items() if name == "driftline.retraining.requests"}
    assert counted == {"drift": 1, "decay": 0}


def test_the_commands_in_the_evidence_are_commands(rig: Rig) -> None:
    """Whoever copies one gets the report of that window, whatever the deployment is called."""
    send(rig, "###", deployment="it's $(blue)")

    (event,) = asked(rig.told()[1])
    for command, window in zip(event.data["reports"], event.data["windows"], strict=True):
        name, *arguments = shlex.split(command)
        read = parser("report").parse_args(arguments)
        assert (name, read.endpoint, read.deployment) == ("driftline", "model", "it's $(blue)")
        assert datetime.fromisoformat(read.window) == datetime.fromisoformat(window["start"])


def test_the_counter_is_there_before_it_counts(rig: Rig) -> None:
    """Prometheus sees a rise from 0 to 1, and none in a counter that begins at 1."""
    rig.send(rows(0, "."))
    rig.send(rows(1, "."))

    assert {names: value for (name, names), value in rig.counters().items() if name == "driftline.retraining.requests"} == {
        (("deployment", "blue"), ("endpoint", "model"), ("signal", signal), ("traffic", "live")): 0 for signal in ("drift", "decay")
    }


@pytest.mark.parametrize("traffic", ["mirror", "canary", "batch"])
def test_only_live_traffic_is_ground_to_train_on(rig: Rig, traffic: str) -> None:
    """Mirrored, canary and batch traffic is never counted."""
    send(rig, "######", traffic=traffic)

    assert asked(rig.told()[1]) == []


def test_deployments_are_counted_apart(rig: Rig) -> None:
    """Two deployments that take turns to be bad are two models with one bad hour each; a bad one is named."""
    for hour in range(8):
        rig.send(rows(hour, "#" if hour % 2 else ".", deployment="blue"))
        rig.send(rows(hour, ".#"[hour > 3], deployment="green"))
    rig.settle(START + 20 * HOUR)

    assert hours(rig.told()[1]) == [("green", 7)]


def test_rows_that_carry_labels_count_too(rig: Rig) -> None:
    """Errors that rose make a window bad by decay, with the performance beside them."""
    for hour in range(5):
        rig.send(rows(hour, "?", error=0.5 if hour < 2 else 3.0))
    rig.settle(START + 10 * HOUR)

    (event,) = asked(rig.told()[1])
    assert (event.details["signal"], hours([event])) == ("decay", [("blue", 5)])
    assert event.data["windows"][0]["severities"] == {"cusum": 3.0}
    assert event.data["performance"]["metrics"] == [{"metric": "accuracy", "basis": "realised", "value": 0.7}]


SEEN = st.text("##.?", min_size=1, max_size=30)


@settings(max_examples=25, deadline=None)
@given(SEEN, st.lists(st.integers(0, 29), max_size=6), st.lists(st.integers(0, 29), max_size=6))
def test_kill_9_neither_loses_nor_doubles_a_request(
    tmp_path_factory: pytest.TempPathFactory, seen: str, saves: list[int], crashes: list[int]
) -> None:
    """Wherever it is saved and wherever it dies, the outbox ends up with the same requests under the same keys."""

    def run(saves: list[int], crashes: list[int]) -> list[Any]:
        rig = Rig(tmp_path_factory.mktemp("rig"), Config(endpoints={"model": MODEL}))
        for hour, said in enumerate(seen):
            rig.send(rows(hour, said))
            if hour in saves:
                rig.save()
            if hour in crashes:
                rig.crash()
        rig.settle(START + (len(seen) + 1) * HOUR)
        rig.crash()
        rig.settle(START + (len(seen) + 2) * HOUR)
        found = [(event.id, event.data) for event in asked(rig.told()[1])]
        rig.store.close()
        return found

    assert run(saves, crashes) == run([], [])


def test_the_cool_down_outlasts_a_restart(rig: Rig) -> None:
    """Ten hours of quiet are ten hours of quiet."""
    send(rig, "###")
    rig.crash()
    send(rig, "#" * 20)

    assert hours(rig.told()[1]) == [("blue", 3), ("blue", 16)]


def test_a_reference_accepted_meanwhile_starts_the_count_anew(rig: Rig) -> None:
    """What was bad against the old reference says nothing against the new; a request made is still followed by quiet."""
    for hour in range(3):
        rig.send(rows(hour, "#"))
    rig.pipeline.retraining.forget(Stream("model", "blue", "live"))
    for hour in range(3, 7):
        rig.send(rows(hour, "#"))
    rig.settle(START + 8 * HOUR)
    rig.pipeline.retraining.forget(Stream("model", "blue", "live"))
    for hour in range(7, 14):
        rig.send(rows(hour, "#"))
    rig.settle(START + 20 * HOUR)

    assert hours(rig.told()[1]) == [("blue", 5)]


def requests(endpoint: Endpoint) -> Requests:
    return Requests(lambda _name: endpoint, Series(), lambda _stream, _since: {"model": "m"})


def closed(hour: int, said: str) -> ClosedWindow:
    """Return an hour as the pipeline closes it."""
    batch = rows(hour, said).batch
    assert batch is not None
    start = from_nanoseconds(START + hour * HOUR)
    step = Weather().step(Weather(), Window(start, start + WINDOW), Weather().observe(Weather(), batch))
    return ClosedWindow(Stream("model", "blue", "live"), Window(start, start + WINDOW), 1, step.scores, step.findings, {})


def test_a_day_off_neither_counts_nor_resets() -> None:
    """Holidays and excluded days are judged, and nobody is asked for anything."""
    off = Days(date(2026, 3, 2), date(2026, 3, 2))
    for reference in (Reference(holidays=(off,)), Reference(exclude=(off,))):
        counting = requests(replace(MODEL, reference=reference))
        found = [hour for hour in range(60) if counting.judge(closed(hour, "#" if hour in {22, 23} or 24 <= hour < 49 else "."))]

        assert found == [48]


@pytest.mark.parametrize(("of", "found"), [(("drift",), 1), (("decay",), 0), (("drift", "decay"), 1)])
def test_only_what_was_chosen_counts(of: tuple[str, ...], found: int) -> None:
    """`of` names the signals."""
    counting = requests(replace(MODEL, retraining=replace(WANTED, of=of)))  # type: ignore[arg-type]  # a literal in the configuration

    assert sum(len(counting.judge(closed(hour, "#"))) for hour in range(5)) == found


def test_an_endpoint_that_wants_nothing_keeps_nothing() -> None:
    """No state, no event; and what was kept goes once it is no longer wanted."""
    silent = requests(replace(MODEL, retraining=None))
    counting = requests(MODEL)
    for hour in range(2):
        assert silent.judge(closed(hour, "#")) == counting.judge(closed(hour, "#")) == []
    assert silent.plain() == {"states": []}

    silent.restore(counting.plain())
    assert silent.plain() == {"states": []}
    again = requests(MODEL)
    again.restore(counting.plain())
    assert len(again.judge(closed(2, "#"))) == 1


def late(severities: dict[int, dict[str, float]], scores: tuple[Score, ...] = (), moved: Moved | None = None) -> Realised:
    """Return what labels that came late say of hours."""
    start = from_nanoseconds(START + 2 * HOUR)
    changed = ((Window(start, start + WINDOW), scores, 1.0),) if scores else ()
    by_start = {START + hour * HOUR: risen for hour, risen in severities.items()}
    return Realised(Stream("model", "blue", "live"), changed, by_start, None, moved, None, 0)


def test_every_window_that_labels_speak_of_is_counted() -> None:
    """One delivery of labels may judge many windows: each counts for itself, with the performance of its own labels."""
    counting = requests(MODEL)
    accuracy = Score(MODEL_PERFORMANCE, 0.6, {"metric": "accuracy", "basis": "realised"})
    assert counting.labelled(late({0: {"cusum": 0.2}, 1: {"cusum": 1.5}})) == []

    (event,) = counting.labelled(late({2: {"cusum": 2.0}, 3: {"cusum": 2.5, "adwin": 9.0}}, (accuracy,)))

    assert [one["severities"] for one in event.data["windows"]] == [{"cusum": 1.5}, {"cusum": 2.0}, {"cusum": 2.5}]
    assert event.data["windows"][1]["performance"] == [{"metric": "accuracy", "basis": "realised", "value": 0.6}]
    assert event.data["answering"] == {"model": "m"}
    assert event.started == datetime(2026, 3, 1, 1, tzinfo=UTC)


def test_another_mix_of_labels_is_no_rise_of_errors() -> None:
    """It is kept among the severities of a window, and is not one of the model's."""
    counting = requests(MODEL)

    assert counting.labelled(late({hour: {LABEL_DRIFT: 9.0} for hour in range(6)})) == []
    assert counting.labelled(late({hour: {LABEL_DRIFT: 9.0, "cusum": 0.1} for hour in range(6)})) == []


def test_labels_that_drifted_make_a_window_bad_and_none_good() -> None:
    """Where their mix would page, the window is bad by drift; where it would not, what the features said stands."""

    def mix(level: Level | None) -> Moved:
        window = closed(2, "#").window
        (finding,) = closed(2, "#").findings
        return Moved(window, (), (replace(finding, kind="label", feature="label", level=level),))

    counting = requests(MODEL)
    for hour, said in enumerate("##?"):
        assert counting.judge(closed(hour, said)) == []
    (event,) = counting.labelled(late({}, moved=mix("page")))
    assert [one["findings"][0]["feature"] for one in event.data["windows"]] == ["amount", "amount", "label"]

    counting = requests(MODEL)
    for hour, said in enumerate("#.#"):
        counting.judge(closed(hour, said))
    assert counting.labelled(late({}, moved=mix(None))) == []
    assert counting.judge(closed(3, "#")) == []
    assert len(counting.judge(closed(4, "#"))) == 1


def test_what_answers_is_told_as_far_as_it_is_known() -> None:
    """Model and version of the deployment itself; unknown parts are left out."""
    known = Changes(Series(), lambda _name: MODEL)
    named = {"deployment": Category.constant("blue", 1), "model": Category.constant("m-7", 1)}
    times = np.array([START], np.int64)
    known.observe(MODEL, Batch("model", "calls", 1, {"time": times, **named}), times)

    assert known.answering(Stream("model", "blue", "live"), from_nanoseconds(START)) == {"model": "m-7"}
    assert known.answering(Stream("model", "green", "live"), from_nanoseconds(START)) == {}
    assert known.answering(Stream("model", "blue", "live"), from_nanoseconds(START + 1000)) == {}


def test_what_is_said_again_of_the_same_windows_asks_once() -> None:
    """Labels that change nothing ask for nothing, and the window's own close has no second voice."""
    counting = requests(MODEL)
    told = late({hour: {"cusum": 2.0} for hour in range(3)})
    risen = (Score(MODEL_DECAY_SEVERITY, 2.0, {"metric": "error", "basis": "realised", "method": "cusum"}),)

    assert len(counting.labelled(told)) == 1
    assert counting.labelled(told) == []
    assert counting.judge(replace(closed(2, "?"), scores=risen)) == []
