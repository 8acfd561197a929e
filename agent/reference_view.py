"""Says in lines what a reference rests on: is it enough, what can it see, and which days set the alarm line."""

from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np

from detectors.drift.calibration import Calibration
from detectors.drift.cells import FeatureCells
from detectors.drift.days import DayState
from detectors.drift.drift import Drift
from detectors.drift.following import follow
from detectors.drift.histories import Counts
from detectors.drift.learning import days_lacking, ready
from detectors.drift.stored_window import StoredWindow
from detectors.drift.verdict import FeatureVerdict
from detectors.types import Plain


def described(plain: Plain, detector: Drift) -> Iterator[str]:
    """Yield the lines of a saved detector state or baseline; both references of a stream that has two."""
    state = detector.under(detector.restore(plain))
    if not state.cells:
        yield "nothing fixed yet: fewer than 2,000 rows"
        return
    yield f"features: {', '.join(known.name for known in state.cells)}"
    for name, reason in state.aside.items():
        yield f"not watched: {name} ({reason})"
    state, fixed = ready(state, state.windows[-1].day if state.windows else 0, detector.terms)
    taken = sum(state.is_excluded(window.when) for window in state.windows)
    yield from _reference("fixed", fixed, state.cells, [one for one in state.windows if not state.is_excluded(one.when)], taken)
    if state.rolling is not None:
        state, rolling = follow(state, state.rolling.fitted_on, detector.terms)
        if state.rolling is not None and rolling is not None:
            kept = [one for one in state.rolling.fitted if not state.is_excluded(one.when)]
            yield from _reference("rolling", rolling, state.rolling.cells, kept, len(state.rolling.fitted) - len(kept))


def _reference(name: str, found: Calibration, cells: Sequence[FeatureCells], windows: Sequence[StoredWindow], taken: int) -> Iterator[str]:
    missing = days_lacking(found)
    lacks = f"; {missing} more days until calibrated" if missing else ""
    yield f"{name} reference: status {found.status}: {found.windows} windows on {found.days} days{lacks}"
    if taken:
        yield f"  taken out: {taken} windows"
    if windows and found.has_severity:
        yield f"  {_sees(found, cells, windows)}"
    for entry in found.deciding:
        weight = "sets the line" if entry.decides else "next to it"
        yield f"  most unusual: {date.fromordinal(entry.day).isoformat()}  {entry.feature} ({entry.test})  {weight}"


def _sees(found: Calibration, cells: Sequence[FeatureCells], windows: Sequence[StoredWindow]) -> str:
    """Say for a window of the usual size which change of each feature is seen."""
    counts = Counts(cells, windows)
    rows = counts[0].sum(axis=1)
    usual = int(np.argsort(rows, kind="stable")[len(rows) // 2])
    _, verdict = found.judge(DayState(), windows[usual].day, {known.name: counts[index][usual] for index, known in enumerate(cells)})
    told = [(one.feature, _smallest(one)) for one in verdict.features]
    seen = ", ".join(f"{feature} {least}" for feature, least in told if least)
    blind = ", ".join(feature for feature, least in told if not least)
    return f"seen in a window of {int(rows[usual])} rows: {seen or 'nothing'}" + (f"; blind: {blind}" if blind else "")


def _smallest(verdict: FeatureVerdict) -> str:
    if not np.isnan(verdict.mde):
        return f"{verdict.mde:.2g} sd"
    return "" if np.isnan(verdict.mde_shape) else f"PSI {verdict.mde_shape:.2g}"
