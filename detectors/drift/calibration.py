"""The alarm rule: a reference's status and lines, and the judgement of live windows against them (facts of statistics rule 5)."""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from detectors.drift.days import LOOK_BACK, DayScore, DayState
from detectors.drift.effect import MinEffect
from detectors.drift.evidence import LEAST_DAYS, Evidence, gather
from detectors.drift.explanation import describe_sum, explain, no_severity, too_few_rows
from detectors.drift.families import FAMILIES, WITH_LOCATION
from detectors.drift.history import FeatureHistory
from detectors.drift.judging import Critical, smallest_changes
from detectors.drift.panel import Panel, measure_window
from detectors.drift.readings import Readings, day_scores
from detectors.drift.replay import LEAST_WINDOWS, FeatureModel, Replay, replay_reference
from detectors.drift.scaling import ENOUGH_WINDOWS
from detectors.drift.statistics import LEAST_ROWS
from detectors.drift.verdict import FeatureVerdict, Status, Verdict
from detectors.drift.weighing import collect
from detectors.types import Level

__all__ = ["Calibration", "DayState", "DecidingDay", "FeatureHistory", "MinEffect", "calibrate"]

CALIBRATED_WINDOWS = 50
_MONTH = 30
_LISTED_DAYS = 5


@dataclass(frozen=True, slots=True)
class DecidingDay:
    """A reference day that sets the line, or stands next to it; a person may exclude its window."""

    day: int
    """Calendar day of the window behind it; where two days of three carry the value, the more unusual one."""
    window: int
    """Index among the windows given to `calibrate`."""
    feature: str
    test: str
    unusual: float
    """U."""
    decides: bool
    """Whether the line would be lower without it."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A reference replayed against itself, ready to judge live windows."""

    budget: float
    """Alarm episodes allowed in 30 days, over all features."""
    min_effect: MinEffect
    windows: int
    """W: reference windows with rows enough."""
    days: int
    """D: calendar days with at least one."""
    features: Mapping[str, int]
    """Every feature of the reference and the windows it has; below 8 it is not judged."""
    replay: Replay
    critical: Critical
    evidence: Evidence | None = None
    """Sums over whole days, where they are judged beside the rule of single days."""
    models: Mapping[str, FeatureModel] = field(init=False, repr=False, compare=False)
    """By feature."""
    panel: Panel = field(init=False, repr=False, compare=False)
    """Its features side by side."""
    worst: tuple[float, ...] = field(init=False, repr=False, compare=False)
    """The largest severity of each of the reference's own days, ascending."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "models", {model.name: model for model in self.replay.models})
        object.__setattr__(self, "panel", Panel.of(self.replay.models))
        worst = np.fmax.reduce(self.severities, axis=1, initial=np.nan)
        object.__setattr__(self, "worst", tuple(np.sort(worst[~np.isnan(worst)]).tolist()))

    @property
    def gamma(self) -> float:
        """The U that the reference's own worst days reach; where sums over days are judged too, those of so many episodes."""
        return self.evidence.gamma if self.evidence else self.replay.gamma

    @property
    def line(self) -> float:
        """What the U of a day is divided by: gamma, and a margin where sums over days are judged too."""
        return self.gamma * (self.evidence.margin if self.evidence else 1.0)

    @property
    def severities(self) -> NDArray[np.float64]:
        """[days, features] severity of the reference's own days."""
        single = self.replay.unusual / self.line
        return np.fmax(single, self.evidence.reference) if self.evidence else single

    @property
    def status(self) -> Status:
        """How far the reference can be trusted; under 8 windows there is no severity at all."""
        return _status(self.windows, self.days, self.budget)

    @property
    def has_severity(self) -> bool:
        """Whether severities exist at all."""
        return self.windows >= LEAST_WINDOWS

    @property
    def days_needed(self) -> int:
        """Calendar days of reference the budget takes."""
        return days_needed(self.budget)

    @property
    def days_missing(self) -> int:
        """Calendar days still lacking until calibrated, at the windows a day there are now (one a day where there are none)."""
        pace = self.windows / self.days if self.days else 1.0
        for_windows = math.ceil((CALIBRATED_WINDOWS - self.windows) / pace - 1e-9)
        return max(0, for_windows, self.days_needed - self.days)

    @property
    def deciding(self) -> tuple[DecidingDay, ...]:
        """The most unusual reference windows, largest first: those that set the line and, up to five, those next to it."""
        unusual = self.replay.unusual
        found: dict[tuple[int, str], DecidingDay] = {}
        if unusual.size:
            worst = np.fmax.reduce(unusual, axis=1)
            for place, row in enumerate(np.argsort(-worst, kind="stable").tolist()):
                if place >= self.replay.rank and worst[row] < self.gamma and len(found) >= _LISTED_DAYS:
                    break
                entry = self._deciding(row)
                found.setdefault((entry.window, entry.feature), entry)
        return tuple(found.values())

    def compared(self, feature: str, slot: int = 0) -> NDArray[np.int64] | None:
        """Return the counts [K] a live window of this slot is held against; None for a feature that is not judged."""
        model = self.models.get(feature)
        return None if model is None else model.comparison[model.slots.get(slot, 0)]

    def knows(self, slot: int | None) -> bool:
        """Whether windows of this slot are held against their own season; also where nothing has seasons."""
        seasons = [model.slots for model in self.replay.models if model.slots]
        return slot is None or not seasons or any(slot in known for known in seasons)

    def judge(
        self, state: DayState, day: int, counts: Mapping[str, NDArray[np.int64]], slot: int = 0, *, rates: bool = True
    ) -> tuple[DayState, Verdict]:
        """Judge one live window of calendar day `day`: count vectors [K] by feature. Windows come in time order.

        `slot` is the window's season, where the reference was replayed with slots; `rates`: say which rises of missing and new
        values are seen.
        A feature that is not in `counts`, has too few rows or no reference gets a verdict that says so.
        Raises ValueError when a vector does not have the reference's columns.
        """
        rows = {name: int(vector.sum()) for name, vector in counts.items()}
        enough = {name: vector for name, vector in counts.items() if rows[name] >= LEAST_ROWS}
        for model in self.replay.models:
            if model.name in enough and enough[model.name].shape != model.comparison.shape[1:]:
                raise ValueError(
                    f"feature {model.name!r}: {enough[model.name].shape} columns, the reference has {model.comparison.shape[1:]}"
                )
        found = measure_window(self.replay, self.panel, enough, self.min_effect, slot)
        readings = Readings.of(self.replay, found, smallest_changes(self.replay, self.critical, found, rates=rates))
        scores = day_scores(self.panel, found)
        state = state.add(day, scores)
        if self.evidence:
            state = replace(state, whole=collect(self.evidence, state.whole, day, enough))
        verdicts = []
        for name in [*self.features, *(name for name in counts if name not in self.features)]:
            if name in scores:
                verdicts.append(self._verdict(state, day, readings, self.models[name], rows[name], scores[name]))
            else:
                verdicts.append(self._without(name, rows.get(name)))
        return state, Verdict(self.status, tuple(verdicts))

    def _verdict(
        self, state: DayState, day: int, readings: Readings, model: FeatureModel, samples: int, score: DayScore
    ) -> FeatureVerdict:  # fmt: skip
        today = state.days[day][model.name]
        lasting = state.lasting(day, model.name) / self.replay.rho
        severity = max(today.value, lasting) / self.line
        # Across a change of reference a day's score may rest on a sub-test this one lacks: the window's own is shown then.
        test = today.test if today.test in model.yardstick.tests else score.test
        at = model.tests.start + model.yardstick.tests.index(test)
        threshold = readings.thresholds[at]
        statistic, line, effect = today.value * threshold, self.line * threshold, today.effect
        alarm, carried, span = severity > 1, lasting > today.value, 0
        over_days = state.whole.lasting.get(model.name) if self.evidence else None
        if self.evidence and over_days:
            # The severer of the two, and the larger effect of those that alarm.
            severer = over_days.value > severity
            if over_days.value > 1 and alarm:
                effect = max(over_days.effect, effect)
            elif severer:
                effect = over_days.effect
            if severer:
                test, carried, span = over_days.label.partition(" ")[0], False, over_days.span
                severity, line, alarm = over_days.value, self.evidence.threshold, over_days.value > 1
                statistic = severity * line
        status, unusual = _status(min(model.windows, self.windows), min(model.days, self.days), self.budget), score.value > 1
        p_value = self._p_value(severity)
        what = describe_sum(over_days.label, over_days.change, span) if over_days and span else readings.changes(at, model)
        told = explain(what, samples, severity, p_value, self.days, effect, carried=carried, alarm=alarm, unusual=unusual)
        mde = dict(zip(model.yardstick.tests, readings.mde[model.tests], strict=True))
        return FeatureVerdict(
            model.name, status, samples, told, test, statistic, line, severity, p_value, alarm, unusual, carried, span, effect,
            _level(status, alarm=alarm, matters=effect >= 1, unusual=unusual),
            mde.get("location", math.nan), mde["shape"], mde["missing"], mde.get("new", math.nan),
        )  # fmt: skip

    def _p_value(self, severity: float) -> float:
        """Return the share of the reference's own days at least as severe, this one counted with them."""
        below = bisect_left(self.worst, severity)
        return (1 + len(self.worst) - below) / (self.days + 1)

    def _without(self, name: str, rows: int | None) -> FeatureVerdict:
        if rows is None or rows < LEAST_ROWS:
            return FeatureVerdict(name, "insufficient", rows or 0, too_few_rows(rows or 0, LEAST_ROWS))
        return FeatureVerdict(name, "uncalibrated", rows, no_severity(self.features.get(name, 0), LEAST_WINDOWS))

    def _deciding(self, row: int) -> DecidingDay:
        replayed = self.replay
        column = int(np.nanargmax(replayed.unusual[row]))
        day = int(replayed.present[row])
        if replayed.lasting[row, column] / replayed.rho > replayed.daily[row, column]:
            near = np.flatnonzero((replayed.present <= day) & (replayed.present >= day - LOOK_BACK))
            day = int(replayed.present[near[np.nanargmax(replayed.daily[near, column])]])
        inside = np.flatnonzero(replayed.days == day)
        window = int(inside[np.nanargmax(replayed.values[inside, column])])
        model = replayed.models[column]
        relative = (replayed.strengths[window] / replayed.thresholds)[model.tests]
        value = float(replayed.unusual[row, column])
        return DecidingDay(
            day, int(replayed.source[window]), model.name, model.yardstick.tests[int(np.nanargmax(relative))], value,
            self.gamma > 1 and value >= self.gamma,
        )  # fmt: skip


