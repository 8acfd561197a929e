"""From frames to effects: joins, deduplicates, counts into windows, closes them, judges them."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from agent.alerting import Alerting
from agent.changes import Changes
from agent.clock import from_nanoseconds, to_nanoseconds
from agent.config import Config, Endpoint
from agent.config_hash import config_hash
from agent.effects import ClosedWindow, Effects
from agent.endpoint import detectors_of
from agent.point import Point
from agent.reference_log import ReferenceLog
from agent.series import OTHER, Series
from agent.sources import Clock
from agent.spool.frame import Frame
from agent.store.dedup import RecentIds
from agent.stream import StreamWindows
from agent.windowing import window_starts
from alerts.event import Event
from detectors.catalog import (
    AGENT_CLOCK_SKEW,
    AGENT_DROPPED,
    AGENT_LATE,
    AGENT_RECEIVED,
)
from detectors.types import Batch, Category, Plain, Stream

_log = logging.getLogger(__name__)

_AHEAD = timedelta(minutes=5)
"""How far in the future an event time may lie before it is taken for a wrong clock."""
_DEPLOYMENTS = 50
"""Deployments an endpoint may have; the rest share `__other__`."""
_TRAFFIC = ("live", "mirror", "canary", "batch")


class Join(Protocol):
    """Holds back what arrives in pieces until the pieces are together, or long enough."""

    def push(self, batch: Batch, now: float) -> Sequence[Batch]:
        """Take a batch in; return what is complete. `now` in seconds."""
        ...

    def due(self, now: float) -> Sequence[Batch]:
        """Return what waited long enough."""
        ...

    def plain(self) -> Plain:
        """Return what is held back, as data."""
        ...


class Pipeline:
    """Everything of one process; used from one thread. `real_time` closes windows by the clock when traffic stops."""

    def __init__(
        self,
        config: Config,
        clock: Clock,
        series: Series,
        *,
        joins: Sequence[Join],
        recent: RecentIds,
        alerting: Alerting,
        changes: Changes,
        references: Mapping[str, Plain],
        origins: Mapping[str, int],
        real_time: bool,
    ) -> None:
        self.config = config
        self.series = series
        self.recent = recent
        self.alerting = alerting
        self.changes = changes
        self.streams: dict[Stream, StreamWindows] = {}
        self.arrivals: dict[str, int] = {}
        """Endpoint to the time its newest record came in, nanoseconds of the clock."""
        self._effects = Effects()
        self._clock = clock
        self.joins = joins
        self._references = references
        self._origins = origins
        self._real_time = real_time
        self._deployments: dict[str, list[str]] = {}
        self._reported: set[str] = set()
        self._fingerprints: dict[str, str] = {}
        self._reference_log = ReferenceLog()

    def absorb(self, frame: Frame) -> None:
        """Count one frame."""
        batch = frame.batch
        if batch is None or not batch.rows:
            return
        self.series.add(AGENT_RECEIVED, batch.rows, source=frame.source)
        ready: list[Batch] = [batch]
        now = to_nanoseconds(self._clock.now()) / 1e9
        for join in self.joins:
            ready = [done for part in ready for done in join.push(part, now)]
        for part in ready:
            self._count(part, frame.source, frame.received)

    def advance(self) -> None:
        """Do what only time brings: give up waiting for missing pieces, close quiet windows, notice silence."""
        now = to_nanoseconds(self._clock.now())
        for join in self.joins:
            for batch in join.due(now / 1e9):
                self._count(batch, "join", now)
        if self._real_time:
            for stream, windows in list(self.streams.items()):
                lateness = to_nanoseconds(from_nanoseconds(0) + self._endpoint(stream.endpoint).allowed_lateness)
                if now - self.arrivals.get(stream.endpoint, 0) >= lateness:
                    self._close(windows, now - lateness)
        ages = {name: timedelta(microseconds=(now - seen) // 1000) for name, seen in self.arrivals.items()}
        self.tell(self.alerting.silence(ages, self._clock.now()))

    def flush(self) -> None:
        """Close every window there is: the end of a replay."""
        for join in self.joins:
            for batch in join.due(float("inf")):
                self._count(batch, "join", to_nanoseconds(self._clock.now()))
        for windows in list(self.streams.values()):
            self._close(windows, np.iinfo(np.int64).max)

    def refer(self, references: Mapping[str, Plain], origins: Mapping[str, int]) -> None:
        """Give streams that begin from now on their references."""
        self._references = references
        self._origins = origins

    @property
    def has_effects(self) -> bool:
        """Whether anything waits to be saved besides counters."""
        return bool(self._effects)

    def put_back(self, effects: Effects) -> None:
        """Give back effects that could not be saved; they come before what was gathered since."""
        since, self._effects = self._effects, effects
        for name in ("windows", "points", "events", "audits"):
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

    def _count(self, batch: Batch, source: str, received: int) -> None:
        endpoint = self._endpoint(batch.endpoint)
        try:
            self._count_rows(endpoint, batch, source, received)
        except Exception:  # noqa: BLE001 - whatever it is
            # One endpoint's fault must not stop another's scores; it is told once and counted every time.
            self.series.add(AGENT_DROPPED, batch.rows, source=source, reason="fault")
            if endpoint.name not in self._reported:
                self._reported.add(endpoint.name)
                _log.exception("endpoint %s: %d records could not be counted", endpoint.name, batch.rows)

    def _count_rows(self, endpoint: Endpoint, batch: Batch, source: str, received: int) -> None:
        batch, times = self._timed(endpoint, batch, received)
        if batch.rows == 0:
            return
        ids = batch.columns.get("id")
        duplicates = 0
        if isinstance(ids, np.ndarray):
            fresh = self.recent.admit(ids.astype(np.uint64, copy=False))
            duplicates = int(batch.rows - np.count_nonzero(fresh))
            if duplicates:
                self.series.add(AGENT_DROPPED, duplicates, source=source, reason="duplicate")
                kept = np.flatnonzero(fresh)
                batch, times = batch.take(kept), times[kept]
        if batch.rows == 0:
            return
        self.arrivals[endpoint.name] = max(self.arrivals.get(endpoint.name, 0), received)
        self.tell(self.changes.observe(endpoint, batch, times))
        starts = window_starts(times, endpoint.window, endpoint.timezone)
        for stream, rows in self._split(endpoint, batch):
            part = batch if rows is None else batch.take(rows)
            part_times, part_starts = (times, starts) if rows is None else (times[rows], starts[rows])
            windows = self.streams.get(stream) or self.open_stream(stream, {})
            totals, late = windows.absorb(part, part_starts, part_times, duplicates)
            duplicates = 0
            self.series.absorb(totals, stream._asdict())
            if late:
                self.series.add(AGENT_LATE, late, endpoint=endpoint.name)
            lateness = int(endpoint.allowed_lateness / timedelta(microseconds=1)) * 1000
            self._close(windows, windows.watermark - lateness)

    def _timed(self, endpoint: Endpoint, batch: Batch, received: int) -> tuple[Batch, NDArray[np.int64]]:
        """Give every row a time: its own, the arrival's where it has none or one far in the future."""
        given = batch.columns.get("time")
        times = np.asarray(given, np.int64) if isinstance(given, np.ndarray) else np.zeros(batch.rows, np.int64)
        ahead = times > received + int(_AHEAD / timedelta(microseconds=1)) * 1000 if self._real_time else np.zeros(batch.rows, np.bool_)
        skewed = int(np.count_nonzero(ahead))
        if skewed:
            self.series.add(AGENT_CLOCK_SKEW, skewed, endpoint=endpoint.name)
        replaced = ahead | (times <= 0)
        if replaced.any():
            times = np.where(replaced, received, times)
            batch = replace(batch, columns={**batch.columns, "time": times})
        origin = self._origins.get(endpoint.name)
        if origin is not None and bool((times < origin).any()):
            # Already in the reference, which was read from the same source.
            kept = np.flatnonzero(times >= origin)
            self.series.add(AGENT_DROPPED, batch.rows - len(kept), source=endpoint.name, reason="history")
            batch, times = batch.take(kept), times[kept]
        return batch, times

    def _split(self, endpoint: Endpoint, batch: Batch) -> Iterable[tuple[Stream, NDArray[np.intp] | None]]:
        """Yield the streams in a batch with their rows; None stands for all rows."""
        deployments = _coded(batch, "deployment", "default")
        traffic = _coded(batch, "traffic", "live")
        pairs = deployments.codes.astype(np.int64) * len(traffic.values) + traffic.codes
        first = int(pairs[0])
        if bool((pairs == first).all()):
            yield self._name(endpoint, deployments, traffic, first), None
            return
        for pair in np.unique(pairs).tolist():
            yield self._name(endpoint, deployments, traffic, pair), np.flatnonzero(pairs == pair)

    def _name(self, endpoint: Endpoint, deployments: Category, traffic: Category, pair: int) -> Stream:
        deployment, kind = divmod(pair, len(traffic.values))
        known = self._deployments.setdefault(endpoint.name, [])
        name = deployments.values[deployment]
        if name not in known:
            name = name if len(known) < _DEPLOYMENTS else OTHER
        traffic_kind = traffic.values[kind]
        return Stream(endpoint.name, name, traffic_kind if traffic_kind in _TRAFFIC else "live")

    def fingerprint(self, endpoint: str) -> str:
        """Return the hash of what decides an endpoint's scores."""
        if endpoint not in self._fingerprints:
            self._fingerprints[endpoint] = config_hash(self._endpoint(endpoint))
        return self._fingerprints[endpoint]

    def open_stream(self, stream: Stream, saved: Mapping[str, Plain]) -> StreamWindows:
        """Start or restore a stream; `saved` are detector states by component id."""
        endpoint = self._endpoint(stream.endpoint)
        known = self._deployments.setdefault(endpoint.name, [])
        if stream.deployment not in known:
            known.append(stream.deployment)
        # The alarm budget is the endpoint's: its deployments share it.
        detectors = detectors_of(endpoint, max(1, len(known)))
        states: dict[str, Any] = {}
        for name, detector in detectors.items():
            reference = self._references.get(f"{endpoint.name}/{name}")
            states[name] = detector.restore(saved.get(name, reference))
        windows = StreamWindows(stream, detectors, states, endpoint.window, endpoint.timezone, endpoint.keep_rows)
        self.streams[stream] = windows
        for other, theirs in self.streams.items():
            if other.endpoint == stream.endpoint and other != stream:
                theirs.detectors = detectors_of(endpoint, max(1, len(known)))
        return windows

    def _close(self, windows: StreamWindows, until: int) -> None:
        for start in windows.due(until):
            closed = windows.close(start)
            self._publish(closed)

    def _publish(self, closed: ClosedWindow) -> None:
        end = closed.window.end
        length = end - closed.window.start
        common = closed.stream._asdict()
        now = self._clock.now()
        # A value holds until the window after the next should have brought a new one; then it is stale.
        until = max(end, now) + 2 * length
        time = to_nanoseconds(end)
        for score in closed.scores:
            attributes = {**common, **score.attributes}
            if score.value == score.value:
                self.series.set(score.metric, score.value, end, until, **attributes)
                self._effects.points.append(Point(score.metric, tuple(sorted(attributes.items())), score.value, time))
        self._effects.windows.append(closed)
        self._reference_log.tell(closed)
        self.tell(self.alerting.judge(closed))

    def tell(self, events: Iterable[Event]) -> None:
        """Add events, and the records of why, to what is saved next."""
        self._effects.events.extend(events)
        self._effects.audits.extend(self.alerting.take_audits())


def _coded(batch: Batch, name: str, missing: str) -> Category:
    """Return a category column without missing values."""
    column = batch.columns.get(name)
    if not isinstance(column, Category):
        return Category.constant(missing, batch.rows)
    if column.codes.size and int(column.codes.min()) >= 0:
        return column
    return Category(np.where(column.codes < 0, len(column.values), column.codes).astype(np.int32), (*column.values, missing))
