"""What a reference rests on: is it enough, what does it hold, what can it see, and which days set the alarm line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from math import isnan

import numpy as np
from numpy.typing import NDArray

from detectors.drift.calibration import Calibration
from detectors.drift.cells import FeatureCells
from detectors.drift.days import DayState
from detectors.drift.drift import Drift
from detectors.drift.following import follow
from detectors.drift.histories import Counts
from detectors.drift.learning import days_lacking, ready
from detectors.drift.state import DriftState
from detectors.drift.stored_window import StoredWindow
from detectors.drift.verdict import FeatureVerdict
from detectors.types import Plain

_LEAST_COLUMNS = 3
_MANY_SD = 1.2
"""A shift of the mean that would be seen with the naked eye."""


@dataclass(frozen=True, slots=True)
class FeatureView:
    """One feature of a reference."""

    known: FeatureCells
    counts: NDArray[np.int64]
    """[K] rows of all its windows, or of the file that fixed it; the last column is missing."""
    sees: str = ""
    """The smallest change seen in a window of the usual size; empty: none, or nothing is known of it."""
    line: float = float("nan")
    """What its statistic is held against in such a window; NaN: there is none."""
    test: str = ""
    """The sub-test whose line that is."""
    restless: bool = False
    """Whether its own windows differ so much that hardly any change stands out."""

    @property
    def outside(self) -> float:
        """Share of the rows with a value that lie beyond the outer edges, or are of a new category: shifts among them go unseen."""
        filled = int(self.counts[:-1].sum())
        if not filled or len(self.counts) <= _LEAST_COLUMNS:
            return 0.0
        ends = self.counts[-2] if self.known.measured_as == "categorical" else self.counts[0] + self.counts[-2]
        return int(ends) / filled

    @property
    def missing(self) -> float:
        """Share of rows without a value; NaN without rows."""
        rows = int(self.counts.sum())
        return int(self.counts[-1]) / rows if rows else float("nan")


@dataclass(frozen=True, slots=True)
class ReferenceView:
    """One of a stream's references."""

    name: str
    """fixed or rolling."""
    standing: str
    """Status, windows and days in words."""
    taken: int
    """Windows taken out."""
    rows: int
    """Of a window of the usual size; 0: there is no window."""
    judged: bool
    """Whether there are windows enough for severities at all."""
    features: tuple[FeatureView, ...]
    deciding: tuple[str, ...]
    """The windows that set the alarm line, and those next to it."""


@dataclass(frozen=True, slots=True)
class StateView:
    """Everything there is to show of a saved state or baseline."""

    aside: tuple[tuple[str, str], ...]
    """Columns that are not watched, with the reason."""
    references: tuple[ReferenceView, ...]
    """The fixed one, and the rolling one where there is one; none before 2,000 rows."""


def view(plain: Plain, detector: Drift) -> StateView:
    """Return what a saved detector state or baseline holds."""
    state = detector.under(detector.restore(plain))
    aside = tuple(state.aside.items())
    if not state.cells:
        return StateView(aside, ())
    state, fixed = ready(state, state.windows[-1].day if state.windows else 0, detector.terms)
    found = [_reference("fixed", fixed, state, state.cells, state.windows)]
    if state.rolling is not None:
        state, rolling = follow(state, state.rolling.fitted_on, detector.terms)
        if state.rolling is not None and rolling is not None:
            found.append(_reference("rolling", rolling, state, state.rolling.cells, state.rolling.fitted))
    return StateView(aside, tuple(found))


def described(plain: Plain, detector: Drift) -> Iterator[str]:
    """Yield the lines of a saved detector state or baseline; both references of a stream that has two."""
    yield from in_words(view(plain, detector))


def in_words(seen: StateView) -> Iterator[str]:
    """Yield the same of what was looked at already."""
    if not seen.references:
        yield "nothing fixed yet: fewer than 2,000 rows"
        return
    yield f"features: {', '.join(one.known.name for one in seen.references[0].features)}"
    yield from (f"not watched: {name} ({reason})" for name, reason in seen.aside)
    for reference in seen.references:
        yield from summary(reference)
        if told := _sees(reference):
            yield f"  {told}"
        yield from (f"  most unusual: {entry}" for entry in reference.deciding)


def summary(reference: ReferenceView) -> Iterator[str]:
    """Yield how far a reference can be trusted, and what was taken out."""
    yield f"{reference.name} reference: {reference.standing}"
    if reference.taken:
        yield f"  taken out: {reference.taken} windows"


def _reference(
    name: str, found: Calibration, state: DriftState, cells: Sequence[FeatureCells], windows: Sequence[StoredWindow]
) -> ReferenceView:
    kept = [window for window in windows if not state.is_excluded(window.when)]
    missing = days_lacking(found)
    lacks = f"; {missing} more days until calibrated" if missing else ""
    standing = f"status {found.status}: {found.windows} windows on {found.days} days{lacks}"
    rows, features = _features(found, cells, kept)
    deciding = tuple(
        f"{date.fromordinal(entry.day).isoformat()}  {entry.feature} ({entry.test})  {'sets the line' if entry.decides else 'next to it'}"
        for entry in found.deciding
    )
    return ReferenceView(name, standing, len(windows) - len(kept), rows, found.has_severity, features, deciding)


def _features(found: Calibration, cells: Sequence[FeatureCells], windows: Sequence[StoredWindow]) -> tuple[int, tuple[FeatureView, ...]]:
    """Return the rows of a window of the usual size, and each feature with what is seen in such a window."""
    if not windows:
        empty = (np.zeros(known.grid.columns, np.int64) for known in cells)
        return 0, tuple(FeatureView(known, none if known.file is None else known.file) for known, none in zip(cells, empty, strict=True))
    counts = Counts(cells, windows)
    held = [counts[index] for index in range(len(cells))]
    totals = [known.file if known.file is not None else one.sum(axis=0) for known, one in zip(cells, held, strict=True)]
    rows = held[0].sum(axis=1)
    usual = int(np.argsort(rows, kind="stable")[len(rows) // 2])
    verdicts: dict[str, FeatureVerdict] = {}
    if found.has_severity:
        _, verdict = found.judge(DayState(), windows[usual].day, {known.name: one[usual] for known, one in zip(cells, held, strict=True)})
        verdicts = {one.feature: one for one in verdict.features}
    features = []
    for known, total in zip(cells, totals, strict=True):
        one = verdicts.get(known.name)
        if one is None:
            features.append(FeatureView(known, total))
            continue
        restless = one.samples > 0 and (not one.mde <= _MANY_SD if known.measured_as == "numeric" else isnan(one.mde_shape))
        features.append(FeatureView(known, total, _smallest(one), one.threshold, one.test or "", restless))
    return int(rows[usual]), tuple(features)


def _sees(reference: ReferenceView) -> str:
    """Say for a window of the usual size which change of each feature is seen; nothing where there is no severity."""
    if not reference.rows or not reference.judged:
        return ""
    seen = ", ".join(f"{one.known.name} {one.sees}" for one in reference.features if one.sees)
    blind = ", ".join(one.known.name for one in reference.features if not one.sees)
    return f"seen in a window of {reference.rows} rows: {seen or 'nothing'}" + (f"; blind: {blind}" if blind else "")


def _smallest(verdict: FeatureVerdict) -> str:
    if not np.isnan(verdict.mde):
        return f"{verdict.mde:.2g} sd"
    return "" if np.isnan(verdict.mde_shape) else f"PSI {verdict.mde_shape:.2g}"
