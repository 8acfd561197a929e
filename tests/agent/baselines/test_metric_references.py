"""References of what OTLP metrics tell: accepted, cut, shown and gone back from like those of records, with and without an agent."""

import io
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agent.baselines.asked import Accept, Chosen, Exclude, accept_from, to_json
from agent.baselines.excluding import exclude
from agent.baselines.showing import listed, shown
from agent.baselines.wording import accepted_lines, cut_lines
from agent.config import Config
from agent.errors import ConfigError, DriftlineError, TooLittleData
from agent.spool.frame import Frame
from detectors.drift.state import DriftState
from detectors.types import Stream
from tests.fakes.lived import AT, DAY, FIXED, Lived, Ways, asleep, living, on
from tests.fakes.metric_points import BOUNDS, SECOND, Request

GPT = Stream("chat", "gpt", "live")
CHAT = replace(FIXED, name="chat", input="metrics", cold_start=None)
CONFIG = Config(endpoints={"chat": CHAT})


def serve(agent: Lived, first: int, last: int, slower: float = 1.0) -> None:
    """Export the durations of 400 calls every four hours of some days, the last left out, each its own run of an application."""
    for window in range(6 * first, 6 * last):
        begin, random = AT // SECOND + window * DAY // SECOND // 6, np.random.default_rng(window)
        seconds = slower * random.lognormal(0.7, 0.4, 400)
        counts = np.bincount(np.searchsorted(BOUNDS, seconds), minlength=len(BOUNDS) + 1).tolist()
        request = Request().histogram(counts, total=float(seconds.sum()), time=begin + 60, start=begin + 1)
        agent.clock.time = max(agent.clock.time, (begin + 60) * SECOND)
        for batch in request.decoded().batches:
            agent.pipeline.absorb(Frame(batch, "otlp", None, (begin + 60) * SECOND))
    agent.save()


