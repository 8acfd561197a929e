"""From frames to effects: joins, deduplicates, counts into windows, closes them, judges them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from agent.alerting import Alerting
from agent.aside_log import AsideLog
from agent.beginnings import Beginnings
from agent.changes import Changes
from agent.clock import from_nanoseconds, to_nanoseconds
from agent.cold_starts import ColdStarts
from agent.config import Config, Endpoint
from agent.config_hash import config_hash
from agent.effects import ClosedWindow, Effects
from agent.event_times import timed
from agent.faults import Faults
from agent.joins import Join, Joins
from agent.judged import Judges
from agent.labels.realised import Realised
from agent.names import harmless
from agent.point import Point
from agent.retraining import Requests
from agent.series import Series
from agent.sources import Clock
from agent.sources.otlp.count_join import CountJoin
from agent.sources.otlp.points import records
from agent.splitting import Splitter, fresh
from agent.spool.frame import Frame
from agent.store.dedup import RecentIds
from agent.stream import StreamWindows
from agent.upstream.weighing import Upstream
from agent.window_log import WindowLog
from agent.windowing import in_turn, window_starts
from alerts.event import Event
from detectors.catalog import AGENT_DROPPED, AGENT_LATE, AGENT_RECEIVED, AGENT_WINDOW_AGE, LABELS_RECEIVED
from detectors.drift.accepting import shelved
from detectors.types import Batch, Plain, Score, Stream, Window
from detectors.usage.tools import TOOLS

if TYPE_CHECKING:
    from agent.labels.late import LateLabels

_LOOK = 500_000_000
"""Nanoseconds between looks for what only time brings."""
_JUDGE = 10_000_000_000
"""Nanoseconds between looks for windows with new labels."""
_LISTEN = 5_000_000_000
"""Nanoseconds between looks for endpoints that went silent."""


class Pipeline:
    """Everything of one process; used from one thread. `real_time` closes windows by the clock when traffic stops.

    What frames lead to depends on the frames and their times of arrival alone, not on when they are read: after a crash,
    or an hour behind a reference that took long to build, the same comes out.
    """

    def __init__(
        self,
        config: Config,
        clock: Clock,
        series: Series,
        *,
        joins: Sequence[Join],
        counts: CountJoin,
        recent: RecentIds,
        alerting: Alerting,
        changes: Changes,
        references: Mapping[str, Plain],
        origins: Mapping[str, int],
        real_time: bool,
        upstream: Upstream | None = None,
        late: "LateLabels | None" = None,
    ) -> None:
        """`late` joins labels with answers; None: nobody expects labels, and those that come are only counted."""
        self.config = config
        self.late = late
        self.series = series
        self.recent = recent
        self.alerting = alerting
        self.changes = changes
        self.retraining = Requests(self._endpoint, series, changes.answering)
        self.streams: dict[Stream, StreamWindows] = {}
        self.arrivals: dict[str, int] = {}
        """Endpoint to the time its newest record came in, nanoseconds of the clock."""
        self.beginnings = Beginnings(dict(references))
        """Which references streams start from now."""
        self.joins = joins
        self.counts = counts
        self.cold_starts = ColdStarts()
        self.upstream = upstream or Upstream(self._endpoint)
        self.faults = Faults(series)
        self._joining = Joins((counts, *joins), self.faults)
        self._effects = Effects()
        self._clock = clock
        self._origins = origins
        self._real_time = real_time
        self._splitter = Splitter()
        self._fingerprints: dict[str, str] = {}
        self._log = WindowLog()
        self._aside_log = AsideLog()
        self.keep_texts: Callable[[ClosedWindow], None] | None = None
        """Told of closed windows before judges are: the texts of their samples stay on disk."""
        self.judges: Sequence[Judges] = ()
        """Where closed windows go whose answers are judged."""
        self.spent: dict[str, Plain] = {}
        """What judging took, by key of the store."""
        self._began: int | None = None
        self._looked = self._listened = -_LISTEN
        self._judged = -_JUDGE
        self._newest: dict[tuple[Stream, str], datetime] = {}

    def absorb(self, frame: Frame) -> None:
        """Count one frame."""
        self.advance(frame.received)
        batch = frame.batch
        if batch is None or not batch.rows:
            return
        self.series.add(AGENT_RECEIVED, records(batch), source=frame.source)
        if batch.kind == "labels":
            if self.late is None:
                self.series.add(LABELS_RECEIVED, batch.rows, endpoint=harmless(batch.endpoint), outcome="not_expected")
            else:
                self.late.take(batch, frame.received)
            return
        for part in self._joining.push(frame, batch):
            self._count(part, frame.source, frame.received)

    def advance(self, now: int) -> None:
        """Do what only time brings: give up waiting for missing pieces, close quiet windows, notice silence.

        `now` in nanoseconds: the arrival of the next frame, or the clock where no frame is left.
        """
        if abs(now - self._looked) < _LOOK:
            return
        self._looked = now
        self._let_go(now / 1e9, now)
        if not self._real_time:
            return
        for stream, windows in list(self.streams.items()):
            lateness = _nanoseconds(self._endpoint(stream.endpoint).allowed_lateness)
            if now - windows.arrived >= lateness:
                self._close(windows, now - lateness)
        if abs(now - self._judged) >= _JUDGE:
            self._judged = now
            self.judge_labels(now)
        if self._began is None:
            self._began = now
        if abs(now - self._listened) >= _LISTEN:
            self._listened = now
            # Nobody was listening before this process began: its own absence is no silence of theirs.
            ages = {name: timedelta(microseconds=(now - max(seen, self._began)) // 1000) for name, seen in self.arrivals.items()}
            try:
                self.tell(self.alerting.silence(AGENT_WINDOW_AGE, ages, from_nanoseconds(now)))
                for judges in self.judges:
                    self.tell(self.alerting.silence(judges.lag, judges.lags(), from_nanoseconds(now)))
            except Exception as error:  # noqa: BLE001 - whatever it is, records are counted
                self.faults.tell("silence", "", 1, error)

    def flush(self) -> None:
        """Close every window there is: the end of a replay."""
        self._let_go(float("inf"), to_nanoseconds(self._clock.now()))
        for windows in list(self.streams.values()):
            self._close(windows, np.iinfo(np.int64).max, cut=True)

    def settle(self, now: int) -> None:
        """Close every window that has ended by `now`, without waiting for rows that may still come: nobody listens from here on."""
        self._let_go(float("inf"), now)
        for windows in list(self.streams.values()):
            self._close(windows, now)

    def refer(self, beginnings: Beginnings, origins: Mapping[str, int]) -> None:
        """Give streams that begin from now on their references."""
        self.beginnings = beginnings
        self._origins = origins

    def begin_again(self, stream: Stream, name: str) -> None:
        """Give a living stream's detector the reference it would begin from now; its alerts resolve once a window is clear."""
        windows = self.streams.get(stream)
        if windows is not None and name in windows.detectors:
            state = shelved(windows.detectors[name].restore(self.beginnings.state(stream, name)), windows.states[name])
            windows.take_up(name, state)
            self.alerting.ease(stream)
            self.retraining.forget(stream)

    @property
    def has_effects(self) -> bool:
        """Whether anything waits to be saved besides counters."""
        return bool(self._effects)

    def put_back(self, effects: Effects) -> None:
        """Give back effects that could not be saved; they come before what was gathered since."""
        since, self._effects = self._effects, effects
        for name in ("windows", "points", "events", "audits", "realised"):
            getattr(effects, name).extend(getattr(since, name))

    def emit(self, points: Sequence[Point]) -> None:
        """Add points to what is saved next."""
        self._effects.points.extend(points)

    def take_effects(self) -> Effects:
        """Return what was gathered since the last call."""
        taken, self._effects = self._effects, Effects()
        return taken

    def _endpoint(self, name: str) -> Endpoint:
        return self.config.endpoints.get(name) or Endpoint(name)

    def _let_go(self, now: float, received: int) -> None:
        for batch in self._joining.due(now):
            self._count(batch, "join", received)

    def _count(self, batch: Batch, source: str, received: int) -> None:
        endpoint = self._endpoint(batch.endpoint)
        try:
            self._count_rows(endpoint, batch, source, received)
        except Exception as error:  # noqa: BLE001 - whatever it is, one endpoint's fault must not stop another's scores
            self.faults.tell(source, endpoint.name, batch.rows, error)

    def _count_rows(self, endpoint: Endpoint, batch: Batch, source: str, received: int) -> None:
        if batch.kind != "conversations":
            # That one fell silent is no sign of life.
            self.arrivals[endpoint.name] = received
        batch, times = timed(batch, received, self.series, self._origins.get(endpoint.name), real_time=self._real_time)
        if batch.rows == 0:
            return
        starts = window_starts(times, endpoint.window, endpoint.timezone)
        if batch.kind != "rows":
            self._count_some(endpoint, batch, times, starts, source, received)
            return
        # A chunk of a file may hold months: what its first windows teach is there when the next is counted, however it was cut.
        for rows in in_turn(starts):
            some = (batch, times, starts) if rows is None else (batch.take(rows), times[rows], starts[rows])
            self._count_some(endpoint, *some, source, received)

    def _count_some(
        self, endpoint: Endpoint, batch: Batch, times: NDArray[np.int64], starts: NDArray[np.int64], source: str, received: int
    ) -> None:
        parts = list(self._splitter.parts(batch, self.recent))
        doubled = sum(len(part.doubled) for part in parts)
        if doubled:
            self.series.add(AGENT_DROPPED, doubled, source=source, reason="duplicate")
        self.tell(self.changes.observe(endpoint, *fresh(batch, times, parts, doubled)))
        lateness = _nanoseconds(endpoint.allowed_lateness)
        for stream, rows, again in parts:
            part, part_times, part_starts = (batch, times, starts) if rows is None else (batch.take(rows), times[rows], starts[rows])
            part = self.upstream.weigh(stream, part, part_times, received)
            part = self.cold_starts.mark(stream, part, part_times, endpoint.cold_start)
            windows = self.streams.get(stream) or self.open_stream(stream, {})
            totals, late = windows.absorb(part, part_starts, part_times, received, starts[again])
            self.series.absorb(totals, stream._asdict())
            if self.late is not None:
                self.late.remember(stream, part, part_starts, received)
            if late:
                self.series.add(AGENT_LATE, late, endpoint=endpoint.name)
            self._close(windows, windows.watermark - lateness)

    def fingerprint(self, endpoint: str) -> str:
        """Return the hash of what decides an endpoint's scores."""
        if endpoint not in self._fingerprints:
            self._fingerprints[endpoint] = config_hash(self._endpoint(endpoint))
        return self._fingerprints[endpoint]

    def open_stream(self, stream: Stream, saved: Mapping[str, Plain]) -> StreamWindows:
        """Start or restore a stream; `saved` are detector states by component id, of which unreadable ones begin anew."""
        endpoint = self._endpoint(stream.endpoint)
        self._splitter.know(stream)
        kin = [other for other in self.streams if other.endpoint == stream.endpoint and other != stream]
        # The alarm budget is the endpoint's: its streams share it.
        detectors = self.beginnings.watchers(endpoint, 1 + sum(other.deployment != TOOLS for other in kin))
        states: dict[str, Any] = {}
        for name, detector in detectors.items():
            reference = self.beginnings.state(stream, name)
            try:
                states[name] = detector.restore(saved.get(name, reference))
            except Exception as error:  # noqa: BLE001 - a state of another version, or a damaged one
                self.faults.tell(name, endpoint.name, 1, error)
                states[name] = detector.restore(reference if name in saved else None)
        fault = partial(self._fault, endpoint.name)
        windows = StreamWindows(
            stream, detectors, states, endpoint.window, endpoint.timezone, endpoint.keep_rows, fault, keep_calls=endpoint.sampled
        )
        self.streams[stream] = windows
        for other in kin:
            self.streams[other].detectors = detectors
        return windows

    def _fault(self, endpoint: str, name: str, rows: int, error: Exception) -> None:
        self.faults.tell(name, endpoint, rows, error)

    def _close(self, windows: StreamWindows, until: int, *, cut: bool = False) -> None:
        for start in windows.due(until):
            try:
                closed = windows.close(start, cut=cut)
                if closed is not None:
                    self._publish(closed)
            except Exception as error:  # noqa: BLE001 - whatever it is, the other windows are judged
                self.faults.tell("window", windows.stream.endpoint, 1, error)

    def _publish(self, closed: ClosedWindow) -> None:
        if self.late is not None:
            closed = self.late.closed(closed)
        end = closed.window.end
        length = end - closed.window.start
        # A value holds until the window after the next should have brought a new one; then it is stale.
        until = max(end, self._clock.now()) + 2 * length
        self._effects.windows.append(closed)
        self._set(closed.stream, closed.window, closed.scores, until)
        self._log.tell(closed)
        self._aside_log.tell(closed.stream.endpoint, self.streams[closed.stream].states)
        self.tell(self.alerting.judge(closed))
        self.tell(self.retraining.judge(closed))
        if self.keep_texts is not None:
            self.keep_texts(closed)
        for judges in self.judges:
            judges.offer(closed)

    def judged(self, stream: Stream, window: Window, scores: Sequence[Score]) -> None:
        """Show what a judge says of a window that closed before."""
        self._told(ClosedWindow(stream, window, 0, tuple(scores), (), {}), self._clock.now() + 2 * (window.end - window.start))

    def judge_labels(self, now: int) -> None:
        """Measure closed windows that have new labels; of each stream show the newest that has enough of them."""
        if self.late is None or self._effects.realised:
            # What was found before is not saved yet: the store would say the same again.
            return
        for name in self.config.endpoints:
            try:
                closed = {stream: windows.closed_until for stream, windows in self.streams.items() if stream.endpoint == name}
                for found in self.late.judge(name, closed, now, self.beginnings):
                    self._show(found)
            except Exception as error:  # noqa: BLE001 - whatever it is, the other endpoints are judged
                self.faults.tell("labels", name, 1, error)

    def _show(self, found: Realised) -> None:
        self._effects.realised.append(found)
        self.tell(self.retraining.labelled(found))
        expected = self._endpoint(found.stream.endpoint).labels
        if expected is None:
            return
        # Labels may come once a day or once a week: what they say holds as long as they are waited for.
        until = self._clock.now() + expected.max_age
        if found.newest is not None:
            window, scores = found.newest
            self._latest("errors", ClosedWindow(found.stream, window, 0, scores, (), {}), until)
        if found.moved is not None:
            moved = found.moved
            self._latest("mix", ClosedWindow(found.stream, moved.window, 0, moved.scores, moved.findings, {}), until)

    def _latest(self, what: str, closed: ClosedWindow, until: datetime) -> None:
        """Tell what labels say of a window, unless the same was told of a later one already."""
        if closed.window.end >= self._newest.get((closed.stream, what), closed.window.end):
            self._newest[closed.stream, what] = closed.window.end
            self._told(closed, until)
            self._log.tell(closed)

    def _told(self, closed: ClosedWindow, until: datetime) -> None:
        """Show and judge what is said of a window that closed before."""
        self._set(closed.stream, closed.window, closed.scores, until)
        self.tell(self.alerting.judge(closed))

    def _set(self, stream: Stream, window: Window, scores: Sequence[Score], until: datetime) -> None:
        common, time = stream._asdict(), to_nanoseconds(window.end)
        for score in scores:
            if isfinite(score.value):
                attributes = self.series.set(score.metric, score.value, window.end, until, **common, **score.attributes)
                self._effects.points.append(Point(score.metric, attributes, score.value, time))

    def tell(self, events: Iterable[Event]) -> None:
        """Add events, and the records of why, to what is saved next."""
        self._effects.events.extend(events)
        self._effects.audits.extend((*self.alerting.take_audits(), *self.retraining.take_audits()))


def _nanoseconds(span: timedelta) -> int:
    return span // timedelta(microseconds=1) * 1000
