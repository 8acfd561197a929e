"""The drift detector: counts features into cells, learns what their windows look like, and judges each closed window."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from detectors import catalog
from detectors.catalog import Metric
from detectors.drift import observing
from detectors.drift.calendar import Days, Slots, slot_of, spans, within
from detectors.drift.calibration import Calibration
from detectors.drift.calls import FEATURES
from detectors.drift.cells import FeatureCells
from detectors.drift.days import DayState
from detectors.drift.effect import MinEffect
from detectors.drift.explanation import too_few_rows
from detectors.drift.following import follow, remember
from detectors.drift.gross import NOTHING, GrossChange, gross_change
from detectors.drift.histories import Histories
from detectors.drift.learning import days_lacking, notice, ready, settle, values, vectors
from detectors.drift.paging import Pages, mutes
from detectors.drift.parity.product import Product
from detectors.drift.row_counts import judge_rows
from detectors.drift.scaling import ENOUGH_WINDOWS
from detectors.drift.state import DriftState, state_from
from detectors.drift.statistics import LEAST_ROWS
from detectors.drift.stored_window import When
from detectors.drift.telling import FIXED, ROLLING, Judged, findings, reference_scores, scores, standing
from detectors.drift.terms import Terms
from detectors.drift.verdict import FeatureVerdict
from detectors.types import Batch, Input, Plain, Profile, Step, Window

Ints = NDArray[np.int64]
Seen: TypeAlias = tuple[Ints, NDArray[np.float64] | None, tuple[Mapping[str, int], int]]
"""Type errors and rows out of range, and the mean value of each cell."""


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
        catalog.DATA_VANISHED_CATEGORY,
        catalog.DATA_ROWS_LOWER,
        catalog.DATA_ROWS_UPPER,
    )

    features: tuple[str, ...] = ()
    """Columns to watch; empty: all features of rows, their `prediction` and probabilities, and of calls what `detectors/drift/calls.py` lists."""
    min_effect: MinEffect = field(default_factory=MinEffect)
    """The smallest change worth an alarm."""
    slots: Slots = "none"
    """Compare windows with those of their own weekday, hour of day or hour of week only, where the reference has four of them or more."""
    thresholds: Product | None = None
    """Also score the kept rows of each window as this product would: shown, with no promise about false alarms. Needs `keep_rows`."""
    budget: float = 1.0
    """Alarm episodes allowed in 30 days; the endpoint's `alarm_budget` sets it."""
    pages: Pages = "rolling"
    """Which reference may page; the endpoint's `reference.pages` sets it."""
    exclude: tuple[Days, ...] = ()
    """Days that are judged, but neither learnt from nor paged on; the endpoint's `reference.exclude` sets it."""
    holidays: tuple[Days, ...] = ()
    """The same for holidays; the endpoint's `reference.holidays` sets it."""
    input: Input = "auto"
    """What is read of endpoints that send both calls and metrics; the endpoint's `input` sets it."""
    named: tuple[str, ...] = ()
    """Columns whose new categories are told by name; the endpoint's `columns.categorical` sets it."""

    @property
    def terms(self) -> Terms:
        """What its references are calibrated for: two that both page share the budget."""
        return Terms(self.budget / 2 if self.pages == "both" else self.budget, self.min_effect, self.slots)

    def restore(self, saved: Plain | None) -> DriftState:
        """Return a saved state or baseline, or a fresh one that learns its reference from live windows."""
        return DriftState() if saved is None else state_from(saved)

    def under(self, state: DriftState) -> DriftState:
        """Return the state with the days kept out of its references that are to be."""
        return state.under(spans((*self.exclude, *self.holidays)))

    def observe(self, state: DriftState, batch: Batch) -> Profile:
        """Count a batch into cells, or into leading bits and values as long as there are no cells."""
        if batch.kind == "calls" and self.input == "metrics":
            return Profile()
        again = state.rolling.again if state.rolling is not None else {}
        named = FEATURES if batch.kind == "calls" else self.named
        return observing.observe(batch, state.index, state.aside, self.features, learning=not state.frozen, again=again, named=named)

    def step(self, state: DriftState, window: Window, profile: Profile) -> Step:
        """Judge a closed window by what is known so far, and only then let the references learn from it."""
        rows = observing.rows_of(profile)
        state = notice(self.under(state), profile)
        if rows >= LEAST_ROWS and not state.cells:
            state = settle(state, window, profile)
        state, fixed = ready(state, window.day, self.terms)
        state, rolling = follow(state, window.day, self.terms)
        if not rows:
            return Step(state)
        when, off = When.of(window), self._day_off(window.day)
        slot = None if self.slots == "none" else slot_of(self.slots, when.day, when.hour)
        counted = vectors(state.cells, profile)
        seen = _seen(profile, state.cells)
        days, judged = _judge(FIXED, state.days, fixed, state.cells, counted, seen, rows, when.day, slot, _usual(state))
        judged = _with_gross(state, judged, self.min_effect)
        # What is seen on a day that is kept out of the references, or lacks a season to be held against, does not last.
        state = state if off or not fixed.knows(slot) else replace(state, days=days)
        told = [*reference_scores(FIXED, _status(fixed, rows), days_lacking(fixed))]
        if state.rolling is not None and rolling is not None:
            cells = state.rolling.cells
            recounted = counted if not state.rolling.generation else vectors(cells, profile)
            seen = _seen(profile, cells, seen)
            days, more = _judge(ROLLING, state.rolling.days, rolling, cells, recounted, seen, rows, when.day, slot, {})
            judged += more
            told += reference_scores(ROLLING, _status(rolling, rows), days_lacking(rolling))
            state = state if off or not rolling.knows(slot) else replace(state, rolling=replace(state.rolling, days=days))
        else:
            recounted = []
        if rows >= LEAST_ROWS and not state.complete and not observing.late(profile, state.cells):
            state = state.add(when, counted, values(profile))
        state = remember(state, when, recounted, profile)
        lacking = {name for name, one in ((FIXED, fixed), (ROLLING, rolling)) if one is not None and not one.knows(slot)}
        found = findings(judged, mutes(judged, self.pages, off, lacking))
        state, volume = judge_rows(state, when, profile, self.budget, off)
        return Step(state, (*scores(judged, found), *told, *volume.scores), (*found, *volume.findings))

    def _day_off(self, day: int) -> str:
        if within(day, spans(self.exclude)):
            return "excluded day: judged, not learnt from, nobody is paged"
        return "holiday: judged, not learnt from, nobody is paged" if within(day, spans(self.holidays)) else ""


