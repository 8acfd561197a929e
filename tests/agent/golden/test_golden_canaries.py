"""The agent runs golden sets by itself: fortnights without an alarm, losses found and named, nothing mixed with live figures."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from agent.clock import to_nanoseconds
from agent.config import Config
from agent.config_file import read
from agent.errors import ConfigError, InputError
from agent.golden.canaries import Canaries, accept_stored, canaries
from agent.golden.due import due
from agent.golden.running import Around
from agent.pipeline import Pipeline
from alerts.event import Event
from detectors.catalog import ALERT_ACTIVE, CANARY_ANSWERS, CANARY_LOSS, CANARY_PASS, CANARY_PASS_LOWER, CANARY_PASS_UPPER, Metric
from tests.fakes.golden_endpoint import KEY, GoldenEndpoint, pairs_file
from tests.fakes.rig import Rig

BEGIN = datetime(2026, 3, 1, 1, tzinfo=UTC)
NIGHT = timedelta(days=1)


def config(folder: Path, more: str = "", count: int = 120) -> Config:
    """Return a configuration with one set that is run each night."""
    pairs_file(folder / "pairs.jsonl", count)
    text = f"""
state: state
endpoints:
  chat:
    golden:
      nightly:
        file: pairs.jsonl
        target: {{openai: {{url: "http://127.0.0.1:1/v1", model: gpt, key: {KEY}}}}}
        evaluators: {{exact: {{}}, length: {{}}}}
        every: 24h
        {more}
"""
    return read(text, "driftline.yaml", folder, {})


@dataclass
class Nights:
    """An agent without threads of its own: its clock is moved from night to night."""

    rig: Rig
    endpoint: GoldenEndpoint
    config: Config
    made: Canaries = field(init=False)
    requests: int = 0
    stop_after: int = 0
    """The agent ends with this request; 0: with none."""

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Start the canaries, or start them again from the store."""
        transport = httpx.MockTransport(self._answer)
        around = Around(self.rig.clock.now, lambda: self.rig.clock.time / 1e9, lambda _: False, Random(3), transport)
        self.made = canaries(self.config, self.rig.store, self, self.rig.clock, around)

    def ask(self, work: Callable[[Pipeline], object], seconds: float = 60.0) -> object:  # noqa: ARG002 - as the engine's
        """Do some work on the pipeline, and save it as the engine does."""
        found = work(self.rig.pipeline)
        self.rig.save()
        return found

    def night(self) -> list[Event]:
        """Let a run happen, and return what it led to."""
        before = len(self.told())
        self.rig.clock.time += int(NIGHT.total_seconds()) * 1_000_000_000
        self.made.tick()
        assert self.made.wait(60)
        return self.told()[before:]

    def told(self) -> list[Event]:
        """Return every event that was told so far."""
        return self.rig.told()[1]

    def gauges(self, metric: Metric) -> list[float]:
        """Return the values of a gauge there are now."""
        now = self.rig.clock.now()
        points = [*self.rig.pipeline.series.points(now), *self.rig.pipeline.alerting.present(now)]
        return [float(point.value) for point in points if point.metric is metric and isinstance(point.value, float | int)]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        if self.requests == self.stop_after:
            self.made.stop()
        said, body = self.endpoint._said(request.url.path, _headers(request), json.loads(request.content))
        return httpx.Response(said, content=body if isinstance(body, bytes) else json.dumps(body).encode())


def _headers(request: httpx.Request) -> dict[str, str]:
    return {"Authorization": request.headers.get("authorization", "")}


@pytest.fixture
def nights(tmp_path: Path) -> Nights:
    (tmp_path / "state").mkdir()
    found = config(tmp_path)
    return Nights(Rig(tmp_path / "state", found, began=to_nanoseconds(BEGIN)), GoldenEndpoint(flake=0.05, seed=4), found)


def lost(*numbers: int) -> frozenset[str]:
    return frozenset(f"What is the capital of {number}?" for number in numbers)


