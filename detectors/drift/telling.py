"""Turns the rule's verdict on a window into findings and gauges, with a sentence a person understands."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from detectors import catalog
from detectors.drift.calibration import Calibration
from detectors.drift.cells import FeatureCells
from detectors.drift.descriptive import Sides, distances
from detectors.drift.grid import CategoryGrid, NumericGrid
from detectors.drift.gross import GrossChange
from detectors.drift.naming import foremost, gone, listed
from detectors.drift.verdict import FeatureVerdict
from detectors.drift.wording import percent, values
from detectors.types import Finding, Level, Score

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FIXED, ROLLING = "fixed", "rolling"
STATUSES = ("calibrated", "provisional", "uncalibrated", "insufficient")
LOUDNESS: tuple[Level | None, ...] = (None, "information", "warning", "page")
"""From silent to loud."""
NAMED = 5
"""Categories an explanation names."""
OUTSIDE = 0.005
"""Share of rows outside the reference's range that is worth a word."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One feature of one window against one reference, with everything there is to say of it."""

    reference: str
    """fixed or rolling."""
    standing: str
    """In words, how far the reference can be trusted."""
    known: FeatureCells
    verdict: FeatureVerdict
    gross: GrossChange
    vector: Ints
    checks: Ints
    """Type errors, rows below and rows above the reference."""
    usual: Ints
    """[K] what the window is described against; without rows: nothing yet."""
    means: Floats | None
    """[E+1] mean value of each cell in the window; None: not kept."""
    fresh: Mapping[str, int] = field(default_factory=dict)
    """Values the reference never had with their rows, where they may be named."""
    unnamed: int = 0
    """Rows of such values that were too many to be told."""

    @property
    def level(self) -> Level | None:
        """How loud the rule itself would be."""
        return max(self.verdict.level, self.gross.level, key=LOUDNESS.index)


def findings(judged: Sequence[Judged], mute: Sequence[str]) -> tuple[Finding, ...]:
    """Return a finding for each; `mute` says for each why it can be no more than information, "" where it may be louder."""
    sides = [Sides(one.known.grid, one.known.coarse, one.usual, one.vector, one.known.means, one.means) for one in judged]
    return tuple(_finding(one, why, methods) for one, why, methods in zip(judged, mute, distances(sides), strict=True))


def _finding(one: Judged, mute: str, methods: Mapping[str, float]) -> Finding:
    known, verdict, level = one.known, one.verdict, one.level
    numeric = isinstance(known.grid, NumericGrid)
    mde = verdict.mde if numeric else verdict.mde_shape
    parts = []
    if one.gross.level is not None:
        parts.append(one.gross.explanation)
    if not math.isnan(verdict.severity) or verdict.status == "insufficient":
        parts.append(verdict.explanation)
    if level is not None:
        parts += [values(known.grid, one.usual, one.vector, known.means), *_unreadable(one)]
    parts += _came_and_went(one)
    if mute and level in {"warning", "page"}:
        level = "information"
        parts.append(mute)
    parts.append(one.standing)
    if not math.isnan(verdict.severity):
        parts.append(_smallest(verdict, numeric=numeric))
    return Finding(
        known.kind, known.name, one.reference, verdict.statistic, verdict.threshold, verdict.severity, verdict.p_value, verdict.samples, mde,
        "sd" if numeric else "PSI", level, verdict.status, methods, "; ".join(parts),
    )  # fmt: skip


def _came_and_went(one: Judged) -> Iterator[str]:
    """Yield which categories are new, and which are gone."""
    if one.fresh or one.unnamed:
        names = foremost(one.fresh, NAMED)
        told = listed(names, len(one.fresh) - len(names)) if names else "more than can be named"
        yield f"new: {told}"
    missed = gone(one.known.grid, one.usual, one.vector)
    if missed.names:
        yield f"gone: {listed(missed.names[:NAMED], max(len(missed.names) - NAMED, 0))}, {percent(missed.share)} of the reference"


def _unreadable(one: Judged) -> Iterator[str]:
    """Yield which share of rows is of the wrong type, or beyond what the reference had."""
    rows = max(int(one.vector.sum()), 1)
    errors, below, above = (count / rows for count in one.checks.tolist())
    if errors:
        yield f"{percent(errors)} of rows of the wrong type"
    if below + above >= OUTSIDE:
        yield f"{percent(below + above)} of rows outside the reference's range"


def _smallest(verdict: FeatureVerdict, *, numeric: bool) -> str:
    mde = verdict.mde if numeric else verdict.mde_shape
    if math.isnan(mde):
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
        feature = {"kind": finding.kind, "feature": finding.feature, "reference": finding.reference}
        numbers = (
            (catalog.DRIFT_SEVERITY, finding.severity),
            (catalog.DRIFT_STATISTIC, finding.statistic),
            (catalog.DRIFT_THRESHOLD, finding.threshold),
            (catalog.DRIFT_P_VALUE, finding.p_value),
            (catalog.DRIFT_MDE, finding.mde if finding.mde_unit == "sd" else math.nan),
        )
        yield from (Score(metric, float(value), feature) for metric, value in numbers if math.isfinite(value))
        yield Score(catalog.DRIFT_SAMPLES, finding.samples, feature)
        for method, value in finding.methods.items():
            if math.isfinite(value):
                yield Score(catalog.DRIFT_SCORE, value, {**feature, "method": method})
        if one.reference == FIXED:
            yield from _data(one, finding.samples)
    for kind, reference in dict.fromkeys((finding.kind, finding.reference) for finding in found):
        same = [finding.severity for finding in found if (finding.kind, finding.reference) == (kind, reference)]
        severities = [severity for severity in same if not math.isnan(severity)]
        if severities:
            share = sum(severity > 1 for severity in severities) / len(severities)
            yield Score(catalog.DRIFT_FEATURES, share, {"kind": kind, "reference": reference})


def _data(one: Judged, rows: int) -> Iterator[Score]:
    if not rows:
        return
    feature = {"feature": one.known.name}
    errors, below, above = one.checks.tolist()
    yield Score(catalog.DATA_TYPE_ERROR, errors / rows, feature)
    if isinstance(one.known.grid, CategoryGrid):
        yield Score(catalog.DATA_NEW_CATEGORY, int(one.vector[-2]) / rows, feature)
        yield Score(catalog.DATA_VANISHED_CATEGORY, gone(one.known.grid, one.usual, one.vector).share, feature)
    else:
        yield Score(catalog.DATA_OUT_OF_RANGE, (below + above) / rows, feature)


def reference_scores(reference: str, status: str, days_missing: int) -> Iterator[Score]:
    """Yield 1 on the status and 0 on the others, and the days of traffic until calibrated."""
    for name in STATUSES:
        yield Score(catalog.REFERENCE_STATUS, float(name == status), {"reference": reference, "status": name})
    yield Score(catalog.REFERENCE_MISSING, days_missing, {"reference": reference})
