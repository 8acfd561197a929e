"""The drift detector: counts features into cells, learns what their windows look like, and judges each closed window."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from detectors import catalog
from detectors.catalog import Metric
from detectors.drift import observing
from detectors.drift.calibration import Calibration
from detectors.drift.effect import MinEffect
from detectors.drift.explanation import too_few_rows
from detectors.drift.gross import NOTHING, GrossChange, gross_change
from detectors.drift.histories import Histories
from detectors.drift.learning import days_lacking, notice, ready, settle, values, vectors
from detectors.drift.parity.compare import Product
from detectors.drift.scaling import ENOUGH_WINDOWS
from detectors.drift.state import DriftState, state_from
from detectors.drift.statistics import LEAST_ROWS
from detectors.drift.telling import Judged, findings, reference_scores, scores, standing
from detectors.drift.verdict import FeatureVerdict
from detectors.types import Batch, Plain, Profile, Step, Window

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Drift:
    """Finds features whose distribution left the reference, within an alarm budget."""

    metrics: ClassVar[tuple[Metric, ...]] = (
        catalog.DRIFT_SEVERITY,
        catalog.DRIFT_STATISTIC,
        catalog.DRIFT_THRESHOLD,
        catalog.DRIFT_P_VALUE,
        catalog.DRIFT_SAMPLES,
        catalog.DRIFT_MDE,
        catalog.DRIFT_SCORE,
        catalog.DRIFT_FEATURES,
        catalog.REFERENCE_STATUS,
        catalog.REFERENCE_MISSING,
        catalog.DATA_TYPE_ERROR,
        catalog.DATA_OUT_OF_RANGE,
        catalog.DATA_NEW_CATEGORY,
    )

    features: tuple[str, ...] = ()
    """Columns to watch; empty: all features and the prediction of rows, and tokens, durations, finish reason and model of calls."""
    min_effect: MinEffect = field(default_factory=MinEffect)
    """The smallest change worth an alarm."""
    thresholds: Product | None = None
    """Also score the kept rows of each window as this product would: shown, with no promise about false alarms. Needs `keep_rows`."""
    budget: float = 1.0
    """Alarm episodes allowed in 30 days; the endpoint's `alarm_budget` sets it."""

    def restore(self, saved: Plain | None) -> DriftState:
        """Return a saved state or baseline, or a fresh one that learns its reference from live windows."""
        return DriftState() if saved is None else state_from(saved)

    def observe(self, state: DriftState, batch: Batch) -> Profile:
        """Count a batch into cells, or into leading bits and values as long as there are no cells."""
        return observing.observe(batch, state.index, state.aside, self.features, learning=not state.frozen)

    def step(self, state: DriftState, window: Window, profile: Profile) -> Step:
        """Judge a closed window by what is known so far, and only then let the reference learn from it."""
        rows = observing.rows_of(profile)
        state = notice(state, profile)
        if rows >= LEAST_ROWS and not state.cells:
            state = settle(state, window, profile)
        state, calibration = ready(state, window.day, self.budget, self.min_effect)
        counted = vectors(state, profile)
        if rows < LEAST_ROWS:
            return _tell(state, calibration, profile, counted, _too_few(state, counted)) if rows else Step(state)
        days, verdict = calibration.judge(state.days, window.day, dict(zip(state.index, counted, strict=True)))
        verdicts = {one.feature: (one, NOTHING) for one in verdict.features}
        if len(state.windows) < ENOUGH_WINDOWS:
            for history, now in zip(Histories(state), counted, strict=True):
                verdicts[history.name] = (verdicts[history.name][0], gross_change(history, now, self.min_effect))
        told = _tell(replace(state, days=days), calibration, profile, counted, verdicts)
        if state.frozen:
            return told
        return replace(told, state=told.state.add(int(window.start.timestamp()), window.day, counted, values(profile)))


def _too_few(state: DriftState, counted: Sequence[Ints]) -> dict[str, tuple[FeatureVerdict, GrossChange]]:
    found = {}
    for known, vector in zip(state.cells, counted, strict=True):
        rows = int(vector.sum())
        found[known.name] = (FeatureVerdict(known.name, "insufficient", rows, too_few_rows(rows, LEAST_ROWS)), NOTHING)
    return found


def _tell(
    state: DriftState,
    calibration: Calibration,
    profile: Profile,
    counted: Sequence[Ints],
    verdicts: Mapping[str, tuple[FeatureVerdict, GrossChange]],
) -> Step:
    totals = state.split(state.totals) if len(state.totals) else {}
    judged = []
    for known, vector in zip(state.cells, counted, strict=True):
        usual = totals.get(known.name, np.zeros(len(vector), np.int64)) if known.file is None else known.file
        checks, means = observing.checks(profile, known), observing.cell_means(profile, known)
        judged.append(Judged(known, *verdicts[known.name], vector, checks, usual, means))
    found = findings(judged, standing(calibration))
    status = "insufficient" if observing.rows_of(profile) < LEAST_ROWS else calibration.status
    return Step(state, (*scores(judged, found), *reference_scores(status, days_lacking(calibration))), found)
