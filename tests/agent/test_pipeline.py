"""What one frame, one fault or one pause does to the pipeline, and what it leaves alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from agent.clock import from_nanoseconds
from agent.config import Config, Endpoint
from agent.spool.frame import Frame
from detectors.catalog import Metric
from detectors.types import Batch, Category, Column, Plain, Profile, Step, Window
from detectors.usage.usage import Usage
from tests.fakes.rig import Rig

SECOND = 1_000_000_000
START = 1_767_225_600 * SECOND  # 2026-01-01 UTC
WINDOW, LATENESS = timedelta(minutes=1), timedelta(seconds=20)
CONFIG = Config(endpoints={name: Endpoint(name, window=WINDOW, allowed_lateness=LATENESS) for name in ("model", "chat")})


def calls(time: float, ids: Sequence[int] = (0,), endpoint: str = "chat", deployment: str = "a") -> Batch:
    """Return calls at so many seconds after the start."""
    columns: dict[str, Column] = {
        "time": np.full(len(ids), START + int(time * SECOND), np.int64),
        "id": np.array(ids, np.uint64),
        "deployment": Category.constant(deployment, len(ids)),
    }
    return Batch(endpoint, "calls", len(ids), columns)


def sent(rig: Rig, *batches: tuple[float, Batch]) -> Rig:
    """Send batches that arrive so many seconds after the start."""
    for received, one in batches:
        rig.send(Frame(one, "test", None, START + int(received * SECOND)))
    return rig


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """A pipeline of windows of a minute, twenty seconds of lateness."""
    made = Rig(tmp_path, CONFIG)
    yield made
    made.store.close()


def starts(rig: Rig, endpoint: str = "chat") -> list[tuple[str, float, int]]:
    """Return deployment, start in seconds and rows of every window that closed."""
    rig.save()
    return [(stream.deployment, (start - START) / SECOND, value["rows"]) for stream, start, _, value in rig.windows(endpoint)]


def test_a_quiet_deployment_closes_though_its_endpoint_is_busy(rig: Rig) -> None:
    """Traffic that moved to another deployment leaves no window open for ever."""
    sent(rig, (10, calls(10, deployment="old")), *((float(second), calls(second, deployment="new")) for second in range(15, 100, 5)))

    assert ("old", 0, 1) in starts(rig)


def test_a_fast_clock_closes_nothing_early(rig: Rig) -> None:
    """A client four minutes ahead is counted in its window; the rows of the others are not late by it."""
    sent(rig, (10, calls(250)), (50, calls(50)), (70, calls(55)))

    assert starts(rig) == []
    assert rig.counters().get(("driftline.agent.late", (("endpoint", "chat"),))) is None


def test_a_time_far_ahead_is_the_arrival(rig: Rig) -> None:
    """More than five minutes ahead is a wrong clock: counted, and placed when it came."""
    sent(rig, (10, calls(3600)))
    rig.settle(START + 200 * SECOND)

    assert starts(rig) == [("a", 0, 1)]
    assert rig.counters()["driftline.agent.clock_skew", (("endpoint", "chat"),)] == 1


def test_what_waits_in_the_spool_is_not_late(tmp_path: Path) -> None:
    """An agent that was down for an hour counts what came in that time into its windows, as if it had been there."""
    config = Config(endpoints=CONFIG.endpoints)
    before = Rig(tmp_path / "before", config)
    rows = [(float(second), calls(second)) for second in range(0, 170, 10)]
    sent(before, *rows)
    before.settle(START + 3600 * SECOND)

    after = Rig(tmp_path / "after", config)
    after.clock.time = START + 3600 * SECOND
    sent(after, *rows)
    after.settle(START + 3600 * SECOND)

    assert starts(after) == starts(before) == [("a", 0, 6), ("a", 60, 6), ("a", 120, 5)]
    before.store.close()
    after.store.close()


def test_ids_are_unique_within_a_stream_only(rig: Rig) -> None:
    """Two endpoints, and two deployments, may number their rows alike; the same row of one stream counts once."""
    ones = [calls(1, [1, 2, 3], endpoint, deployment) for endpoint in ("chat", "model") for deployment in ("a", "b")]
    sent(rig, *((1, one) for one in ones), (2, ones[0]))

    assert rig.dropped() == {("test", "duplicate"): 3}


def test_the_fifty_first_deployment_shares_a_name(rig: Rig) -> None:
    """Whoever makes up deployments cannot fill the memory, and nothing is lost."""
    sent(rig, *((1, calls(1, [0], deployment=f"d{number}")) for number in range(60)))

    requests = {dict(names)["deployment"]: value for (name, names), value in rig.counters().items() if name == "driftline.requests"}
    assert len(requests) == 51
    assert requests["__other__"] == 10


class Stumbling:
    """A detector of somebody else that fails where it is told to."""

    metrics = ()

    def __init__(self, where: str) -> None:
        self.where = where

    def restore(self, saved: Plain | None) -> "Stumbling":
        """Fail on what was saved."""
        if self.where == "restore" and saved is not None:
            raise ValueError("secret text")
        return self

    def observe(self, state: "Stumbling", batch: Batch) -> Profile:  # noqa: ARG002 - the protocol of a detector
        """Fail on every batch."""
        if self.where == "observe":
            raise ValueError("secret text")
        return Profile()

    def step(self, state: "Stumbling", window: Window, profile: Profile) -> Step:  # noqa: ARG002 - as above
        """Fail on every window."""
        if self.where == "step":
            raise ValueError("secret text")
        return Step(state)

    def plain(self) -> Plain:
        """Fail to be saved."""
        return {"x": object()} if self.where == "plain" else {}


@dataclass(frozen=True)
class Trouble:
    """The options of such a detector."""

    where: str
    metrics: ClassVar[tuple[Metric, ...]] = ()

    def restore(self, saved: Plain | None) -> Stumbling:
        """See Stumbling."""
        return Stumbling(self.where).restore(saved)

    def observe(self, state: Stumbling, batch: Batch) -> Profile:
        """See Stumbling."""
        return state.observe(state, batch)

    def step(self, state: Stumbling, window: Window, profile: Profile) -> Step:
        """See Stumbling."""
        return state.step(state, window, profile)


@pytest.mark.parametrize("where", ["restore", "observe", "step", "plain"])
def test_one_detectors_fault_costs_the_others_nothing(tmp_path: Path, where: str, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever it fails at: the others' scores are there, its rows are counted as faults, and its words are not in the log."""
    endpoint = Endpoint("chat", window=WINDOW, allowed_lateness=LATENESS, detectors={"bad": Trouble(where), "usage": Usage()})
    rig = Rig(tmp_path, Config(endpoints={"chat": endpoint}))
    sent(rig, (1, calls(1, [1, 2])))
    rig.save()
    rig.crash()
    sent(rig, (90, calls(90, [3])))
    rig.settle(START + 600 * SECOND)

    assert [(start, rows) for _, start, rows in starts(rig)] == [(0, 2), (60, 1)]
    scores = {name for _, _, _, value in rig.windows("chat") for name, _, _ in value["scores"]}
    assert "driftline.request.error.ratio" in scores
    assert rig.dropped()["bad", "fault"] >= 1
    assert "secret text" not in caplog.text
    assert "endpoint chat, bad" in caplog.text
    rig.store.close()


