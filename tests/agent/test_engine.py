"""The engine keeps what it took, whatever fails around it, and never waits for ever."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from agent.assembly import build_engine
from agent.config import Config, Endpoint, Reference
from agent.config import Spool as Limits
from agent.engine import Engine
from agent.routing import MatchRouter
from agent.series import Series
from agent.sources import Context, Poll
from agent.spool.frame import Frame, encode
from agent.spool.spool import Spool
from agent.store.store import Store
from detectors.catalog import AGENT_DROPPED
from detectors.types import Batch, Plain

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
CHAT = Endpoint("chat", window=timedelta(hours=1))


@dataclass
class Noon:
    """A clock that stands still."""

    def now(self) -> datetime:
        """Return noon."""
        return NOW


@dataclass
class Place:
    """A spool, a store and the engines that work on them one after the other."""

    folder: Path
    config: Config = field(default_factory=lambda: Config(endpoints={"chat": CHAT}))

    def __post_init__(self) -> None:
        self.spool = Spool(self.folder / "spool", Limits(durability="write", min_free_bytes=0))
        self.store = Store(self.folder / "store.sqlite", busy_seconds=0.0)
        self.store.outbox.register(["sink"])

    def engine(self) -> Engine:
        """Return an engine where the last one was saved."""
        return build_engine(self.config, self.store, self.spool, Series(), Noon(), router=MatchRouter(self.config), sinks=["sink"])

    def send(self, *ids: int) -> None:
        """Put calls into the spool."""
        time_ = np.full(len(ids), int(NOW.timestamp()) * 10**9, np.int64)
        batch = Batch("chat", "calls", len(ids), {"time": time_, "id": np.array(ids, np.uint64)})
        self.spool.append_blocking([encode(Frame(batch, "otlp", None, int(NOW.timestamp()) * 10**9))])

    def close(self) -> None:
        """Let go of everything."""
        self.spool.close_blocking()
        self.store.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """An empty one."""
    made = Place(tmp_path)
    yield made
    made.close()


def requests(engine: Engine) -> float:
    """Return what a scrape shows."""
    return sum(p.value for p in engine.points() if p.metric.name == "driftline.requests" and isinstance(p.value, float | int))


def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    """Ask again until it is true."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not true():
        assert time.monotonic() < deadline
        pause.wait(0.01)


def test_the_end_reads_what_is_there_and_leaves_windows_open(place: Place) -> None:
    """SIGTERM loses nothing and judges nothing: an open window goes on after the start."""
    place.send(1, 2)
    engine = place.engine()
    engine.start()
    engine.stop()
    assert list(place.store.windows("chat", 0, 2**62)) == []

    place.send(3)
    again = place.engine()
    again.start()
    again.stop()

    assert requests(again) == 3
    (stream,) = again.pipeline.streams.values()
    assert [window["rows"] for window in stream.plain()["open"]] == [3]


def test_no_scrape_sees_a_counter_go_back(place: Place) -> None:
    """What was shown and not saved is counted again from the spool before the next process shows it; until then it shows none."""
    engine = place.engine()
    engine.start()
    place.send(1)
    until(lambda: requests(engine) == 1)
    with Store(place.folder / "store.sqlite") as other, other.transaction():
        place.send(2)
        until(lambda: requests(engine) == 2)
        # A crash now: the store knows of one call.
        following = place.engine()
        assert "driftline.requests" not in {point.metric.name for point in following.points()}
        engine.stop(0.0)

    following.start()
    until(lambda: "driftline.requests" in {point.metric.name for point in following.points()})
    assert requests(following) == 2
    following.stop()


@dataclass(frozen=True)
class Endless:
    """A source whose history never ends."""

    asked: threading.Event = field(default_factory=threading.Event)

    def poll(self, context: Context, cursor: Plain | None) -> Iterator[Poll]:  # noqa: ARG002 - the protocol of a source
        """Yield nothing."""
        yield from ()

    def history(self, context: Context, since: timedelta) -> Iterator[Batch]:  # noqa: ARG002 - as above
        """Yield a row of the last hour again and again."""
        row = np.array([int(NOW.timestamp()) * 10**9 - 3600 * 10**9], np.int64)
        while True:
            self.asked.set()
            yield Batch("chat", "rows", 1, {"time": row}, {"x": np.array([1.0])})


def test_the_heart_beats_while_a_reference_is_built(tmp_path: Path) -> None:
    """Minutes of history keep neither the heartbeat nor the end of the agent waiting, and nothing is read before."""
    source = Endless()
    endpoint = Endpoint("chat", source=source, reference=Reference(history=timedelta(days=1)))
    place = Place(tmp_path, Config(endpoints={"chat": endpoint}))
    engine = place.engine()
    place.send(1)
    engine.start()
    assert source.asked.wait(10)
    engine.tick()

    points = [point for item in place.store.outbox.next("sink", 1000)[0] if isinstance(item, tuple) for point in item]
    assert "driftline.agent.heartbeat" in {point.metric.name for point in points}
    engine.stop()
    assert not engine.alive
    assert requests(engine) == 0
    assert requests(place.engine()) == 0
    place.close()


def test_a_tick_that_nobody_answers_sends_nothing_later(place: Place) -> None:
    """An engine that has no time raises TimeoutError, and does not send a row of old heartbeats once it has."""
    engine = place.engine()
    for _ in range(3):
        with pytest.raises(TimeoutError):
            engine.tick(0.01)
    engine.start()
    engine.tick()
    engine.stop()

    points = [point for item in place.store.outbox.next("sink", 1000)[0] if isinstance(item, tuple) for point in item]
    assert [point.metric.name for point in points].count("driftline.agent.heartbeat") == 1


def test_drops_without_a_record_are_saved_too(place: Place) -> None:
    """A counter of what was refused is shown and kept though not one record came."""
    own = Series()
    config = place.config
    engine = build_engine(config, place.store, place.spool, own, Noon(), router=MatchRouter(config), sinks=["sink"])
    engine.start()
    own.add(AGENT_DROPPED, 4, source="otlp", reason="request_malformed")
    until(lambda: "driftline.agent.dropped" in {point.metric.name for point in engine.points()})
    engine.stop()

    assert "driftline.agent.dropped" in {point.metric.name for point in place.engine().points()}


def test_an_append_the_last_process_did_not_finish_is_counted(place: Place) -> None:
    """What is cut off the end of the spool at the start counts once, with its reason."""
    place.send(1)
    place.spool.close_blocking()
    newest = max((place.folder / "spool").glob("*.seg"))
    newest.write_bytes(newest.read_bytes() + b"half a frame")
    place.spool = Spool(place.folder / "spool", Limits(durability="write", min_free_bytes=0))
    engine = place.engine()
    engine.start()
    engine.tick()
    engine.tick()
    found = {dict(point.attributes)["reason"]: point.value for point in engine.points() if point.metric is AGENT_DROPPED}
    engine.stop()

    assert found == {"torn_append": 1}
