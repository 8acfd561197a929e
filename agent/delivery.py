"""Takes the outbox to one sink: in order, at least once, with patience when the sink is down."""

import logging
import random
import time
from collections.abc import Callable, Sequence

from agent.errors import Permanent, Transient
from agent.point import Point
from agent.series import Series
from agent.sinks import Sink
from agent.store.outbox import Outbox
from alerts.event import Event
from detectors.catalog import AGENT_OUTBOX_DROPPED

_log = logging.getLogger(__name__)


class Delivery:
    """Run `drain` from a scheduled job. Points of one stretch go out together, then its events."""

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
        self._failures = 0
        self._not_before = 0.0

    def drain(self) -> None:
        """Deliver until the outbox is empty for this sink or the sink says wait. Raises nothing a sink may raise."""
        while self._monotonic() >= self._not_before:
            items, cursor = self._outbox.next(self.name, self._chunk)
            if not items:
                return
            points: list[Point] = []
            events: list[Event] = []
            for item in items:
                if isinstance(item, Event):
                    if self._takes_events:
                        events.append(item)
                elif self._takes_points:
                    points.extend(item)
            try:
                refused: Sequence[int] = self._sink.write(points, events) if points or events else ()
            except Transient as error:
                self._back_off(error)
                return
            except Permanent as error:
                _log.error("sink %s refused %d points and %d events for good: %s", self.name, len(points), len(events), error)
                self._series.add(AGENT_OUTBOX_DROPPED, len(points) + len(events), sink=self.name, reason="refused")
            else:
                self._series.add(AGENT_OUTBOX_DROPPED, len(refused), sink=self.name, reason="refused")
            self._failures = 0
            self._outbox.done(self.name, cursor)

    def _back_off(self, error: Transient) -> None:
        self._failures += 1
        # Full jitter (AWS architecture blog, "Exponential backoff and jitter"), 1 s doubling to 5 min.
        wait = error.retry_after if error.retry_after is not None else self._jitter() * min(300.0, 2.0 ** min(self._failures, 9))
        self._not_before = self._monotonic() + wait
        _log.warning("sink %s: %s; trying again in %.0f s", self.name, error, wait)

    def close(self) -> None:
        """Let the sink go."""
        self._sink.close()