def test_a_batch_that_cannot_be_joined_stops_nothing(rig: Rig) -> None:
    """A poison record costs its own batch; the next frame, of another endpoint too, is counted."""
    poison = Batch("model", "rows", 1, {"part": Category.of(["inputs"]), "time": np.array([START])})
    sent(rig, (1, poison), (2, calls(2)))

    assert rig.dropped() == {("test", "fault"): 1}
    assert rig.counters()["driftline.agent.received", (("source", "test"),)] == 2


def test_an_endpoint_that_left_the_configuration_is_told_as_resolved(tmp_path: Path) -> None:
    """Nobody is told for ever that nothing is heard of an endpoint somebody removed."""
    rig = Rig(tmp_path, CONFIG)
    sent(rig, (1, calls(1)))
    rig.settle(START + 3600 * SECOND)
    rig.config = Config(endpoints={"model": CONFIG.endpoints["model"]})
    rig.crash()
    rig.settle(START + 7200 * SECOND)

    _, events = rig.told()
    assert [(event.name, event.state, event.details.get("reason")) for event in events] == [
        ("source_stale", "fired", None),
        ("source_stale", "resolved", "removed from the configuration"),
    ]
    assert "chat" not in rig.pipeline.arrivals
    rig.store.close()


def test_the_agents_own_absence_is_no_silence(tmp_path: Path) -> None:
    """After a night without the agent silence is counted from its return, not from the last record before."""
    rig = Rig(tmp_path, CONFIG)
    sent(rig, (1, calls(1)))
    rig.save()
    rig.crash()
    for minutes in range(480, 488):
        rig.settle(START + minutes * 60 * SECOND)
    assert rig.told()[1] == []

    rig.settle(START + 600 * 60 * SECOND)
    assert [event.state for event in rig.told()[1]] == ["fired"]
    rig.store.close()


def test_gauges_outlive_a_restart(rig: Rig) -> None:
    """What holds until the window after next is shown after a crash as well, and goes stale at its own time."""
    sent(rig, (1, calls(1)))
    rig.settle(START + 100 * SECOND)

    def shown(seconds: float) -> set[str]:
        return {point.metric.name for point in rig.pipeline.series.gauges(from_nanoseconds(START + int(seconds * SECOND)))}

    before = shown(120)
    rig.crash()

    assert "driftline.request.error.ratio" in before
    assert shown(120) == before
    assert shown(100 + 121) == set()


def test_the_budget_is_shared_by_all_streams(rig: Rig) -> None:
    """Two deployments, one of them also mirrored: a third each, whichever came first."""
    mirrored = replace(calls(1, deployment="b"), columns={**calls(1, deployment="b").columns, "traffic": Category.of(["mirror"])})
    sent(rig, (1, calls(1, deployment="a")), (1, calls(1, deployment="b")), (1, mirrored))

    budgets = [one.detectors["drift"].budget for one in rig.pipeline.streams.values()]  # type: ignore[attr-defined] # of Drift
    assert budgets == pytest.approx([1 / 3] * 3)
