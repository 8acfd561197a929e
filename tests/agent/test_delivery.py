"""Every sink gets everything in order, at least once, whatever it does; and none is waited for longer than is good."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.delivery import Delivery
from agent.errors import Permanent, Transient
from agent.point import Point
from agent.series import Series
from agent.store.store import Store
from alerts.event import Event
from detectors.catalog import DATA_ROWS

NOW = datetime(2026, 11, 20, tzinfo=UTC)
STREAM = (("deployment", "d"), ("endpoint", "e"), ("traffic", "live"))


@dataclass
class Moody:
    """A sink that refuses what it is told to refuse, and takes the rest."""

    poison: frozenset[str] = frozenset()
    moods: list[Exception | None] = field(default_factory=list)
    """What the next writes raise."""
    taken: list[str] = field(default_factory=list)
    writes: int = 0
    closed: bool = False

    def write(self, points: Sequence[Point], events: Sequence[Event]) -> Sequence[int]:
        """Take all, or raise."""
        self.writes += 1
        mood = self.moods.pop(0) if self.moods else None
        if mood is not None:
            raise mood
        if any(event.id in self.poison for event in events):
            raise Permanent("bad event")
        self.taken += [f"p{point.value:.0f}" for point in points if isinstance(point.value, float)] + [event.id for event in events]
        return ()

    def close(self) -> None:
        """Note it."""
        self.closed = True


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An outbox with one sink."""
    with Store(tmp_path / "store.sqlite") as opened:
        opened.outbox.register(["sink"])
        yield opened


def event(name: str) -> Event:
    return Event(name, "alert", "drift", "fired", "page", NOW, NOW, dict(STREAM))


def queue(store: Store, names: Sequence[str]) -> None:
    """Queue events, each behind a point."""
    for number, name in enumerate(names):
        with store.transaction() as transaction:
            transaction.enqueue([Point(DATA_ROWS, STREAM, float(number), 1)], [event(name)])


@dataclass
class Hands:
    """A clock that moves when it is told to."""

    time: float = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.time


def delivery(store: Store, sink: Moody, clock: Hands, series: Series | None = None) -> Delivery:
    return Delivery("sink", sink, store.outbox, series or Series(), monotonic=clock, jitter=lambda: 1.0)


def refused(series: Series) -> float:
    return sum(point.value for point in series.totals(NOW) if isinstance(point.value, float | int))


def test_a_poison_event_costs_itself_alone(store: Store) -> None:
    """Of a stretch refused for good everything else arrives, in order, once; the loss is counted."""
    sink, series = Moody(poison=frozenset({"b"})), Series()
    queue(store, "abcd")

    delivery(store, sink, Hands(), series).drain()

    assert sink.taken == ["p0", "a", "p1", "p2", "c", "p3", "d"]
    assert (store.outbox.lag("sink"), refused(series)) == (0, 1)


def test_a_sink_that_is_down_is_left_alone_longer_and_longer(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """Twice the wait after each failure, five minutes at most; one line in the log, and one when it is back."""
    clock, sink = Hands(), Moody(moods=[Transient("down")] * 12)
    one = delivery(store, sink, clock)
    queue(store, "a")
    waits = []
    for _ in range(12):
        one.drain()
        one.drain()
        waits.append(next(wait for wait in range(1, 400) if not _still(one, clock, wait)))
        clock.time += waits[-1]

    one.drain()

    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300]
    assert sink.taken == ["p0", "a"]
    lines = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(lines) <= 1 + clock.time // 300


def _still(one: Delivery, clock: Hands, wait: int) -> bool:
    return clock.time + wait < one.not_before


@pytest.mark.parametrize("said", [7.0, 1e9, float("nan"), float("inf"), -1.0, None])
def test_no_answer_keeps_a_sink_away_for_ever(store: Store, said: float | None) -> None:
    """Whatever the other side says about coming back, it is asked again within an hour."""
    clock, sink = Hands(), Moody(moods=[Transient("busy", said)])
    one = delivery(store, sink, clock)
    queue(store, "a")
    one.drain()
    assert sink.taken == []

    clock.time = 3600.0
    one.drain()

    assert sink.taken == ["p0", "a"]


