"""Compares two sets of rows column by column: what drifted, by theory for independent rows, and what is wrong with the data."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from detectors.drift.check_column import Measured, measure, reason_aside
from detectors.drift.check_quality import Quality, Vanishing, column_quality, flag_quality
from detectors.drift.descriptive import Sides, coarse, distances
from detectors.drift.effect import MinEffect
from detectors.drift.grid import NumericGrid
from detectors.drift.mde import location_mde, shape_mde
from detectors.drift.naming import foremost, listed
from detectors.drift.statistics import LEAST_ROWS
from detectors.drift.survival import f_isf, normal_isf
from detectors.drift.wording import describe, percent
from detectors.types import Column, Plain

VERSION = 1
NOTE = "p-values assume independent rows; rows of one hour or one customer are not, so on busy streams they are too small"
_LOG_TEN = float(np.log(10))
_STRONGEST = 300.0


@dataclass(frozen=True, slots=True)
class ColumnScore:
    """The verdict on one column."""

    kind: str
    """data or prediction."""
    feature: str
    statistic: float
    """-log10 of `p_value`, at most 300; NaN: too few rows."""
    threshold: float
    """-log10 of the level."""
    p_value: float
    """Smallest of the column's sub-tests, adjusted for all columns and sub-tests (Holm)."""
    samples: int
    mde: float
    """Smallest change seen with 80 % power: rank sd of the mean (numeric), PSI (categorical)."""
    drifted: bool
    """Significant, and large enough to matter."""
    methods: Mapping[str, float]
    explanation: str

    @property
    def severity(self) -> float:
        """Statistic over threshold; above 1 is significant."""
        return self.statistic / self.threshold

    def plain(self) -> Plain:
        """Return the score as data; NaN becomes None."""
        return {
            "kind": self.kind,
            "feature": self.feature,
            "statistic": _number(self.statistic),
            "threshold": _number(self.threshold),
            "severity": _number(self.severity),
            "p_value": _number(self.p_value),
            "samples": self.samples,
            "mde": _number(self.mde),
            "drifted": self.drifted,
            "methods": {name: _number(value) for name, value in self.methods.items()},
            "explanation": self.explanation,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """What `driftline check` answers."""

    verdict: str
    """drift, stable, or insufficient where no column had rows enough on both sides."""
    reference_rows: int
    current_rows: int
    level: float
    scores: tuple[ColumnScore, ...]
    quality: tuple[Quality, ...]
    set_aside: tuple[tuple[str, str], ...]
    """Column and reason."""

    @property
    def drifted(self) -> tuple[str, ...]:
        """The columns that drifted, in the order of the reference."""
        return tuple(score.feature for score in self.scores if score.drifted)

    def plain(self) -> Plain:
        """Return the object of `check --json`, version 1."""
        return {
            "version": VERSION,
            "verdict": self.verdict,
            "rows": {"reference": self.reference_rows, "current": self.current_rows},
            "level": self.level,
            "scores": [score.plain() for score in self.scores],
            "drifted": list(self.drifted),
            "quality": [finding.plain() for finding in self.quality],
            "set_aside": [{"feature": feature, "reason": reason} for feature, reason in self.set_aside],
            "note": NOTE,
        }


def check(
    reference: Mapping[str, Column],
    current: Mapping[str, Column],
    level: float = 0.001,
    min_effect: MinEffect | None = None,
    predictions: Collection[str] = (),
    wrong: tuple[Mapping[str, int], Mapping[str, int]] = ({}, {}),
    unread: tuple[Mapping[str, str], Mapping[str, str]] = ({}, {}),
) -> Report:
    """Compare the columns of two files.

    `level` bounds the chance that any column is called drifted where nothing changed, over all columns and sub-tests, for
    independent rows. Ids and free text are set aside; a column that is only on one side is a quality finding.
    `predictions` are columns that hold what the model said; `wrong` is how many values of a column could not be read as
    what it is, in the reference and now: they are missing in it. `unread` are columns of each side that hold nothing that
    can be compared, with the reason: they are set aside.
    """
    smallest = min_effect or MinEffect()
    then, now = {**reference, **unread[0]}, {**current, **unread[1]}
    aside = {name: reason for side in unread for name, reason in side.items() if name in then and name in now}
    aside |= {name: reason for name in reference if name in current and (reason := reason_aside(reference[name], current[name]))}
    names = [name for name in reference if name in current and name not in aside]
    measured = [measure(name, reference[name], current[name], smallest) for name in names]
    adjusted = holm([column.log_p if column.scored else np.zeros(0) for column in measured])
    tests = sum(len(column.log_p) for column in measured if column.scored)
    described = distances([_sides(column) for column in measured])
    scores = tuple(
        _score(column, p, level, tests, "prediction" if column.feature in predictions else "data", methods)
        for column, p, methods in zip(measured, adjusted, described, strict=True)
    )
    checks = [
        column_quality(
            column, reference[column.feature], current[column.feature], (wrong[0].get(column.feature, 0), wrong[1].get(column.feature, 0))
        )
        for column in measured
    ]
    alarms = {
        column.feature: {test for test, log in zip(column.yardstick.tests, p, strict=False) if log <= np.log(level)}
        for column, p in zip(measured, adjusted, strict=True)
    }
    vanished = [Vanishing(name, name in then) for name in (*then, *now) if (name in then) != (name in now)]
    rows_then, rows_now = _rows(reference), _rows(current)
    scored = any(not np.isnan(score.statistic) for score in scores)
    verdict = "insufficient" if not scored else "drift" if any(score.drifted for score in scores) else "stable"
    return Report(
        verdict, rows_then, rows_now, level, scores, flag_quality(checks, alarms, vanished, level, smallest.points), tuple(aside.items())
    )


def holm(log_p: list[NDArray[np.float64]]) -> list[NDArray[np.float64]]:
    """Return log p adjusted by Holm's step-down over all arrays together: p <= level keeps the family-wise error at level.

    >>> [np.exp(part).round(3).tolist() for part in holm([np.log([0.01, 0.04]), np.log([0.03])])]
    [[0.03, 0.06], [0.06]]
    """
    flat = np.concatenate([*log_p, np.empty(0)])
    order = np.argsort(flat, kind="stable")
    steps = np.log(len(flat) - np.arange(len(flat)))
    result = np.empty(len(flat))
    result[order] = np.minimum(np.maximum.accumulate(flat[order] + steps), 0.0)
    return np.split(result, np.cumsum([len(part) for part in log_p])[:-1]) if log_p else []


def _sides(column: Measured) -> Sides:
    then, now = column.then.cells, column.now.cells
    return Sides(column.grid, coarse(column.grid, then), then, now, column.then_means, column.now_means)


def _score(
    column: Measured, adjusted: NDArray[np.float64], level: float, tests: int, kind: str, methods: Mapping[str, float]
) -> ColumnScore:
    threshold = -float(np.log10(level))
    rows = int(column.now.cells.sum())
    best, log = (int(np.argmin(column.log_p)), float(adjusted.min())) if column.scored else (0, 0.0)
    significant = log <= np.log(level)
    lacking = _lacking(column, significant=bool(significant))
    if lacking:
        return ColumnScore(kind, column.feature, np.nan, threshold, np.nan, rows, np.nan, False, methods, lacking)
    drifted = bool(significant and column.effect >= 1)
    test, share = column.yardstick.tests[best], column.new / max(rows, 1)
    # The cells are those of both sides, so that no cell holds what is new.
    what = (
        f"values the reference does not have in {percent(share)} of rows: {_named(column.added)}"
        if test == "new"
        else describe(
            test, column.grid, column.then.cells, column.now.cells, column.then_means, float(column.change[best]), column.now_means
        )
    )
    if drifted:
        text = what
    elif significant:
        text = f"real but too small to matter: {what}"
    else:
        text = "no change beyond chance"
    if not column.now.cells[:-1].sum():
        text += "; no values at all"
    p = float(np.exp(log))
    return ColumnScore(
        kind, column.feature, min(-log / _LOG_TEN, _STRONGEST) + 0.0, threshold, p, rows, _mde(column, level / max(tests, 1)), drifted,
        methods, text,
    )  # fmt: skip


def _lacking(column: Measured, *, significant: bool) -> str:
    """Return why a column cannot be judged, "" where it can: few rows, or few of them with a value and nothing else to see."""
    rows, other_rows = int(column.now.cells.sum()), int(column.then.cells.sum())
    what = "rows"
    if column.scored:
        rows, other_rows = int(column.now.cells[:-1].sum()), int(column.then.cells[:-1].sum())
        what = "rows with a value"
        if significant or not max(rows, other_rows) or min(rows, other_rows) >= LEAST_ROWS:
            return ""
    side = "current" if rows < LEAST_ROWS else "reference"
    return f"too little data: {min(rows, other_rows)} {side} {what}, {LEAST_ROWS} are needed"


def _named(values: Mapping[str, int], most: int = 5) -> str:
    return listed(foremost(values, most), max(len(values) - most, 0))


def _mde(column: Measured, level: float) -> float:
    """Return the smallest change seen at the first step of Holm: rank sd (numeric), PSI (categorical); NaN: blind."""
    numeric = isinstance(column.grid, NumericGrid)
    compared = column.comparison
    n, m = (compared.value_rows, compared.other_value_rows) if numeric else (compared.rows, compared.other_rows)
    freedom = 1.0 if numeric else float(max(column.yardstick.groups.max(), 1))
    if min(n[0], m[0]) < LEAST_ROWS or (numeric and not len(column.yardstick.scores)):
        return np.nan
    critical = np.full(1, _critical(level, freedom))
    one = np.ones(1)
    return float(location_mde(critical, one, n, m)[0] if numeric else shape_mde(critical, one, freedom * one, n, m)[0])


@lru_cache(maxsize=256)
def _critical(level: float, freedom: float) -> float:
    """Return the chi-square over its freedom that independent rows exceed with chance `level`: F with endless denominator freedom."""
    return normal_isf(level / 2) ** 2 if freedom == 1 else float(f_isf(np.log(level), freedom, 1e9))


def _rows(columns: Mapping[str, Column]) -> int:
    return max((len(column) for column in columns.values()), default=0)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
