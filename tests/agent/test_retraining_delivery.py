"""From the outbox to a receiver on the wire: at least once, always under the same key, in nobody's way."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zlib import compress

import pytest

from agent.delivery import Delivery
from agent.errors import Transient
from agent.plain import pack
from agent.point import Point
from agent.secret import Secret
from agent.series import Series
from agent.store.item import decode
from agent.store.store import Store
from agent.triggers import Triggered
from agent.triggers.cloud_event import cloud_event
from agent.triggers.event_grid import EventGrid
from agent.triggers.webhook import Webhook
from alerts.event import Event
from detectors.catalog import DATA_ROWS
from tests.fakes.receiver import Receiver

NOW = datetime(2026, 3, 4, tzinfo=UTC)
STREAM = {"endpoint": "model", "deployment": "blue", "traffic": "live"}
NAMES = ("retraining/model", "retraining/other")


def request(key: str, endpoint: str = "model") -> Event:
    where = {**STREAM, "endpoint": endpoint}
    return Event(key, "change", "retraining", "requested", "information", NOW, NOW, where, data={"version": 1})


@dataclass
class Clock:
    """A monotonic clock that is set by hand."""

    time: float = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.time


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An outbox with the triggers of two endpoints."""
    with Store(tmp_path / "store.sqlite") as opened:
        opened.outbox.register(NAMES)
        yield opened


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver on loopback."""
    with Receiver().serve() as served:
        yield served


def delivery(store: Store, receiver: Receiver, clock: Clock | None = None, endpoint: str = "model", timeout: float = 10.0) -> Delivery:
    sink = Triggered(endpoint, Webhook(Secret(receiver.url), timeout=timeout)).open()
    return Delivery(
        f"retraining/{endpoint}", sink, store.outbox, Series(), takes_points=False, monotonic=clock or Clock(), jitter=lambda: 1.0
    )


def queue(store: Store, *events: Event) -> None:
    with store.transaction() as transaction:
        transaction.enqueue([Point(DATA_ROWS, tuple(sorted(STREAM.items())), float(number), 1) for number in range(700)], events)


def test_only_its_own_requests_are_called_for(store: Store, receiver: Receiver) -> None:
    """Points, alerts, changes and the requests of other endpoints pass by; each trigger is done with all of it."""
    alert = Event("alert", "alert", "drift", "fired", "page", NOW, NOW, STREAM)
    change = Event("change", "change", "model", "changed", "information", NOW, NOW, STREAM)
    queue(store, alert, request("a"), change, request("b", "other"))

    for endpoint in ("model", "other"):
        delivery(store, receiver, endpoint=endpoint).drain()

    assert receiver.keys == ["a", "b"]
    assert receiver.bodies == [cloud_event(request("a")), cloud_event(request("b", "other"))]
    assert [store.outbox.lag(name) for name in NAMES] == [0, 0]


def test_a_receiver_that_is_down_is_called_later(store: Store, receiver: Receiver) -> None:
    """503, then an answer that never comes, then 202: one request, under one key, taken twice by the other side at most."""
    receiver.statuses = [503, 0]
    clock = Clock()
    one = delivery(store, receiver, clock, timeout=0.2)
    queue(store, request("a"))

    for _ in range(3):
        one.drain()
        clock.time += 600
    queue(store)
    one.drain()

    assert receiver.keys == ["a", "a"]
    assert store.outbox.lag("retraining/model") == 0


def test_an_answer_in_drips_does_not_hold_a_request_for_ever() -> None:
    """Every letter is in time and the answer never ends: it is cut off, as one that is tried again."""
    over = threading.Event()

    def drip(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            while not over.wait(0.02):
                connection.sendall(b"a")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=lambda: drip(server.accept()[0]), daemon=True)
        thread.start()
        trigger = Webhook(Secret(f"http://127.0.0.1:{server.getsockname()[1]}/"), timeout=0.1).open()
        try:
            with pytest.raises(Transient, match="cannot be reached"):
                trigger.call(request("key-1"))
        finally:
            over.set()
            thread.join()


def test_one_endpoint_s_broken_receiver_holds_up_no_other(store: Store, receiver: Receiver) -> None:
    """Each has its own place in the outbox."""
    queue(store, request("a"), request("b", "other"))
    with Receiver(statuses=[503] * 9).serve() as broken:
        delivery(store, broken).drain()
    delivery(store, receiver, endpoint="other").drain()

    assert receiver.keys == ["b"]
    assert store.outbox.lag("retraining/model") > 0


def test_what_was_sent_and_not_noted_is_sent_again_under_its_key(store: Store, receiver: Receiver, tmp_path: Path) -> None:
    """A process that dies before the answer leaves the request in the outbox: the next one calls with the same key and body."""
    receiver.statuses = [0]
    queue(store, request("a"))
    delivery(store, receiver, timeout=0.2).drain()
    store.close()

    with Store(tmp_path / "store.sqlite") as opened:
        opened.outbox.register(NAMES)
        delivery(opened, receiver).drain()

    assert receiver.keys == ["a", "a"]
    assert receiver.bodies[0] == receiver.bodies[1]


def test_a_refused_request_is_given_up_and_the_next_goes(store: Store, receiver: Receiver) -> None:
    """410, the receiver is gone for good: counted, and no later request waits behind it."""
    receiver.statuses = [410, 410]
    queue(store, request("a"))
    queue(store, request("b"))
    series = Series()
    sink = Triggered("model", Webhook(Secret(receiver.url))).open()

    Delivery("retraining/model", sink, store.outbox, series, takes_points=False, monotonic=Clock()).drain()

    assert receiver.keys == ["b"]
    (lost,) = [point for point in series.totals(NOW) if point.metric.name == "driftline.agent.outbox.dropped"]
    assert (lost.value, dict(lost.attributes)) == (1, {"sink": "retraining/model", "reason": "refused"})


def test_event_grid_s_batch_over_a_real_connection(store: Store, receiver: Receiver) -> None:
    """The same path with the other trigger: a list of one event, and the key in its header."""
    queue(store, request("a"))
    topic = receiver.url.partition("/hook")[0] + "/api/events"
    sink = Triggered("model", EventGrid(topic, Secret("abc="))).open()

    Delivery("retraining/model", sink, store.outbox, Series(), takes_points=False, monotonic=Clock()).drain()
    sink.close()

    sent: list[Any] = [*receiver.bodies]
    assert sent == [[cloud_event(request("a"))]]
    assert receiver.headers[0]["aeg-sas-key"] == "abc="
    assert receiver.headers[0]["content-type"] == "application/cloudevents-batch+json; charset=utf-8"


def test_an_entry_of_an_older_driftline_is_still_read() -> None:
    """Events had no data before: they have none."""
    older = request("a")
    kept = ["event", ["a", "change", "retraining", "requested", "information", NOW.isoformat(), NOW.isoformat(), dict(STREAM), {}, {}, ""]]

    assert decode(compress(pack(kept)), lambda _name: None) == (replace(older, data={}), 0)


def test_runs_of_points_are_not_even_read(store: Store) -> None:
    """Who takes no points is handed events alone, and a cursor behind everything."""
    queue(store, request("a"))

    items, cursor = store.outbox.next("retraining/model", 10_000, points=False)

    assert items == [request("a")]
    assert cursor == store.outbox.next("retraining/model", 10_000)[1]
