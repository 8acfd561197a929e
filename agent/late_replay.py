"""Replays an endpoint whose labels come later: rows window by window, labels when they were given, judged now and then, in virtual time."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np

from agent.clock import EventClock, from_nanoseconds
from agent.config import Endpoint
from agent.effects import Effects
from agent.labels.late import LateLabels
from agent.pipeline import Pipeline
from agent.replay_labels import LabelFeed, settle
from agent.spool.frame import Frame
from agent.store.store import Store
from agent.windowing import window_starts
from detectors.types import Batch

_LOOK = timedelta(hours=6)
"""Virtual time between looks at labels, one window at least: each look follows the errors over all windows that may still change."""


class LateReplay:
    """Drives one pipeline; the store is its own, and thrown away after it."""

    def __init__(self, endpoint: Endpoint, pipeline: Pipeline, late: LateLabels, store: Store, clock: EventClock, feed: LabelFeed) -> None:
        self._endpoint = endpoint
        self._pipeline = pipeline
        self._late = late
        self._store = store
        self._clock = clock
        self._feed = feed
        self._every = max(endpoint.window, _LOOK) // timedelta(microseconds=1) * 1000
        self._looked = 0

    def play(self, batch: Batch) -> Iterator[Effects]:
        """Take in rows, cut at their windows so that labels come between them."""
        times = np.asarray(batch.columns["time"], np.int64)
        starts = window_starts(times, self._endpoint.window, self._endpoint.timezone)
        for start in np.unique(starts).tolist():
            rows = np.flatnonzero(starts == start)
            part, newest = batch.take(rows), int(times[rows].max())
            yield from self._until(newest)
            self._absorb(part, newest)
            known = self._feed.of(part)
            if known is not None:
                self._absorb(known, newest)

    def finish(self) -> Iterator[Effects]:
        """Close every window, wait for the labels that are still to come, and look a last time."""
        self._pipeline.flush()
        while (due := self._feed.due) is not None:
            yield from self._until(due + self._every)
        # Once for what came since, once for what that look was kept from.
        for _ in range(2):
            self._looked += self._every
            yield from self._look(self._looked)

    def _until(self, now: int) -> Iterator[Effects]:
        labels = self._feed.until(now)
        self._clock.advance(from_nanoseconds(now))
        if labels is not None:
            self._absorb(labels, now)
        if now - self._looked >= self._every:
            yield from self._look(now)

    def _absorb(self, batch: Batch, received: int) -> None:
        # Rows out of order do not turn time back.
        arrival = max(self._looked, received)
        self._clock.advance(from_nanoseconds(arrival))
        self._pipeline.absorb(Frame(batch, f"replay/{self._endpoint.name}", None, arrival))

    def _look(self, now: int) -> Iterator[Effects]:
        """Join what came, judge it, and hand over what that leads to."""
        self._looked = now
        settle(self._store, self._late, Effects())
        self._pipeline.judge_labels(now)
        effects = self._pipeline.take_effects()
        settle(self._store, self._late, effects)
        if effects:
            yield effects
