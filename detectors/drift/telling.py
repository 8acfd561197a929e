"""Turns the rule's verdict on a window into findings and gauges, with a sentence a person understands."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors import catalog
from detectors.drift.calibration import Calibration
from detectors.drift.cells import FeatureCells
from detectors.drift.descriptive import Sides, distances
from detectors.drift.grid import CategoryGrid, NumericGrid
from detectors.drift.gross import GrossChange
from detectors.drift.verdict import FeatureVerdict
from detectors.drift.wording import values
from detectors.types import Finding, Level, Score

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

REFERENCE = "fixed"
STATUSES = ("calibrated", "provisional", "uncalibrated", "insufficient")
_LOUDNESS: tuple[Level | None, ...] = (None, "information", "warning", "page")


@dataclass(frozen=True, slots=True)
class Judged:
    """One feature of one window, with everything there is to say of it."""

    known: FeatureCells
    verdict: FeatureVerdict
    gross: GrossChange
    vector: Ints
    checks: Ints
    """Type errors, rows below and rows above the reference."""
    reference: Ints
    """[K] what the window is described against; without rows: nothing yet."""
    means: Floats | None
    """[E+1] mean value of each cell in the window; None: not kept."""


def findings(judged: Sequence[Judged], standing: str) -> tuple[Finding, ...]:
    """Return a finding for each feature; `standing` says in words how far the reference can be trusted."""
    sides = [Sides(one.known.grid, one.known.coarse, one.reference, one.vector, one.known.means, one.means) for one in judged]
    return tuple(_finding(one, methods, standing) for one, methods in zip(judged, distances(sides), strict=True))


def _finding(one: Judged, methods: Mapping[str, float], standing: str) -> Finding:
    known, verdict = one.known, one.verdict
    level = max(verdict.level, one.gross.level, key=_LOUDNESS.index)
    numeric = isinstance(known.grid, NumericGrid)
    mde = verdict.mde if numeric else verdict.mde_shape
    parts = []
    if one.gross.level is not None:
        parts.append(one.gross.explanation)
    if not np.isnan(verdict.severity) or verdict.status == "insufficient":
        parts.append(verdict.explanation)
    if level is not None:
        parts.append(values(known.grid, one.reference, one.vector, known.means))
    parts.append(standing)
    if not np.isnan(verdict.severity):
        parts.append(_smallest(verdict, numeric=numeric))
    return Finding(
        known.kind, known.name, REFERENCE, verdict.statistic, verdict.threshold, verdict.severity, verdict.p_value, verdict.samples, mde,
        "sd" if numeric else "PSI", level, verdict.status, methods, "; ".join(parts),
    )  # fmt: skip


def _smallest(verdict: FeatureVerdict, *, numeric: bool) -> str:
    mde = verdict.mde if numeric else verdict.mde_shape
    if np.isnan(mde):
        return "no shift can be seen in one window" if numeric else "no change of shares can be seen in one window"
    return f"shifts of {mde:.2g} sd and more are seen" if numeric else f"changes of PSI {mde:.2g} and more are seen"


def standing(calibration: Calibration) -> str:
    """Return how far the reference can be trusted, as "provisional: 12 of 29 days"."""
    days = calibration.days
    if calibration.status == "calibrated":
        return f"calibrated on {days} days"
    return f"{calibration.status}: {days} of {days + calibration.days_missing} days"


def scores(judged: Sequence[Judged], found: Sequence[Finding]) -> Iterator[Score]:
    """Yield the gauges of each feature, and the share of features that alarm. What is undefined is not emitted."""
    for one, finding in zip(judged, found, strict=True):
        feature = {"kind": finding.kind, "feature": finding.feature, "reference": REFERENCE}
        numbers = (
            (catalog.DRIFT_SEVERITY, finding.severity),
            (catalog.DRIFT_STATISTIC, finding.statistic),
            (catalog.DRIFT_THRESHOLD, finding.threshold),
            (catalog.DRIFT_P_VALUE, finding.p_value),
            (catalog.DRIFT_MDE, finding.mde if finding.mde_unit == "sd" else np.nan),
        )
        yield from (Score(metric, float(value), feature) for metric, value in numbers if np.isfinite(value))
        yield Score(catalog.DRIFT_SAMPLES, finding.samples, feature)
        for method, value in finding.methods.items():
            if np.isfinite(value):
                yield Score(catalog.DRIFT_SCORE, value, {**feature, "method": method})
        yield from _data(one, finding.samples)
    for kind in dict.fromkeys(finding.kind for finding in found):
        severities = [finding.severity for finding in found if finding.kind == kind and not np.isnan(finding.severity)]
        if severities:
            share = float(np.mean(np.array(severities) > 1))
            yield Score(catalog.DRIFT_FEATURES, share, {"kind": kind, "reference": REFERENCE})


def _data(one: Judged, rows: int) -> Iterator[Score]:
    if not rows:
        return
    feature = {"feature": one.known.name}
    errors, below, above = one.checks.tolist()
    yield Score(catalog.DATA_TYPE_ERROR, errors / rows, feature)
    if isinstance(one.known.grid, CategoryGrid):
        yield Score(catalog.DATA_NEW_CATEGORY, int(one.vector[-2]) / rows, feature)
    else:
        yield Score(catalog.DATA_OUT_OF_RANGE, (below + above) / rows, feature)


def reference_scores(status: str, days_missing: int) -> Iterator[Score]:
    """Yield 1 on the status and 0 on the others, and the days of traffic until calibrated."""
    for name in STATUSES:
        yield Score(catalog.REFERENCE_STATUS, float(name == status), {"reference": REFERENCE, "status": name})
    yield Score(catalog.REFERENCE_MISSING, days_missing, {"reference": REFERENCE})
