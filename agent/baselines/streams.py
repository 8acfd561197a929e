"""The streams whose references a command changes: those of the running pipeline, or as they were saved last."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from agent.baselines.records import excluded
from agent.beginnings import Own
from agent.checkpoint import saved_states
from agent.config import Config, Endpoint
from agent.config_hash import config_hash
from agent.drift_rules import rule_of, rules_of, without
from agent.pipeline import Pipeline
from agent.store.store import Store
from alerts import engine
from alerts.engine import Key
from alerts.rules.drift import Drift as DriftRule
from detectors.catalog import CHANGES
from detectors.drift.calendar import Days
from detectors.drift.state import DriftState, state_from
from detectors.types import Stream, Total

Span = tuple[int, int]
"""Seconds since 1970: start, end."""


class Streams(Protocol):
    """What stands between a command and the streams: a running pipeline, or the checkpoint of one that is not running."""

    def states(self, endpoint: str, detector: str) -> Mapping[Stream, DriftState]:
        """Return the drift state of each stream of an endpoint."""
        ...

    def drifting_since(self, stream: Stream) -> datetime | None:
        """Return when the drift alert that fires began; None where none fires."""
        ...

    def take_up(self, stream: Stream, detector: str, own: Own) -> None:
        """Let a stream begin from what was accepted for it. The store knows of it already."""
        ...

    def cut(self, began: str, cut: Own, span: Span) -> None:
        """Let streams that began from the baseline `began` go on from `cut`, the same without a span of time."""
        ...

    def exclude(self, endpoint: str, days: tuple[Days, ...]) -> None:
        """Take these days, and no others, out of the references of all streams of an endpoint, beside those of the configuration."""
        ...


@dataclass(frozen=True, slots=True)
class Living:
    """Streams of the running pipeline; used in its thread."""

    pipeline: Pipeline

    def states(self, endpoint: str, detector: str) -> Mapping[Stream, DriftState]:
        """Return the drift state of each stream of an endpoint."""
        living = {stream: windows for stream, windows in self.pipeline.streams.items() if stream.endpoint == endpoint}
        found: dict[Stream, DriftState] = {}
        for stream, windows in living.items():
            drift, state = rule_of(windows.detectors.get(detector)), windows.states.get(detector)
            if drift is not None and isinstance(state, DriftState):
                found[stream] = drift.under(state)
        return found

    def drifting_since(self, stream: Stream) -> datetime | None:
        """Return when the drift alert that fires began; None where none fires."""
        return self.pipeline.alerting.firing_since(Key(DriftRule.name, stream))

    def take_up(self, stream: Stream, detector: str, own: Own) -> None:
        """Give the stream its new reference now."""
        self.pipeline.beginnings.own[stream, detector] = own
        self.pipeline.begin_again(stream, detector)
        self.pipeline.series.absorb([Total(CHANGES, {"change": "reference"}, 1)], stream._asdict())

    def cut(self, began: str, cut: Own, span: Span) -> None:
        """Take the span out of what those streams have, which goes on otherwise."""
        beginnings = self.pipeline.beginnings
        for stream, windows in self.pipeline.streams.items():
            for name, state in list(windows.states.items()):
                if isinstance(state, DriftState) and beginnings.mark(stream, name) == began:
                    windows.states[name], windows.changed = state.exclude(*span), True
        for place, own in beginnings.own.items():
            beginnings.own[place] = cut if own.mark == began else own
        for key, mark in beginnings.marks.items():
            if mark == began:
                beginnings.marks[key], beginnings.shared[key] = cut.mark, cut.state

    def exclude(self, endpoint: str, days: tuple[Days, ...]) -> None:
        """Do so now, and for streams that begin later."""
        beginnings = self.pipeline.beginnings
        beginnings.excluded[endpoint] = days
        living = [windows for stream, windows in self.pipeline.streams.items() if stream.endpoint == endpoint]
        watchers = beginnings.watchers(self.pipeline.config.endpoints.get(endpoint) or Endpoint(endpoint), len(living))
        for windows in living:
            windows.detectors = watchers
            for name, detector in watchers.items():
                drift = rule_of(detector)
                if drift is not None and isinstance(windows.states.get(name), DriftState):
                    windows.states[name], windows.changed = drift.under(windows.states[name]), True


@dataclass(frozen=True, slots=True)
class Saved:
    """Streams of an agent that does not run: what changes is in the store, and the agent takes it up when it starts."""

    config: Config
    store: Store

    def states(self, endpoint: str, detector: str) -> Mapping[Stream, DriftState]:
        """Return the drift states that the agent would go on from."""
        watching = self.config.endpoints.get(endpoint) or Endpoint(endpoint)
        drift = without(rules_of(watching, detector)[detector], excluded(self.store).get(endpoint, ()))
        saved = saved_states(self.store, endpoint, config_hash(watching))
        return {stream: drift.under(state_from(plain)) for stream, name, plain in saved if name == detector}

    def drifting_since(self, stream: Stream) -> datetime | None:
        """Return when the drift alert that fires began; None where none fires."""
        standing = engine.restore(self.store.get("alerting")).get(Key(DriftRule.name, stream))
        return standing.status.active_at if standing is not None and standing.fired_at is not None else None

    def take_up(self, stream: Stream, detector: str, own: Own) -> None:
        """Do nothing: the record in the store says it."""

    def cut(self, began: str, cut: Own, span: Span) -> None:
        """Do nothing: the new version in the store says it."""

    def exclude(self, endpoint: str, days: tuple[Days, ...]) -> None:
        """Do nothing: the days in the store say it."""