def test_an_error_nobody_foresaw_is_tried_again_then_given_up(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """A bug in a sink does not block its queue for ever; what it says is not repeated, it may hold content."""
    clock, sink, series = Hands(), Moody(moods=[ValueError("secret")] * 6), Series()
    one = delivery(store, sink, clock, series)
    with store.transaction() as transaction:
        transaction.enqueue([], [event("a")])
    for _ in range(6):
        one.drain()
        clock.time += 300
    queue(store, "b")
    one.drain()

    assert sink.taken == ["p0", "b"]
    assert refused(series) == 1
    assert "secret" not in caplog.text


def test_what_was_delivered_is_not_delivered_again_while_the_store_is_full(tmp_path: Path) -> None:
    """A store that cannot note it makes nothing double: it is noted first, then the next is sent."""
    clock, sink = Hands(), Moody()
    with Store(tmp_path / "store.sqlite", busy_seconds=0.0) as store:
        store.outbox.register(["sink"])
        queue(store, "ab")
        one = delivery(store, sink, clock)
        with Store(tmp_path / "store.sqlite", busy_seconds=0.0) as other, other.transaction():
            one.drain()
        assert sink.taken == ["p0", "p1", "a", "b"]
        clock.time = 400.0
        queue(store, "c")
        one.drain()

        assert sink.taken == ["p0", "p1", "a", "b", "p0", "c"]
        assert store.outbox.lag("sink") == 0


def test_the_end_waits_for_no_sink(store: Store) -> None:
    """`stop` ends a drain after its write, `finish` gives the rest a few seconds."""
    clock, sink = Hands(), Moody()
    one = delivery(store, sink, clock)
    queue(store, "ab")
    one.stop()
    one.drain()
    assert sink.taken == []

    one.finish(5.0)
    clock.time = 6.0
    queue(store, "c")
    one.drain()
    one.close()

    assert sink.taken == ["p0", "p1", "a", "b"]
    assert sink.closed


@settings(max_examples=30, deadline=None)
@given(
    poison=st.frozensets(st.sampled_from("abcdefgh"), max_size=3),
    moods=st.lists(st.sampled_from([None, Transient("down")]), max_size=10),
    chunk=st.integers(1, 6),
)
def test_everything_arrives_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, poison: frozenset[str], moods: list[Exception | None], chunk: int
) -> None:
    """Whatever is poison and whenever the sink is down: the rest arrives, its events in order, each once."""
    clock, sink = Hands(), Moody(poison, list(moods))
    with Store(tmp_path_factory.mktemp("outbox") / "store.sqlite") as store:
        store.outbox.register(["sink"])
        queue(store, "abcdefgh")
        one = Delivery("sink", sink, store.outbox, Series(), chunk=chunk, monotonic=clock, jitter=lambda: 1.0)
        for _ in range(len(moods) + 2):
            one.drain()
            clock.time += 400

        assert [name for name in sink.taken if name in "abcdefgh"] == [name for name in "abcdefgh" if name not in poison]
        assert sorted(name for name in sink.taken if name not in "abcdefgh") == [f"p{number}" for number in range(8)]
        assert store.outbox.lag("sink") == 0


def test_what_a_judge_said_of_one_answer_wakes_nobody(store: Store) -> None:
    """A sink of measurements gets it; a notifier, which takes no points, does not, and waits for nothing."""
    store.outbox.register(["sink", "notifier"])
    with store.transaction() as transaction:
        transaction.enqueue([], [event("fired"), replace(event("judged"), kind="evaluation", state="judged")])
    sink, notifier = Moody(), Moody()
    Delivery("sink", sink, store.outbox, Series()).drain()
    Delivery("notifier", notifier, store.outbox, Series(), takes_points=False).drain()
    assert (sink.taken, notifier.taken) == (["fired", "judged"], ["fired"])
    assert store.outbox.lag("notifier") == 0