def test_fourteen_nights_of_the_same_noise_raise_no_alert(nights: Nights) -> None:
    """120 pairs, 5 % of answers wrong at random: the first run is accepted, the others say nothing; a restart in between changes nothing."""
    events = list[Event]()
    for night in range(14):
        if night == 7:
            nights.rig.crash()
            nights.begin()
        events += nights.night()

    assert [(event.kind, event.name) for event in events] == []
    assert nights.gauges(ALERT_ACTIVE) == [0.0]
    (lower,), (value,), (upper,) = (nights.gauges(metric) for metric in (CANARY_PASS_LOWER, CANARY_PASS, CANARY_PASS_UPPER))
    assert 0.9 < lower < value < upper < 1
    asked = [
        value
        for (name, labels), value in nights.rig.counters().items()
        if name == CANARY_ANSWERS.name and ("outcome", "answered") in labels
    ]
    assert asked == [14 * 360]


@pytest.mark.parametrize("seed", range(4))
def test_ten_points_lost_are_told_within_two_runs(nights: Nights, seed: int) -> None:
    """Twelve pairs of one topic that fail from one night on lead to one alert, at the latest the night after, that names them."""
    nights.endpoint = GoldenEndpoint(flake=0.03, seed=seed)
    for _ in range(2):
        nights.night()
    nights.endpoint.lost = lost(*range(0, 52, 4))
    events = [event for _ in range(2) for event in nights.night()]

    (fired,) = [event for event in events if event.kind == "alert"]
    assert (fired.name, fired.state, fired.severity) == ("golden_regression", "fired", "page")
    assert fired.attributes == {"endpoint": "chat", "deployment": "gpt", "traffic": "canary"}
    assert fired.details["dataset"] == "nightly"
    assert "worse: exact; tags: topic-0 (-" in fired.summary
    assert "length" not in fired.summary
    assert "capital" not in str(fired)
    assert nights.gauges(CANARY_LOSS)[0] > 0.05


def test_an_alert_resolves_when_it_passes_again_or_is_accepted(nights: Nights) -> None:
    """Good runs resolve it; so does the new normal, by an agent that runs or one that does not."""
    nights.night()
    nights.endpoint.lost = lost(*range(40))
    assert [event.state for event in nights.night()] == ["fired"]
    nights.endpoint.lost = frozenset()
    assert [event.state for event in nights.night()] == ["resolved"]

    nights.endpoint.lost = lost(*range(40))
    assert [event.state for event in nights.night()] == ["fired"]
    assert "is the accepted one now" in nights.made.accept("chat", "nightly")[0]
    assert [event.state for event in nights.night()] == ["resolved"]

    nights.endpoint.lost = lost(*range(80))
    assert [event.state for event in nights.night()] == ["fired"]
    accept_stored(nights.rig.store, "chat", "nightly")
    nights.rig.crash()
    nights.begin()
    assert [event.state for event in nights.night()] == ["resolved"]
    with pytest.raises(ConfigError, match="runs no set 'other'"):
        nights.made.accept("chat", "other")
    with pytest.raises(InputError, match="no run of 'other' of endpoint 'chat' is stored"):
        accept_stored(nights.rig.store, "chat", "other")


def test_another_model_behind_the_same_name_is_told_once(nights: Nights) -> None:
    """A model or fingerprint nobody had seen is a change event of canary traffic, not of live traffic, and no alert."""
    nights.night()
    nights.endpoint.model, nights.endpoint.fingerprint = "gpt-4o-2024-11-20", "fp_b"
    changed, again = nights.night(), nights.night()

    assert sorted((event.name, event.details["old"], event.details["new"]) for event in changed) == [
        ("fingerprint", "fp_a", "fp_b"),
        ("model", "gpt-4o-2024-08-06", "gpt-4o-2024-11-20"),
    ]
    assert {event.attributes["traffic"] for event in changed} == {"canary"}
    assert again == []


@pytest.mark.parametrize(("mode", "outcome"), [("down", "server"), ("junk", "unreadable")])
def test_an_endpoint_that_is_gone_is_a_gap(nights: Nights, mode: Any, outcome: str) -> None:
    """A run without answers shows no ratio, clears no alert and fires none; the accepted run stays."""
    nights.night()
    nights.endpoint.lost = lost(*range(40))
    assert [event.state for event in nights.night()] == ["fired"]
    nights.endpoint.mode = mode
    assert nights.night() == []
    assert nights.gauges(ALERT_ACTIVE) == [1.0]
    assert any(("outcome", outcome) in labels for _, labels in nights.rig.counters())
    nights.endpoint.mode, nights.endpoint.lost = "well", frozenset()
    assert [event.state for event in nights.night()] == ["resolved"]


