"""Drift of what searches find: the drift rule on scores and numbers of documents, with a reference of its own."""

from dataclasses import dataclass, replace
from typing import ClassVar

from detectors import catalog
from detectors.catalog import Metric
from detectors.drift import row_counts
from detectors.drift.drift import Drift
from detectors.drift.state import DriftState
from detectors.quality.retrieval import BEST, DOCUMENTS, MEAN
from detectors.types import Batch, Plain, Profile, Step, Window

FEATURES = {BEST: "retrieval_score", MEAN: "retrieval_mean_score", DOCUMENTS: "retrieval_documents"}
"""Column to the name of the feature. Ages are none: they grow by themselves."""

_OF_CALLS = (catalog.DATA_ROWS_LOWER, catalog.DATA_ROWS_UPPER, catalog.REFERENCE_STATUS, catalog.REFERENCE_MISSING)


@dataclass(frozen=True, slots=True)
class RetrievalDrift:
    """Stands beside a drift detector, with its options. Searches are no calls: the two share no cells and no windows."""

    metrics: ClassVar[tuple[Metric, ...]] = Drift.metrics

    drift: Drift
    """Whose options it has."""

    def restore(self, saved: Plain | None) -> DriftState:
        """Return a saved state, or a fresh one that learns its reference from live windows."""
        return self.drift.restore(saved)

    def observe(self, state: DriftState, batch: Batch) -> Profile:
        """Count a batch of retrievals; any other batch gives an empty profile."""
        if batch.kind != "retrievals":
            return Profile()
        named = {feature: batch.columns[column] for column, feature in FEATURES.items() if column in batch.columns}
        return self.drift.observe(state, replace(batch, kind="rows", columns={}, features=named))

    def step(self, state: DriftState, window: Window, profile: Profile) -> Step:
        """Judge a closed window. Without searches in it there is nothing to say, and nothing to learn.

        How many rows there are, and how far the reference is, the detector it stands beside says of calls: gauges of the same attributes.
        """
        if not profile.counts:
            return Step(state)
        step = self.drift.step(state, window, profile)
        scores = tuple(one for one in step.scores if one.metric not in _OF_CALLS and one.attributes.get("kind") != row_counts.KIND)
        return replace(step, scores=scores, findings=tuple(one for one in step.findings if one.kind != row_counts.KIND))
