"""The thread that turns the spool into effects and saves them: frames in order, one transaction a stretch."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from agent.checkpoint import save
from agent.clock import to_nanoseconds
from agent.errors import DriftlineError, Unavailable
from agent.faults import place_of
from agent.gathering import gathered
from agent.heap import give_back
from agent.increments import Increments
from agent.pipeline import Pipeline
from agent.point import Point
from agent.references import References, Stopped
from agent.seldom import Seldom
from agent.series import Series
from agent.sources import Clock
from agent.spool.position import Position
from agent.spool.spool import Spool
from agent.store.store import Store
from detectors.catalog import AGENT_DROPPED, AGENT_HEARTBEAT, AGENT_OUTBOX_DROPPED, AGENT_OUTBOX_LAG, AGENT_SPOOL_SIZE, AGENT_WINDOW_AGE
from detectors.types import Plain

_log = logging.getLogger(__name__)

T = TypeVar("T")

_READ = 8 * 1024 * 1024
_SAVE_EVERY = 2.0
"""Seconds between checkpoints while records come in; a closed window or an event is saved at once."""
_GATHER = 0.1
"""Seconds in which small frames may become many: counting costs by the batch as long as batches are small."""
_SAVE_IDLE = 0.25
"""The same while nothing comes in: what was counted last is shown soon."""
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
        prepare: Callable[[Callable[[], bool]], References],
        begin: Callable[[References], None],
    ) -> None:
        """`prepare` may take minutes: it runs in a thread of its own while the heart beats, until what it is given says stop.

        `begin` then runs once in the engine's thread, before the first frame is read.
        """
        self.pipeline = pipeline
        self._spool = spool
        self._store = store
        self._own = own
        self._clock = clock
        self._position = position
        self._increments = increments
        self._sinks = tuple(sinks)
        self._prepare = prepare
        self._begin = begin
        self._requests: queue.SimpleQueue[tuple[Callable[[], object], Future[Any]]] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._started = False
        self._reading = False
        self._cursors: dict[str, Plain] = {}
        self._damage = {"corrupt_frame": 0, "torn_append": 0}
        """Places of the spool that could not be read, as they were last counted."""
        self._unsaved = False
        self._end = (position, 0.0)
        self._saved_at = 0.0
        self._saved = (-1, -1)
        self._totals = own.totals(clock.now())
        """Counters of the sources, as they were last saved."""
        self._recount = spool.end()
        self._recounted = False
        """Whether everything up to `_recount`, the end of the spool at the start, is counted."""
        self._seldom = Seldom()

    @property
    def alive(self) -> bool:
        """Whether the engine works, or has not been started yet."""
        return not self._started or self._thread.is_alive()

    @property
    def caught_up(self) -> bool:
        """Whether everything that is in the spool now was taken in. From any thread."""
        return self._position >= self._spool.end()

    def start(self) -> None:
        """Begin to read the spool."""
        self._started = True
        self._thread.start()

    def stop(self, seconds: float = 8.0) -> None:
        """Read what is in the spool now, save, and end; what that many seconds are not enough for is read at the next start."""
        self._end = (self._spool.end(), time.monotonic() + seconds)
        self._stopping.set()
        if self._started:
            self._thread.join()

    def tick(self, seconds: float = 60.0) -> None:
        """Send counters, heartbeat and alert states; returns when they are in the outbox. From any other thread.

        Raises TimeoutError when the engine has no time for it within so many seconds; then nothing is sent.
        """
        done: Future[None] = Future()
        self._requests.put((self._beat_and_save, done))
        try:
            done.result(seconds)
        except TimeoutError:
            done.cancel()
            raise

    def ask(self, work: Callable[[Pipeline], T], seconds: float = 60.0) -> T:
        """Do some work on the pipeline between two frames, and return what it gave; it is saved before the next. From any other thread.

        Raises what the work raised, Unavailable when the engine has no time for it; then nothing was done.
        """
        done: Future[T] = Future()
        self._requests.put((partial(self._asked, work), done))
        deadline = time.monotonic() + seconds
        while not done.done() and self.alive and time.monotonic() < deadline:
            wait([done], 0.5)
        if done.cancel():
            why = f"it is reading what waits in its spool, and had no time for it within {seconds:.0f} s" if self.alive else "it is ending"
            raise Unavailable(f"the agent did not do it: {why}; try again")
        return done.result()

    def points(self) -> list[Point]:
        """Return everything there is to show now, for a scrape. From any thread.

        No counter goes back after a crash: those of records are shown once everything that was in the spool at the start
        is counted again, those the sources keep as they were last saved.
        """
        now = self._clock.now()
        moment = to_nanoseconds(now)
        own = [replace(point, time=moment) for point in self._totals]
        series = self.pipeline.series.points(now) if self._recounted else self.pipeline.series.gauges(now)
        return [*series, *own, *self._own.gauges(now), *self._present(now)]

    def _run(self) -> None:
        if not self._prepared():
            return
        while True:
            busy = self._guarded(self._stretch)
            if self._stopping.is_set():
                end, deadline = self._end
                if not busy or self._position >= end or time.monotonic() > deadline:
                    self._guarded(self._save)
                    return

    def _prepared(self) -> bool:
        """Wait for the references, and begin; return whether that went well before the end. Nothing is read before it did."""
        while not self._stopping.is_set():
            ready: Future[References] = Future()
            threading.Thread(target=_fulfil, args=(ready, self._prepare, self._stopping.is_set), name="references", daemon=True).start()
            while not ready.done():
                if self._stopping.is_set() and time.monotonic() > self._end[1]:
                    return False
                self._guarded(self._idle)
            if self._guarded(partial(self._begun, ready)):
                return True
        return False

    def _begun(self, ready: Future[References]) -> bool:
        self._begin(ready.result())
        give_back()  # what building references and loading modules took on the way
        self._reading = True
        return True

    def _idle(self) -> None:
        self._answer()
        if self.pipeline.has_effects:
            self._save()
        self._stopping.wait(0.05)

    def _guarded(self, work: Callable[[], object]) -> bool:
        """Do some work; a failure is told, and the next round may go well: what is in the spool stays there."""
        try:
            return bool(work())
        except Stopped:
            return False
        except DriftlineError as error:
            if self._seldom.may(str(error)):
                _log.error("%s", error)
        except Exception as error:  # noqa: BLE001 - whatever it is
            place = f"{type(error).__name__} at {place_of(error)}"
            if self._seldom.may(place):
                _log.error("the engine stumbled and goes on: %s", place)
        self._stopping.wait(1.0)
        return False

    def _stretch(self) -> bool:
        """Do one round; return whether there was anything to read."""
        if self._unsaved:
            # The last save failed: nothing more is taken in before it succeeds, so that the spool fills and not the memory.
            self._save()
        if not self._stopping.is_set():
            self._spool.wait(self._position, _LOOK if self._requests.empty() else 0.0)
            if self._requests.empty():
                self._stopping.wait(_GATHER)
        frames, position = self._spool.read(self._position, _READ)
        for frame in gathered(frames):
            self.pipeline.absorb(frame)
        for frame in frames:
            if frame.cursor is not None:
                self._cursors[frame.source] = frame.cursor
        self._position = position
        if position >= self._spool.end():
            # Not before: the clock must not close windows whose rows wait in the spool.
            self.pipeline.advance(to_nanoseconds(self._clock.now()))
        self._recounted = self._recounted or position >= self._recount
        self._answer()
        changed = bool(self._cursors) or self._saved != (self.pipeline.series.version, self._own.version)
        pause = _SAVE_EVERY if frames else _SAVE_IDLE
        if self.pipeline.has_effects or (changed and time.monotonic() - self._saved_at >= pause):
            self._save()
        return bool(frames)

    def _answer(self) -> None:
        while not self._requests.empty():
            request, done = self._requests.get()
            if done.set_running_or_notify_cancel():
                _fulfil(done, request)

    def _asked(self, work: Callable[[Pipeline], T]) -> T:
        if not self._reading:
            raise Unavailable("the agent is still building its references; try again once its log says nothing more of them")
        found = work(self.pipeline)
        self._unsaved = True
        return found

    def _beat_and_save(self) -> None:
        self._beat()
        self._save()

    def _beat(self) -> None:
        now = self._clock.now()
        for (sink, reason), lost in self._store.outbox.take_lost().items():
            self._own.add(AGENT_OUTBOX_DROPPED, lost, sink=sink, reason=reason)
        damage = {"corrupt_frame": self._spool.corrupt, "torn_append": int(self._spool.cut > 0)}
        for reason, places in damage.items():
            self._own.add(AGENT_DROPPED, places - self._damage[reason], source="spool", reason=reason)
        self._damage = damage
        present = self._present(now)
        self.pipeline.emit([*self._increments.take(self._counted(now)), *present])

    def _counted(self, now: datetime) -> list[Point]:
        return [*self.pipeline.series.totals(now), *self._own.totals(now)]

    def _present(self, now: datetime) -> list[Point]:
        """Return the gauges that are computed when somebody looks, and gone with the process."""
        moment = to_nanoseconds(now)
        found = [
            Point(AGENT_HEARTBEAT, (), 1.0, moment),
            Point(AGENT_SPOOL_SIZE, (), float(self._spool.size), moment),
        ]
        found += [
            Point(AGENT_WINDOW_AGE, (("endpoint", name),), max(moment - seen, 0) / 1e9, moment)
            for name, seen in list(self.pipeline.arrivals.items())
        ]
        found += [Point(AGENT_OUTBOX_LAG, (("sink", name),), float(self._store.outbox.lag(name)), moment) for name in self._sinks]
        found += self.pipeline.changes.present(now)
        found += self.pipeline.alerting.present(now)
        return found

    def _save(self) -> None:
        now = self._clock.now()
        versions, totals = (self.pipeline.series.version, self._own.version), self._own.totals(now)
        self._unsaved = True
        save(self._store, self.pipeline, self._own, self._increments, self._position, self._cursors)
        self._unsaved = False
        self._cursors = {}
        self._spool.release(self._position)
        self._saved, self._totals = versions, totals
        self._saved_at = time.monotonic()


def _fulfil(done: Future[Any], work: Callable[..., Any], *arguments: Any) -> None:
    """Do some work and tell who waits for it how it went."""
    try:
        done.set_result(work(*arguments))
    except Exception as error:  # noqa: BLE001 - it is raised where the result is asked for
        done.set_exception(error)
