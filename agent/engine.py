"""The thread that turns the spool into effects and saves them: frames in order, one transaction a stretch."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime

from agent.checkpoint import save
from agent.clock import to_nanoseconds
from agent.errors import DriftlineError
from agent.increments import Increments
from agent.pipeline import Pipeline
from agent.point import Point
from agent.series import Series
from agent.sources import Clock
from agent.spool.position import Position
from agent.spool.spool import Spool
from agent.store.store import Store
from detectors.catalog import AGENT_DROPPED, AGENT_HEARTBEAT, AGENT_OUTBOX_DROPPED, AGENT_OUTBOX_LAG, AGENT_SPOOL_SIZE, AGENT_WINDOW_AGE
from detectors.types import Plain

_log = logging.getLogger(__name__)

_READ = 8 * 1024 * 1024
_SAVE_EVERY = 2.0
"""Seconds between checkpoints while records come in; a closed window or an event is saved at once."""
_LOOK = 0.5
"""Seconds between looks at the clock while nothing comes in."""


class Engine:
    """Owns the pipeline and the writing side of the store. Other threads talk to it through `tick` and `points`."""

    def __init__(
        self,
        pipeline: Pipeline,
        spool: Spool,
        store: Store,
        own: Series,
        clock: Clock,
        *,
        position: Position,
        increments: Increments,
        sinks: Sequence[str],
        prepare: Callable[[], None],
    ) -> None:
        """`prepare` runs first in the engine's thread: what may take minutes and must not keep senders waiting."""
        self.pipeline = pipeline
        self._spool = spool
        self._store = store
        self._own = own
        self._clock = clock
        self._position = position
        self._increments = increments
        self._sinks = tuple(sinks)
        self._prepare = prepare
        self._requests: queue.SimpleQueue[tuple[Callable[[], None], Future[None]]] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._cursors: dict[str, Plain] = {}
        self._corrupt = 0
        self._unsaved = False
        self._saved_at = 0.0

    def start(self) -> None:
        """Begin to read the spool."""
        self._thread.start()

    def stop(self) -> None:
        """Read what is in the spool, save, and end."""
        self._stopping.set()
        self._thread.join()

    def tick(self) -> None:
        """Send counters, heartbeat and alert states; returns when they are in the outbox. From any other thread."""
        done: Future[None] = Future()
        self._requests.put((self._beat, done))
        done.result(timeout=60)

    def points(self) -> list[Point]:
        """Return everything there is to show now, cumulative, for a scrape."""
        now = self._clock.now()
        return [*self.pipeline.series.points(now), *self._own.points(now), *self._present(now)]

    def _run(self) -> None:
        self._guarded(self._prepare)
        while True:
            busy = self._guarded(self._stretch)
            if self._stopping.is_set() and not busy:
                self._guarded(self._save)
                return

    def _guarded(self, work: Callable[[], object]) -> bool:
        """Do some work; a failure is told, and the next round may go well: what is in the spool stays there."""
        try:
            return bool(work())
        except DriftlineError as error:
            _log.error("%s", error)
        except Exception:  # noqa: BLE001 - whatever it is
            _log.exception("the engine stumbled and goes on")
        self._stopping.wait(1.0)
        return False

    def _stretch(self) -> bool:
        """Do one round; return whether there was anything to read."""
        if not self._stopping.is_set():
            self._spool.wait(self._position, _LOOK if self._requests.empty() else 0.0)
        frames, self._position = self._spool.read(self._position, _READ)
        for frame in frames:
            self.pipeline.absorb(frame)
            if frame.cursor is not None:
                self._cursors[frame.source] = frame.cursor
        self._unsaved = self._unsaved or bool(frames)
        self.pipeline.advance()
        while not self._requests.empty():
            request, done = self._requests.get()
            try:
                request()
            except Exception as error:
                done.set_exception(error)
                raise
            done.set_result(None)
        if self.pipeline.has_effects or (self._unsaved and time.monotonic() - self._saved_at >= _SAVE_EVERY):
            self._save()
        return bool(frames)

    def _beat(self) -> None:
        now = self._clock.now()
        for (sink, reason), lost in self._store.outbox.take_lost().items():
            self._own.add(AGENT_OUTBOX_DROPPED, lost, sink=sink, reason=reason)
        corrupt, self._corrupt = self._spool.corrupt - self._corrupt, self._spool.corrupt
        self._own.add(AGENT_DROPPED, corrupt, source="spool", reason="corrupt_frame")
        cumulative = [point for point in (*self.pipeline.series.points(now), *self._own.points(now)) if point.metric.kind != "gauge"]
        present = self._present(now)
        self.pipeline.emit([*self._increments.take(cumulative), *present])

    def _present(self, now: datetime) -> list[Point]:
        """Return the gauges that are computed when somebody looks, and gone with the process."""
        moment = to_nanoseconds(now)
        found = [
            Point(AGENT_HEARTBEAT, (), 1.0, moment),
            Point(AGENT_SPOOL_SIZE, (), float(self._spool.size), moment),
        ]
        found += [
            Point(AGENT_WINDOW_AGE, (("endpoint", name),), (moment - seen) / 1e9, moment)
            for name, seen in list(self.pipeline.arrivals.items())
        ]
        found += [Point(AGENT_OUTBOX_LAG, (("sink", name),), float(self._store.outbox.lag(name)), moment) for name in self._sinks]
        found += self.pipeline.changes.present(now)
        found += self.pipeline.alerting.present(now)
        return found

    def _save(self) -> None:
        save(self._store, self.pipeline, self._own, self._increments, self._position, self._cursors)
        self._cursors = {}
        self._spool.release(self._position)
        self._unsaved = False
        self._saved_at = time.monotonic()
