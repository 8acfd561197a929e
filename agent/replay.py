"""History through the live pipeline in virtual time: what would have been seen, scored and told."""

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from agent.assembly import build_pipeline
from agent.clock import EventClock, from_nanoseconds, to_nanoseconds
from agent.config import Config, Endpoint, Labels
from agent.effects import ClosedWindow, Effects
from agent.endpoint import watchers
from agent.enrichers.yardsticks import Yardsticks
from agent.errors import ConfigError, InputError
from agent.labels.reading import from_file
from agent.late_replay import LateReplay
from agent.performance_records import records
from agent.pipeline import Pipeline
from agent.redaction.masking import masked
from agent.reference_building import Referenced, build, window_start
from agent.replay_labels import LabelFeed, Realised, temporary, told
from agent.routing import MatchRouter
from agent.series import Series
from agent.sinks.json_lines import event_line
from agent.sources import Context
from agent.sources.history import Historical
from agent.spool.frame import Frame
from alerts.event import Event
from detectors.catalog import AGENT_LATE
from detectors.types import Batch, Plain, Stream, Window

_log = logging.getLogger(__name__)

VERSION = 1
_EVER = timedelta(days=365 * 200)
_FAR = datetime(2200, 1, 1, tzinfo=UTC)


class Replay:
    """Replays the endpoints of a configuration that have a source of their own. Opens no live state."""

    def __init__(
        self, config: Config, names: Sequence[str], progress: Callable[[float], None] = lambda _share: None, labels: Path | None = None
    ) -> None:
        """`names` chooses endpoints, none: all; `progress` is told the share that is done, 0 to 1; `labels` is a file of them.

        Raises ConfigError where an endpoint is unknown, there is nothing to replay, or it is not clear whose labels they are.
        """
        unknown = sorted(set(names) - set(config.endpoints))
        if unknown:
            raise ConfigError(f"--endpoint: unknown '{unknown[0]}'; known: {', '.join(sorted(config.endpoints))}")
        self._endpoints = [
            _apart(endpoint)
            for name, endpoint in config.endpoints.items()
            if isinstance(endpoint.source, Historical) and (not names or name in names)
        ]
        for endpoint in self._endpoints:
            if endpoint.reference.baseline is not None:
                _log.warning(
                    "endpoint %s: its baseline is in the agent's store, which a replay does not open: it learns from the first windows instead",
                    endpoint.name,
                )
        if not self._endpoints:
            raise ConfigError("endpoints: none has a source that can be replayed (files or azureml_blobs under endpoints.NAME.source)")
        if labels is not None:
            self._endpoints = [_labelled(self._endpoints)]
        self._config = config
        self._progress = progress
        self._labels = labels
        self.late = 0
        """Rows that came after their window had closed, so far: files whose rows are not in order of time."""
        self.realised: list[Realised] = []
        """What labels that came late said in the end of each window, of endpoints that are done."""

    def effects(self) -> Iterator[tuple[Endpoint, Effects]]:
        """Yield what each stretch of each endpoint leads to, in order of event time within an endpoint."""
        for endpoint in self._endpoints:
            for effects in self._endpoint(endpoint):
                yield endpoint, effects

    def records(self) -> Iterator[Plain]:
        """Yield the objects of `replay --json`; the last one sums up."""
        counts = {"window": 0, "alert": 0, "change": 0}
        for _, effects in self.effects():
            for one in _in_order(effects):
                if isinstance(one, ClosedWindow):
                    counts["window"] += 1
                    yield from _window_records(one)
                else:
                    counts[one.kind] += 1
                    yield {**event_line(one), "type": "event" if one.kind == "alert" else "change"}
        for found in self.realised:
            yield from records(found.rows, _where(found.stream, found.window))
        told = {"windows": counts["window"], "alerts": counts["alert"], "changes": counts["change"], "late": self.late}
        yield {"type": "summary", "version": VERSION, **told}

    def _endpoint(self, endpoint: Endpoint) -> Iterator[Effects]:
        config = replace(self._config, endpoints={endpoint.name: endpoint})
        series = Series()
        context = Context(endpoint.name, MatchRouter(config), endpoint, series, EventClock(_FAR))
        first, total = self._extent(endpoint, context)
        history = endpoint.reference.history
        origin = window_start(first if history is None else first + history, endpoint)
        clock = EventClock(origin)
        at_origin = replace(context, clock=clock)
        states = {
            f"{endpoint.name}/{name}": build(endpoint, detector, at_origin, history, origin)
            for name, detector in watchers(endpoint).items()
            if isinstance(detector, Referenced)
        }
        origins = {endpoint.name: to_nanoseconds(origin)}
        with ExitStack() as stack:
            # Labels that come late are joined in a store, which is thrown away again: live state is never opened.
            store = stack.enter_context(temporary()) if endpoint.labels is not None else None
            pipeline = build_pipeline(config, clock, store, references=states, origins=origins, real_time=False)
            late = None
            if store is not None and pipeline.late is not None:
                late = LateReplay(endpoint, pipeline, pipeline.late, store, clock, self._feed(endpoint))
            rows = 0
            for batch in masked(endpoint, endpoint.source.history(context, _EVER), context.name):
                if late is None:
                    self._advance(pipeline, clock, batch)
                else:
                    yield from late.play(batch)
                rows += batch.rows
                self._progress((self._endpoints.index(endpoint) + rows / total) / len(self._endpoints))
                if pipeline.has_effects:
                    yield pipeline.take_effects()
            if late is None:
                pipeline.flush()
            else:
                yield from late.finish()
            behind = (point.value for point in pipeline.series.totals(clock.now()) if point.metric is AGENT_LATE)
            self.late += sum(int(value) for value in behind if isinstance(value, float | int))
            yield pipeline.take_effects()
            if store is not None:
                self.realised += told(store, endpoint)

    def _feed(self, endpoint: Endpoint) -> LabelFeed:
        if self._labels is None:
            return LabelFeed(endpoint.name, ())
        labels = from_file(self._labels, endpoint.name, lambda _reason, _rows: None)
        return LabelFeed(endpoint.name, masked(endpoint, labels, str(self._labels)))

    def _advance(self, pipeline: Pipeline, clock: EventClock, batch: Batch) -> None:
        times = np.asarray(batch.columns["time"], np.int64)
        newest = int(times.max())
        clock.advance(from_nanoseconds(newest))
        pipeline.absorb(Frame(batch, f"replay/{batch.endpoint}", None, newest))

    def _extent(self, endpoint: Endpoint, context: Context) -> tuple[datetime, int]:
        """Return the time of the first row and the number of rows."""
        first, rows = np.iinfo(np.int64).max, 0
        for batch in endpoint.source.history(context, _EVER):
            first, rows = min(first, int(np.asarray(batch.columns["time"], np.int64).min())), rows + batch.rows
        if not rows:
            raise InputError(f"endpoints.{endpoint.name}.source: there is not one row with a time to replay")
        return from_nanoseconds(first), rows