def calibrate(
    features: Sequence[FeatureHistory],
    days: NDArray[np.int64],
    budget: float,
    min_effect: MinEffect | None = None,
    slots: NDArray[np.int64] | None = None,
    *,
    evidence: bool = False,
) -> Calibration:
    """Replay a reference against itself and set the lines.

    `days` [windows] are the calendar days (ordinals, endpoint time zone) of the windows of all features; `budget` the alarm
    episodes allowed in 30 days; `slots` [windows] the season of each, None: all are compared with all. With `evidence`, sums
    over whole days are judged beside single days, under the same budget.
    Raises ValueError for a budget that is not positive, and for shapes that do not fit.
    """
    if not budget > 0:
        raise ValueError(f"the alarm budget must be positive, not {budget}")
    days = np.asarray(days, np.int64)
    for feature in features:
        feature.check(len(days))
    scored = np.any([feature.scored for feature in features], axis=0) if features else np.zeros(len(days), np.bool_)
    summed = evidence and len(np.unique(days[scored])) >= LEAST_DAYS
    season = None if slots is None else np.asarray(slots, np.int64)
    replayed = replay_reference(features, days, budget, season, WITH_LOCATION if summed else FAMILIES)
    smallest = min_effect or MinEffect()
    found = gather(features, replayed, budget, smallest) if summed else None
    return Calibration(
        budget, smallest, len(replayed.days), len(replayed.present),
        {feature.name: int(feature.scored.sum()) for feature in features}, replayed,
        Critical.of(replayed, found.gamma * found.margin if found else replayed.gamma), found,
    )  # fmt: skip


def days_needed(budget: float) -> int:
    """Return the calendar days of reference that a budget (episodes in 30 days) takes to be calibrated."""
    return math.ceil(_MONTH / budget - 1 - 1e-9)


def _status(windows: int, days: int, budget: float) -> Status:
    if windows >= CALIBRATED_WINDOWS and days >= days_needed(budget):
        return "calibrated"
    return "provisional" if windows >= ENOUGH_WINDOWS else "uncalibrated"


def _level(status: Status, *, alarm: bool, matters: bool, unusual: bool) -> Level | None:
    if alarm and matters and status == "calibrated":
        return "page"
    if alarm and matters and status == "provisional":
        return "warning"
    return "information" if alarm or unusual else None
