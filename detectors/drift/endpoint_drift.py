"""Drift of an endpoint of which only metrics are known: the drift rule on counts of calls, with a reference of its own."""

from dataclasses import dataclass
from typing import ClassVar

from detectors.catalog import Metric
from detectors.drift import call_counts
from detectors.drift.drift import Drift
from detectors.drift.state import DriftState
from detectors.types import Batch, Plain, Profile, Step, Window


@dataclass(frozen=True, slots=True)
class EndpointDrift:
    """Stands beside a drift detector, with its options. Bucket counts are no calls: the two share no cells and no windows."""

    metrics: ClassVar[tuple[Metric, ...]] = Drift.metrics

    drift: Drift
    """Whose options it has."""

    def restore(self, saved: Plain | None) -> DriftState:
        """Return a saved state, or a fresh one that learns its reference from live windows."""
        return self.drift.restore(saved)

    def observe(self, state: DriftState, batch: Batch) -> Profile:
        """Count a batch of increases; any other batch gives an empty profile."""
        if batch.kind != "call_counts":
            return Profile()
        again = state.rolling.again if state.rolling is not None else {}
        named, learning = tuple(call_counts.MIXES), not state.frozen
        return call_counts.observe(batch, state.index, state.aside, self.drift.features, learning=learning, again=again, named=named)

    def step(self, state: DriftState, window: Window, profile: Profile) -> Step:
        """Judge a closed window. Without increases in it there is nothing to say, and nothing to learn."""
        return self.drift.step(state, window, profile) if profile.counts else Step(state)
