"""The outbox: every sink gets everything once it asks, in order, at its own pace, within bounds."""

import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.point import Distribution, Point
from agent.store.database import Database
from agent.store.item import Item, decode, encode
from agent.store.outbox import POINTS, Outbox
from agent.store.store import Store
from alerts.event import Event
from detectors.catalog import AGENT_HEARTBEAT, REQUEST_DURATION, REQUESTS, Metric, metrics

ATTRIBUTES = (("deployment", "gpt"), ("endpoint", "chat"), ("traffic", "live"))
KNOWN = {metric.name: metric for metric in metrics()}
HOUR = 3600 * 10**9


def point(number: int) -> Point:
    """Make a point that carries a number."""
    return Point(REQUESTS, ATTRIBUTES, float(number), 10**18 + number, 10**18)


def event(number: int) -> Event:
    """Make an event that carries a number."""
    time = datetime(2026, 3, 8, 12, 0, number, 7, tzinfo=timezone(timedelta(hours=-5)))
    return Event(f"id{number}", "alert", "drift", "fired", "page", time, time, dict(ATTRIBUTES), {"severity": 1.5}, {"feature": "x"}, "…")


def numbers(items: list[Item]) -> list[float]:
    """Return the numbers of points."""
    return [each.value for item in items if not isinstance(item, Event) for each in item if isinstance(each.value, float)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Open a store with two sinks."""
    with Store(tmp_path / "store.sqlite") as opened:
        opened.outbox.register(["azure", "json"])
        yield opened


def send(store: Store, *values: int, events: tuple[Event, ...] = ()) -> None:
    """Commit points and events."""
    with store.transaction() as transaction:
        transaction.enqueue([point(number) for number in values], events)


@settings(deadline=None)
@given(st.floats(), st.integers(0, 2**62), st.none() | st.integers(0, 2**62), st.text(st.characters()))
def test_points_and_events_round_trip(value: float, time: int, start: int | None, text: str) -> None:
    """Counters, histograms and events come back as they were, times to the microsecond and in their zone."""
    attributes = (*ATTRIBUTES[:1], ("endpoint", text), ATTRIBUTES[2])
    buckets = Distribution((1,) * (len(REQUEST_DURATION.boundaries) + 1), 2.5)
    points = (Point(REQUESTS, attributes, value, time, start), Point(REQUEST_DURATION, attributes, buckets, time, start))
    assert repr(decode(encode(points), KNOWN.get)) == repr((points, 0))
    assert decode(encode(event(3)), KNOWN.get) == (event(3), 0)


def test_points_of_unknown_metrics_are_left_out() -> None:
    """A name, attribute or bucket an older version wrote and this catalogue does not have."""
    wrong = [
        Point(Metric("driftline.gone", "gauge", "1", "…"), (), 1.0, 1),
        Point(REQUESTS, (("endpoint", "chat"),), 1.0, 1),
        Point(REQUEST_DURATION, ATTRIBUTES, Distribution((1, 2), 1.0), 1),
        Point(REQUEST_DURATION, ATTRIBUTES, 1.0, 1),
        Point(REQUESTS, ATTRIBUTES, Distribution((1, 2), 1.0), 1),
    ]
    kept = Point(AGENT_HEARTBEAT, (), 1.0, 1)
    assert decode(encode((*wrong, kept)), KNOWN.get) == ((kept,), len(wrong))


def test_unknown_metrics_are_counted_once(store: Store) -> None:
    """However often the sink has to try."""
    with store.transaction() as transaction:
        transaction.enqueue([Point(Metric("driftline.gone", "gauge", "1", "…"), (), 1.0, 1), point(1)], ())
    for _ in range(3):
        items, cursor = store.outbox.next("azure", 10)
    assert numbers(items) == [1.0]
    store.outbox.done("azure", cursor)
    assert store.outbox.take_lost() == Counter({("azure", "unknown_metric"): 1})
    assert store.outbox.take_lost() == Counter()


def test_each_sink_at_its_own_pace(store: Store) -> None:
    """In order, again until done, gone once all have taken it, points before the events of the same transaction."""
    send(store, 1, 2, events=(event(1),))
    send(store, 3)
    items, cursor = store.outbox.next("azure", 2)
    assert items == [(point(1), point(2))]
    assert store.outbox.next("azure", 2) == (items, cursor)
    assert store.outbox.lag("azure") == 4
    store.outbox.done("azure", cursor)
    assert store.outbox.lag("azure") == 2
    rest, cursor = store.outbox.next("azure", 100)
    assert rest == [event(1), (point(3),)]
    store.outbox.done("azure", cursor)
    assert store.outbox.next("azure", 100)[0] == []
    everything, cursor = store.outbox.next("json", 100)
    assert everything == [*items, *rest]
    store.outbox.done("json", cursor)
    assert (store.outbox.lag("azure"), store.outbox.lag("json")) == (0, 0)


def test_a_long_list_is_cut(store: Store) -> None:
    """Entries have a bounded size, and a limit smaller than an entry still moves on."""
    send(store, *range(2 * POINTS + 10))
    found = list[float]()
    while True:
        items, cursor = store.outbox.next("json", 1)
        if not items:
            break
        assert len(items) == 1
        found += numbers(items)
        store.outbox.done("json", cursor)
    assert found == list(range(2 * POINTS + 10))


def test_an_undone_transaction_sends_nothing(store: Store) -> None:
    """Points leave only with the checkpoint they belong to."""
    with pytest.raises(KeyError), store.transaction() as transaction:  # noqa: PT012  # the block is the transaction
        transaction.enqueue([point(1)], [event(1)])
        raise KeyError
    assert store.outbox.next("json", 10) == ([], 0)


def test_sinks_come_and_go(store: Store) -> None:
    """A new sink begins at the end, one that is gone holds nothing up, one that stays keeps its place; so after a restart."""
    send(store, 1)
    store.outbox.register(["azure", "new"])
    assert store.outbox.next("new", 10)[0] == []
    assert store.outbox.next("json", 10)[0] == []
    assert numbers(store.outbox.next("azure", 10)[0]) == [1.0]
    send(store, 2)
    assert numbers(store.outbox.next("new", 10)[0]) == [2.0]
    store.outbox.register([])
    send(store, 3)
    store.outbox.register(["azure"])
    assert store.outbox.lag("azure") == 0
    send(store, 4)
    assert numbers(store.outbox.next("azure", 10)[0]) == [4.0]


def test_bounded_by_size(tmp_path: Path) -> None:
    """The oldest go first and are counted for those who had not taken them; the newest stay."""
    database = Database(tmp_path / "store.sqlite")
    outbox = Outbox(database, max_bytes=20_000)
    outbox.register(["up", "down"])
    lost = Counter[tuple[str, str]]()
    for number in range(300):
        with database.writing() as connection:
            lost += outbox.append(connection, [point(number)], [], number)
        _, cursor = outbox.next("up", 10)
        outbox.done("up", cursor)
    kept = numbers(outbox.next("down", 1000)[0])
    assert 50 < len(kept) < 300
    assert kept == list(range(300 - len(kept), 300))
    assert lost == Counter({("down", "size"): 300 - len(kept)})
    assert outbox.lag("down") == len(kept)
    database.close()


def test_bounded_by_age(tmp_path: Path) -> None:
    """Two days of an outage are kept, the third is not."""
    now = [0]
    with Store(tmp_path / "store.sqlite", clock=lambda: now[0]) as store:
        store.outbox.register(["down"])
        for hour in range(72):
            now[0] = hour * HOUR
            send(store, hour, hour)
        assert numbers(store.outbox.next("down", 1000)[0]) == [float(hour) for hour in range(23, 72) for _ in range(2)]
        assert store.outbox.take_lost() == Counter({("down", "age"): 46})


def test_drained_while_it_fills(store: Store) -> None:
    """Two sinks in threads of their own get every point in order while the pipeline writes."""
    total = 120
    gathered: dict[str, list[float]] = {"azure": [], "json": []}
    failures = list[BaseException]()

    def drain(sink: str) -> None:
        try:
            while len(gathered[sink]) < total:
                items, cursor = store.outbox.next(sink, 7)
                if items:
                    gathered[sink] += numbers(items)
                    store.outbox.done(sink, cursor)
        except BaseException as failure:  # noqa: BLE001  # told by the test
            failures.append(failure)

    threads = [threading.Thread(target=drain, args=(sink,)) for sink in gathered]
    for thread in threads:
        thread.start()
    for number in range(total):
        send(store, number)
    for thread in threads:
        thread.join(60)
    assert not failures
    assert gathered == {"azure": list(range(total)), "json": list(range(total))}


def test_event_times_keep_their_moment() -> None:
    """An event decided in one time zone is the same moment in another."""
    found, _ = decode(encode(event(5)), KNOWN.get)
    assert isinstance(found, Event)
    assert found.time == datetime(2026, 3, 8, 17, 0, 5, 7, tzinfo=UTC)
