"""Takes the outbox to one sink: in order, at least once, with patience when the sink is down."""

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from math import inf
from typing import Literal

from agent.errors import Permanent, Transient
from agent.faults import place_of
from agent.point import Point
from agent.seldom import Seldom
from agent.series import Series
from agent.sinks import Sink
from agent.store.item import Item
from agent.store.outbox import Outbox
from alerts.event import Event
from detectors.catalog import AGENT_OUTBOX_DROPPED

_log = logging.getLogger(__name__)

_LONGEST = 3600.0
"""Seconds to wait at most, whatever the other side says."""
_TRIES = 5
"""Failures nobody foresaw before an entry is given up."""


class Delivery:
    """Run `drain` from a scheduled job. Points of one stretch go out together, then its events.

    A sink that refuses a stretch for good is then given its entries one by one, so that only the bad one is lost.
    """

    def __init__(
        self,
        name: str,
        sink: Sink,
        outbox: Outbox,
        series: Series,
        *,
        takes_points: bool = True,
        takes_events: bool = True,
        chunk: int = 5000,
        monotonic: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self._sink = sink
        self._outbox = outbox
        self._series = series
        self._takes_points = takes_points
        self._takes_events = takes_events
        self._chunk = chunk
        self._monotonic = monotonic
        self._jitter = jitter
        self._seldom = Seldom(monotonic=monotonic)
        self._busy = threading.Lock()
        self._failures = 0
        self.not_before = -inf
        """When the sink is asked again, on the monotonic clock."""
        self._until = inf
        self._narrow = 0
        """Up to this cursor entries go one by one."""
        self._taken = 0
        """Cursor of what the sink took and the outbox does not know yet."""

    def drain(self) -> None:
        """Deliver until the outbox is empty for this sink or the sink says wait. Raises nothing a sink may raise."""
        if self._busy.acquire(blocking=False):
            try:
                self._drain()
            finally:
                self._busy.release()

    def _drain(self) -> None:
        try:
            while self.not_before <= self._monotonic() < self._until:
                # The store may have been busy or full: what is delivered must not be delivered again.
                self._note()
                items, cursor = self._outbox.next(self.name, 1 if self._narrow else self._chunk, points=self._takes_points)
                outcome = self._deliver(items, cursor) if cursor else "wait"
                if outcome == "wait":
                    return
                if outcome == "done":
                    self._taken = cursor
                    self._narrow = 0 if cursor >= self._narrow else self._narrow
                    self._note()
        except Transient as error:
            self._back_off(error)

    def finish(self, seconds: float) -> None:
        """Deliver what can be delivered in that time; the rest waits for the next start."""
        self._until = self._monotonic() + seconds
        self.drain()

    def stop(self) -> None:
        """Let a `drain` that runs in another thread end after its present write."""
        self._until = -inf

    def close(self) -> None:
        """Let the sink go, unless a write hangs in it."""
        if self._busy.acquire(blocking=False):
            self._sink.close()

    def _note(self) -> None:
        if self._taken:
            self._outbox.done(self.name, self._taken)
            self._taken = 0

    def _deliver(self, items: Sequence[Item], cursor: int) -> Literal["done", "again", "wait"]:
        """Return whether these entries are done with (taken, or given up), go again one by one, or have to wait."""
        points, events = self._wanted(items)
        try:
            refused: Sequence[int] = self._sink.write(points, events) if points or events else ()
        except Transient as error:
            self._back_off(error)
            return "wait"
        except Exception as error:  # noqa: BLE001 - whatever a sink raises, it must not keep the others' turn
            if len(items) > 1:
                self._narrow = cursor
                return "again"
            reason = str(error) if isinstance(error, Permanent) else f"{type(error).__name__} at {place_of(error)}"
            if not isinstance(error, Permanent) and self._failures < _TRIES:
                self._back_off(Transient(reason))
                return "wait"
            _log.error("sink %s refused %d points and %d events for good: %s", self.name, len(points), len(events), reason)
            self._lose(len(points) + len(events))
        else:
            self._lose(len(refused))
        self._failures = 0
        if self._seldom.over("down"):
            _log.info("sink %s: takes again", self.name)
        return "done"

    def _wanted(self, items: Sequence[Item]) -> tuple[list[Point], list[Event]]:
        points: list[Point] = []
        events: list[Event] = []
        for item in items:
            if isinstance(item, Event):
                # A score of one answer is a measurement: nobody is notified of it, and nothing is called for it.
                if self._takes_events and (self._takes_points or item.kind != "evaluation"):
                    events.append(item)
            elif self._takes_points:
                points.extend(item)
        return points, events

    def _lose(self, items: int) -> None:
        self._series.add(AGENT_OUTBOX_DROPPED, items, sink=self.name, reason="refused")

    def _back_off(self, error: Transient) -> None:
        self._failures += 1
        # Full jitter (AWS architecture blog, "Exponential backoff and jitter"), 1 s doubling to 5 min.
        wait = error.retry_after
        if wait is None or not wait >= 0:
            wait = self._jitter() * min(300.0, 2.0 ** min(self._failures, 9))
        wait = min(wait, _LONGEST)
        self.not_before = self._monotonic() + wait
        if self._seldom.may("down"):
            _log.warning("sink %s: %s; trying again in %.0f s", self.name, error, wait)