def test_nothing_is_mixed_with_live_figures(nights: Nights) -> None:
    """Everything golden sets lead to carries canary traffic; no request, token or cost of live traffic is counted."""
    for _ in range(2):
        nights.night()

    points, events = nights.rig.told()
    shown = [*points, *nights.rig.pipeline.series.points(nights.rig.clock.now())]
    assert {dict(point.attributes)["traffic"] for point in shown} == {"canary"}
    assert {point.metric.name.split(".")[1] for point in shown} <= {"canary", "alert"}
    assert events == []


def test_a_run_that_was_cut_short_is_not_paid_for_again_at_once(nights: Nights) -> None:
    """An agent that ends in the middle of a run says nothing of it, and after its start waits for the next one that is due."""
    nights.night()
    nights.endpoint.lost, nights.stop_after = lost(*range(120)), 500
    assert nights.night() == []
    assert nights.requests < 520
    nights.rig.crash()
    nights.begin()
    nights.made.tick()
    assert nights.made.wait(60)
    assert nights.requests < 520
    assert [event.state for event in nights.night()] == ["fired"]


def test_the_budget_of_a_day_holds_over_runs(tmp_path: Path) -> None:
    """What a budget has no room for is a gap, and the next day there is room again."""
    (tmp_path / "state").mkdir()
    found = config(tmp_path, "budget: {tokens: 5000}\n        concurrency: 1")
    nights = Nights(Rig(tmp_path / "state", found, began=to_nanoseconds(BEGIN)), GoldenEndpoint(), found)
    nights.night()
    nights.night()

    counted = {dict(labels)["outcome"]: value for (name, labels), value in nights.rig.counters().items() if name == CANARY_ANSWERS.name}
    assert set(counted) == {"answered", "budget"}
    assert counted["answered"] * 25 <= 2 * 5000
    assert counted["answered"] * 25 > 5000
    assert nights.gauges(CANARY_PASS) == []


def test_a_set_that_cannot_be_used_stops_the_start(tmp_path: Path) -> None:
    """Validated before the first question: an agent does not begin with a broken file, and says which line."""
    (tmp_path / "state").mkdir()
    found = config(tmp_path)
    (tmp_path / "pairs.jsonl").write_text('{"question": "Why?", "source": "gpt-4"}\n')
    with pytest.raises(InputError, match=r"pairs.jsonl: line 1: source: says that a model wrote it"):
        Nights(Rig(tmp_path / "state", found, began=to_nanoseconds(BEGIN)), GoldenEndpoint(), found)


@pytest.mark.parametrize(
    ("last", "now", "expected"),
    [
        (None, "2026-03-01T12:00", False),
        (None, "2026-03-02T02:30", True),
        ("2026-03-01T02:30", "2026-03-02T02:29", False),
        ("2026-03-01T02:30", "2026-03-02T02:30", True),
        ("2026-03-01T02:30", "2026-03-02T09:00", True),
        # The clock goes forward on the 29th and back on the 25th of October: one run a day all the same.
        ("2026-03-28T02:30", "2026-03-29T03:31", True),
        ("2026-03-29T03:31", "2026-03-30T02:31", True),
        ("2026-10-24T02:30", "2026-10-25T02:31", True),
        ("2026-10-25T02:31", "2026-10-25T23:00", False),
    ],
)
def test_when_a_set_is_due(last: str | None, now: str, expected: bool) -> None:  # noqa: FBT001 - a table
    """At its time of day, once a day, on the endpoint's clock."""
    zone = ZoneInfo("Europe/Stockholm")
    began = None if last is None else datetime.fromisoformat(last).replace(tzinfo=zone).astimezone(UTC)

    assert due(began, datetime.fromisoformat(now).replace(tzinfo=zone).astimezone(UTC), NIGHT, "02:30", "Europe/Stockholm") is expected
