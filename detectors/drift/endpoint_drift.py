"""Drift of an endpoint of which only metrics are known: the drift rule on counts of calls, with a reference of its own."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from detectors.catalog import Metric
from detectors.drift import call_counts
from detectors.drift.drift import Drift
from detectors.drift.state import DriftState
from detectors.types import Batch, Finding, Plain, Profile, Step, Window

RECORDS = "records"
"""The count in a profile that says how many call records came in its window."""


@dataclass(frozen=True, slots=True)
class EndpointDrift:
    """Stands beside a drift detector, with its options. Bucket counts are no calls: the two share no cells and no windows.

    Their gauges have the same names and attributes, so only one of them speaks of a window: where any call record counts, not this one.
    """

    metrics: ClassVar[tuple[Metric, ...]] = Drift.metrics

    drift: Drift
    """Whose options it has."""

    def restore(self, saved: Plain | None) -> DriftState:
        """Return a saved state, or a fresh one that learns its reference from live windows."""
        return self.drift.restore(saved)

    def observe(self, state: DriftState, batch: Batch) -> Profile:
        """Count a batch of increases. Of call records only how many there are, where these count; any other batch gives an empty profile."""
        if batch.kind == "calls" and self.drift.input != "metrics":
            return Profile({RECORDS: np.array([batch.rows], np.int64)})
        if batch.kind != "call_counts":
            return Profile()
        again = state.rolling.again if state.rolling is not None else {}
        named, learning = tuple(call_counts.MIXES), not state.frozen
        return call_counts.observe(batch, state.index, state.aside, self.drift.features, learning=learning, again=again, named=named)

    def step(self, state: DriftState, window: Window, profile: Profile) -> Step:
        """Judge a closed window. Without increases in it there is nothing to say, and nothing to learn.

        The same where records came too: from then on metrics counted nothing, so these are increases of a part of it.
        """
        if not profile.counts or RECORDS in profile.counts:
            return Step(state)
        step = self.drift.step(state, window, profile)
        return replace(step, findings=tuple(map(_sober, step.findings)))


def _sober(finding: Finding) -> Finding:
    """Keep latency from warning before there is a reference: many calls share one mean there, and are no independent rows."""
    if finding.status != "uncalibrated" or finding.level != "warning" or finding.feature not in call_counts.LATENCY_OF_COUNTS:
        return finding
    return replace(finding, level="information", explanation=f"{finding.explanation}; information only: latency changes by itself")