def _usual(state: DriftState) -> Mapping[str, Ints]:
    """Return what windows are described against by feature: the file, or all reference windows."""
    totals = state.split(state.totals) if len(state.totals) else {}
    return totals | {known.name: known.file for known in state.cells if known.file is not None}


def _status(calibration: Calibration, rows: int) -> str:
    return "insufficient" if rows < LEAST_ROWS else calibration.status


def _seen(profile: Profile, cells: Sequence[FeatureCells], before: Mapping[str, Seen] | None = None) -> Mapping[str, Seen]:
    """Return checks, cell means and new values by the key of each feature; what is there already is not worked out again."""
    known = before or {}
    return {
        one.key: known[one.key]
        if one.key in known
        else (observing.checks(profile, one), observing.cell_means(profile, one), observing.fresh(profile, one))
        for one in cells
    }


def _judge(
    reference: str,
    days: DayState,
    calibration: Calibration,
    cells: Sequence[FeatureCells],
    counted: Sequence[Ints],
    seen: Mapping[str, Seen],
    rows: int,
    day: int,
    slot: int | None,
    usual: Mapping[str, Ints],
) -> tuple[DayState, list[Judged]]:
    """Return the recent days and a verdict for each feature.

    It is described against `usual`, or where there are slots, and where there is no usual, against what it was compared with.
    """
    by_name = {known.name: vector for known, vector in zip(cells, counted, strict=True)}
    if rows < LEAST_ROWS:
        verdicts = {name: _too_few(name, int(vector.sum())) for name, vector in by_name.items()}
    else:
        days, verdict = calibration.judge(days, day, by_name, slot or 0, rates=False)  # no finding shows them
        verdicts = {one.feature: one for one in verdict.features}
    words, judged = standing(calibration), []
    for known in cells:
        vector = by_name[known.name]
        known_usual, compared = usual.get(known.name), calibration.compared(known.name, slot or 0)
        # What of a vocabulary's own windows nobody had before is told apart only where they are compared.
        choices = (known_usual, compared) if slot is None and not known.own_vocabulary else (compared, known_usual)
        described = next((one for one in choices if one is not None), np.zeros(len(vector), np.int64))
        checks, means, fresh = seen[known.key]
        judged.append(Judged(reference, words, known, verdicts[known.name], NOTHING, vector, checks, described, means, *fresh))
    return days, judged


def _too_few(name: str, rows: int) -> FeatureVerdict:
    return FeatureVerdict(name, "insufficient", rows, too_few_rows(rows, LEAST_ROWS))


def _with_gross(state: DriftState, judged: list[Judged], smallest: MinEffect) -> list[Judged]:
    """Return the verdicts of the first days with what is too large a change to need a calibrated reference."""
    if len(state.windows) >= ENOUGH_WINDOWS:
        return judged
    changes: list[GrossChange] = [gross_change(known, one.vector, smallest) for known, one in zip(Histories(state), judged, strict=True)]
    return [replace(one, gross=change) for one, change in zip(judged, changes, strict=True)]