def _in_order(effects: Effects) -> Iterator[ClosedWindow | Event]:
    """Yield windows, and events after the window that led to them, so that lines do not depend on how the rows were cut."""
    waiting = deque(effects.events)
    for closed in effects.windows:
        while waiting and waiting[0].time < closed.window.end:
            yield waiting.popleft()
        yield closed
    yield from waiting


def _window_records(closed: ClosedWindow) -> Iterator[Plain]:
    where = _where(closed.stream, closed.window)
    yield {"type": "window", **where, "traffic": closed.stream.traffic, "rows": closed.rows}
    for finding in closed.findings:
        plain = asdict(finding)
        yield {"type": "score", **where, **plain, "drifted": finding.severity > 1}
    yield from records(((score.metric.name, score.value, score.attributes) for score in closed.scores), where)


def _where(stream: Stream, window: Window) -> dict[str, Any]:
    return {
        "endpoint": stream.endpoint,
        "deployment": stream.deployment,
        "start": window.start.isoformat(),
        "end": window.end.isoformat(),
    }


def _apart(endpoint: Endpoint) -> Endpoint:
    """Return the endpoint with yardsticks of its own: the agent's are live state."""
    enrichers = endpoint.enrichers
    return endpoint if enrichers is None else replace(endpoint, enrichers=replace(enrichers, yardsticks=Yardsticks()))


def _labelled(endpoints: Sequence[Endpoint]) -> Endpoint:
    """Return the endpoint that a file of labels is about. Raises ConfigError where that is not clear, or they cannot be joined."""
    expecting = [endpoint for endpoint in endpoints if endpoint.labels is not None] or list(endpoints)
    if len(expecting) > 1:
        raise ConfigError(f"--labels: say whose labels they are with --endpoint; replayed are {', '.join(one.name for one in expecting)}")
    (endpoint,) = expecting
    if endpoint.columns.id is None:
        raise ConfigError(f"endpoints.{endpoint.name}.columns.id: is needed to join labels with answers")
    return replace(endpoint, labels=endpoint.labels or Labels())
