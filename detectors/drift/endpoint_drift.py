"""Drift of an endpoint of which only metrics are known: the drift rule on counts of calls, with a reference of its own."""

from dataclasses import dataclass, replace
from typing import ClassVar

from detectors.catalog import Metric
from detectors.drift import call_counts
from detectors.drift.drift import Drift
from detectors.drift.state import DriftState
from detectors.types import Batch, Finding, Plain, Profile, Step, Window


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
        if not profile.counts:
            return Step(state)
        step = self.drift.step(state, window, profile)
        return replace(step, findings=tuple(map(_sober, step.findings)))


def _sober(finding: Finding) -> Finding:
    """Keep latency from warning before there is a reference: many calls share one mean there, and are no independent rows."""
    if finding.status != "uncalibrated" or finding.level != "warning" or finding.feature not in call_counts.LATENCY_OF_COUNTS:
        return finding
    return replace(finding, level="information", explanation=f"{finding.explanation}; information only: latency changes by itself")
