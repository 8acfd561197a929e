"""Judges how many rows a window has by the windows of the last eight weeks, and says so as data quality."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from detectors import catalog
from detectors.drift.calendar import iso_week
from detectors.drift.calibration import days_needed
from detectors.drift.observing import rows_of
from detectors.drift.state import DriftState
from detectors.drift.stored_window import When
from detectors.quality import row_count
from detectors.quality.row_count import RowVerdict, Usual
from detectors.quality.volumes import DAYS
from detectors.types import Finding, Level, Profile, Score

KIND, FEATURE, REFERENCE = "quality", "rows", "rolling"
"""How the finding and its gauges are called."""
CUT = "cut"
"""The count in a profile that says its window was closed before its time: the rows of the rest are not there yet."""
_AT = {"none": "", "hour_of_day": " at this hour", "weekday": " on this weekday", "hour_of_week": " at this hour of the week"}


@dataclass(frozen=True, slots=True)
class Volume:
    """What is said of a window's number of rows."""

    scores: tuple[Score, ...] = ()
    findings: tuple[Finding, ...] = ()


def judge_rows(state: DriftState, when: When, profile: Profile, budget: float, day_off: str) -> tuple[DriftState, Volume]:
    """Return the state that knows this window too, and what is said of it; nothing of the first live window, or of one cut short.

    A finding is a warning at most, and only there where there is something to say.
    """
    rows, usual = rows_of(profile), state.usual
    whole = state.volumes.live and CUT not in profile.counts
    if usual is None or usual.budget != budget or _old(usual, when.day):
        usual = row_count.fit(state.volumes.of(_known(state, when.day)), when.day, budget)
    state = replace(state, usual=usual, volumes=state.volumes.add(when, rows, live=True))
    verdict = row_count.judge(usual, when.day, when.hour, rows) if whole else None
    return state, Volume() if verdict is None else _told(usual, verdict, day_off)


def _old(usual: Usual, day: int) -> bool:
    """Whether it is made anew: at the first window of a week, and of a day as long as there are few."""
    return iso_week(day) > iso_week(usual.fitted_on) or (usual.windows < row_count.CALIBRATED_WINDOWS and day > usual.fitted_on)


def _known(state: DriftState, day: int) -> NDArray[np.bool_]:
    """Return which past windows say what is usual on a day."""
    past = state.volumes
    kept = (past.days < day) & (past.days >= day - DAYS)
    for first, last in state.off:
        kept &= (past.days < first) | (past.days > last)
    for begin, end in state.excluded:
        kept &= (past.starts < begin) | (past.starts >= end)
    return kept


def _told(usual: Usual, verdict: RowVerdict, day_off: str) -> Volume:
    where = {"kind": KIND, "feature": FEATURE, "reference": REFERENCE}
    numbers = (
        (catalog.DRIFT_SEVERITY, verdict.severity),
        (catalog.DRIFT_STATISTIC, abs(verdict.z)),
        (catalog.DRIFT_THRESHOLD, verdict.line),
        (catalog.DRIFT_P_VALUE, verdict.p_value),
        (catalog.DRIFT_SAMPLES, verdict.rows),
    )
    low, high = verdict.usual
    shown = (
        *(Score(metric, float(value), where) for metric, value in numbers),
        Score(catalog.DATA_ROWS_LOWER, low),
        Score(catalog.DATA_ROWS_UPPER, high),
    )
    level = _level(usual, verdict)
    if level is None:
        return Volume(shown)
    parts = list(_parts(usual, verdict))
    if day_off and level == "warning":
        level = "information"
        parts.append(day_off)
    finding = Finding(
        KIND, FEATURE, REFERENCE, abs(verdict.z), verdict.line, verdict.severity, verdict.p_value, verdict.rows, verdict.seen, "share",
        level, _status(usual), {}, "; ".join(parts),
    )  # fmt: skip
    return Volume(shown, (finding,))


def _level(usual: Usual, verdict: RowVerdict) -> Level | None:
    if verdict.severity <= 1:
        return None
    return "warning" if verdict.matters and usual.windows >= row_count.ENOUGH_WINDOWS else "information"


def _parts(usual: Usual, verdict: RowVerdict) -> Iterable[str]:
    low, high = (math.ceil(verdict.usual[0]), math.floor(verdict.usual[1]))
    yield f"{verdict.rows} rows in this window, {low} to {high} are usual{_AT[usual.slots]}"
    yield f"severity {verdict.severity:.2f}, line 1.0; p {verdict.p_value:.2g} against the {len(usual.days)} days before"
    if not verdict.matters:
        yield f"less than {row_count.FACTOR:g}-fold: too little to matter"
    yield f"{_status(usual)}: {usual.windows} windows of {len(usual.days)} days"


def _status(usual: Usual) -> str:
    if usual.windows < row_count.ENOUGH_WINDOWS:
        return "uncalibrated"
    enough = usual.windows >= row_count.CALIBRATED_WINDOWS and len(usual.days) >= days_needed(usual.budget)
    return "calibrated" if enough else "provisional"