def state(agent: Lived) -> DriftState:
    """Return what is kept of metrics."""
    found = agent.pipeline.streams[GPT].states["metrics/drift"]
    assert isinstance(found, DriftState)
    return found


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten days, then ten in which calls take three times as long, and an alert."""
    agent = Lived(tmp_path_factory.mktemp("past"), CONFIG)
    serve(agent, 0, 10)
    serve(agent, 10, 20, slower=3.0)
    assert agent.firing()
    agent.store.close()
    return agent.folder / "store.sqlite"


@pytest.fixture
def slowed(past: Path, tmp_path: Path) -> Iterator[Lived]:
    """An agent that went through that past."""
    shutil.copy(past, tmp_path / "store.sqlite")
    agent = Lived(tmp_path, CONFIG)
    agent.clock.time = AT + 20 * DAY - DAY // 6
    yield agent
    agent.store.close()


@pytest.mark.parametrize("way", [living, asleep])
def test_what_was_accepted_is_quiet_and_can_be_undone(slowed: Lived, way: Ways) -> None:
    """The slower calls are the new normal, over a kill; the version before brings the alert back. Records have no part in it."""
    (found,) = way(slowed).accept(Accept(Chosen("chat", first=on(10), last=on(19))))
    lines = list(accepted_lines(found))
    assert lines[0].startswith(
        "chat/gpt (live), metrics/drift: accepted baseline chat@gpt@metrics_drift, version 2: 59 windows of 2026-01-15"
    )
    assert lines[-1] == "  back: driftline baseline accept chat --deployment gpt --detector metrics/drift --version 1"
    slowed.kill()
    serve(slowed, 20, 22, slower=3.0)
    assert not slowed.firing()
    assert {window.day for window in state(slowed).windows} == {on(number).toordinal() for number in range(10, 20)}
    (undone,) = way(slowed).accept(Accept(Chosen("chat", deployment="gpt", detector="metrics/drift"), version=1))
    assert undone.record.mark == "chat@gpt@metrics_drift 1"
    slowed.kill()
    serve(slowed, 22, 24, slower=3.0)
    assert slowed.firing()


@pytest.mark.parametrize("way", [living, asleep])
def test_days_are_taken_out(slowed: Lived, way: Ways) -> None:
    """Of the endpoint, and of the baseline; streams that begin later know of it too."""
    assert list(cut_lines(exclude(way(slowed), Exclude("chat", on(3), on(4))))) == ["endpoint chat: 12 windows taken out"]
    slowed.kill()
    serve(slowed, 20, 21, slower=3.0)
    assert sum(state(slowed).is_excluded(window.when) for window in state(slowed).windows) == 12
    way(slowed).accept(Accept(Chosen("chat", first=on(10), last=on(19))))
    cut = exclude(way(slowed), Exclude("chat@gpt@metrics_drift", on(12), on(12)))
    assert next(cut_lines(cut)) == "baseline chat@gpt@metrics_drift, version 3: 6 windows taken out"
    slowed.kill()
    serve(slowed, 21, 22, slower=3.0)
    assert on(12).toordinal() not in {window.day for window in state(slowed).windows if not state(slowed).is_excluded(window.when)}


def test_they_are_shown(slowed: Lived) -> None:
    """By endpoint and by name, with what is counted; a reference of records that has nothing says so."""
    slowed.living.accept(Accept(Chosen("chat", first=on(10), last=on(19))))
    slowed.save()
    said = "\n".join(shown(slowed.config, slowed.store, "chat", None, None, io.StringIO(), 100))
    assert "gpt (live), metrics/drift, as the daemon saved it last:" in said
    assert "begins from chat@gpt@metrics_drift 2" in said
    assert "duration" in said
    named = "\n".join(shown(slowed.config, slowed.store, "chat@gpt@metrics_drift", 2, None, io.StringIO(), 100))
    assert "59 windows of 2026-01-15 to 2026-01-24 of gpt (live), metrics/drift" in named
    assert any(line.endswith("accepted for chat/gpt/live") for line in listed(slowed.store))


@pytest.mark.parametrize("way", [living, asleep])
@pytest.mark.parametrize(
    ("chosen", "kind", "words"),
    [
        (Chosen("chat", detector="drift"), TooLittleData, r"chat/gpt \(live\): fewer than 2,000 rows so far"),
        (
            Chosen("chat", detector="latency"),
            ConfigError,
            "'latency' of endpoint chat keeps no reference to accept; those that do: drift, metrics/drift",
        ),
        (
            Chosen("chat", first=on(40), last=on(41)),
            TooLittleData,
            r"\(live\), metrics/drift: has no window from .*; it keeps windows of 2026-01-05",
        ),
    ],
)
def test_where_there_is_nothing_to_accept(slowed: Lived, way: Ways, chosen: Chosen, kind: type[DriftlineError], words: str) -> None:
    """The error names the detector and what there is; nothing changes."""
    with pytest.raises(kind, match=words):
        way(slowed).accept(Accept(chosen))
    assert slowed.store.baselines() == []


def test_the_detector_crosses_the_socket() -> None:
    """What a running agent is asked is what was typed."""
    asked = Accept(Chosen("chat", first=on(10), last=on(19), detector="metrics/drift"))
    assert accept_from(to_json(asked)) == asked


def test_metrics_are_no_reference_for_records(slowed: Lived) -> None:
    """Neither accepted by hand nor named in the configuration: middles of buckets are no durations."""
    slowed.living.accept(Accept(Chosen("chat", first=on(10), last=on(19)), name="slow"))
    words = "'slow' holds counts of OTLP metrics, and drift counts records"
    with pytest.raises(ConfigError, match=words):
        slowed.living.accept(Accept(Chosen("chat", detector="drift"), name="slow", version=1))
    slowed.store.close()
    named = replace(CHAT, reference=replace(CHAT.reference, baseline="slow"))
    with pytest.raises(ConfigError, match=words):
        Lived(slowed.folder, Config(endpoints={"chat": named}))
    slowed.config = CONFIG
    slowed.start()
