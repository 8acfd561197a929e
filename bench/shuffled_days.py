"""One permutation of the flights: the drift rule fitted on the first days and run over the rest, as statistics 5.11 says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from bench.flights import DAYS, Column, Flights, cut, episodes
from bench.judged_days import judged
from detectors.drift.calendar import Slots, slot_of
from detectors.drift.calibration import Calibration, FeatureHistory, calibrate
from detectors.drift.counting import count
from detectors.drift.days import blocks_of
from detectors.drift.grid import Grid, fit_categories, fit_numeric
from detectors.drift.statistics import LEAST_ROWS
from detectors.types import Category

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Change = Callable[[Column, np.random.Generator], Column]

FIRST_DAY = date(2013, 1, 1).toordinal()
_MONTH = 30
FIRST_CHANGED, LAST_CHANGED = 100, 129
"""Live days whose raw values are changed when power is measured."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A permutation, fitted and counted."""

    flights: Flights
    order: Ints
    """[DAYS] the day of each place."""
    reference: int
    """Days of the reference; the places after it are live."""
    grids: Mapping[str, Grid]
    calibration: Calibration
    alone: Calibration
    """The published rule: without sums over days, and with its families and line."""
    counts: Mapping[str, Ints]
    """[live windows, K]."""
    days: Ints
    """[live windows] place of the day of each."""
    slots: Ints
    """[live windows] its season; 0 where there are none."""

    @classmethod
    def fit(cls, flights: Flights, order: Ints, reference: int, budget: float, season: Slots = "none") -> "Trial":
        """Fit cells, vocabulary and the rule on the first `reference` places; count the rest. Places keep their weekday."""
        places = np.repeat(np.arange(DAYS), flights.windows_a_day)
        rows = [flights.rows(int(order[place]), window) for place in range(DAYS) for window in range(flights.windows_a_day)]
        large = np.array([part.stop - part.start >= LEAST_ROWS for part in rows])
        before = [part for part, place, enough in zip(rows, places, large, strict=True) if place < reference and enough]
        after = [part for part, place, enough in zip(rows, places, large, strict=True) if place >= reference and enough]
        hours = np.tile(np.arange(flights.windows_a_day) * (24 // flights.windows_a_day), DAYS)
        slots = np.array([slot_of(season, FIRST_DAY + place, hour) for place, hour in zip(places.tolist(), hours.tolist(), strict=True)])
        known, live = large & (places < reference), large & (places >= reference)
        before_days, after_days = places[known], places[live]
        grids, histories, counts = {}, [], {}
        for name, column in flights.columns.items():
            grid, history = _fit(name, column, before, before_days)
            grids[name] = grid
            histories.append(history)
            counts[name] = np.array([count(grid, cut(column, part)) for part in after])
        seasons = None if season == "none" else slots[known]
        whole = calibrate(histories, before_days, budget, slots=seasons, evidence=True)
        alone = calibrate(histories, before_days, budget, slots=seasons)
        return cls(flights, order, reference, grids, whole, alone, counts, after_days, slots[live])

    @property
    def live_days(self) -> int:
        """How many days were live."""
        return DAYS - self.reference

    @property
    def of_single_days(self) -> "Trial":
        """The same permutation judged by the published rule."""
        return replace(self, calibration=self.alone)

    def severities(self, counts: Mapping[str, Ints] | None = None) -> tuple[Floats, NDArray[np.bool_]]:
        """Return the severity of each live day and feature, and whether it is an alarm that matters, [live days, features]."""
        present, found, large = judged(self.calibration, counts or self.counts, self.days, self.slots)
        severity, matters = np.zeros((self.live_days, found.shape[1])), np.zeros((self.live_days, found.shape[1]), np.bool_)
        severity[present - self.reference], matters[present - self.reference] = found, large
        return severity, matters

    def alarms(self) -> "Alarms":
        """Count alarm-days and episodes over all features, with and without the smallest effect that matters."""
        severity, matters = self.severities()
        per_month = _MONTH / self.live_days
        ungated = np.any(severity > 1, axis=1, keepdims=True)[:, 0]
        gated = np.any(matters, axis=1, keepdims=True)[:, 0]
        return Alarms(*(number * per_month for number in (ungated.sum(), episodes(ungated), gated.sum(), episodes(gated))))

    def found(self, feature: str, change: Change, random: np.random.Generator) -> "Found":
        """Change one feature's raw values on 30 live days, and tell when its severity says so."""
        column, grid = self.flights.columns[feature], self.grids[feature]
        changed = self.counts[feature].copy()
        first, last = self.reference + FIRST_CHANGED, self.reference + LAST_CHANGED
        place = 0
        for day in range(self.reference, DAYS):
            for window in range(self.flights.windows_a_day):
                rows = self.flights.rows(int(self.order[day]), window)
                if rows.stop - rows.start < LEAST_ROWS:
                    continue
                if first <= day <= last:
                    changed[place] = count(grid, change(cut(column, rows), random))
                place += 1
        severity, matters = self.severities({**self.counts, feature: changed})
        index = [model.name for model in self.calibration.replay.models].index(feature)
        alarms = severity[FIRST_CHANGED : LAST_CHANGED + 1, index] > 1
        gated = matters[FIRST_CHANGED : LAST_CHANGED + 1, index]
        delay = float(np.argmax(alarms)) + 1 if alarms.any() else float("inf")
        return Found(float(alarms.mean()), float(gated.mean()), delay)


@dataclass(frozen=True, slots=True)
class Alarms:
    """Of one permutation, per 30 days, for the whole endpoint."""

    days: float
    episodes: float
    gated_days: float
    gated_episodes: float


@dataclass(frozen=True, slots=True)
class Found:
    """How well one change was seen in one permutation."""

    share: float
    """Of the changed days with an alarm."""
    gated_share: float
    delay: float
    """First such day, from 1; infinite where there is none."""


def moved(column: Column, by: float) -> Change:
    """Return the change that adds `by` standard deviations of the whole column."""
    if isinstance(column, Category):
        raise TypeError("only numbers can be moved")
    step = by * float(np.nanstd(column))
    return lambda values, _: values + step if not isinstance(values, Category) else values


def lost(share: float) -> Change:
    """Return the change that drops the values of a share of the rows; of one row where the share is 0."""

    def change(values: Column, random: np.random.Generator) -> Column:
        hit = _some(len(values), share, random)
        if isinstance(values, Category):
            return Category(np.where(hit, np.int32(-1), values.codes), values.values)
        return np.where(hit, np.nan, values)

    return change


def recoded(share: float, value: str) -> Change:
    """Return the change that gives a share of the rows (one where it is 0) another category, a known one or a new one."""

    def change(values: Column, random: np.random.Generator) -> Column:
        if not isinstance(values, Category):
            raise TypeError("only categories can be recoded")
        known = values.values if value in values.values else (*values.values, value)
        hit = _some(len(values), share, random)
        return Category(np.where(hit, np.int32(known.index(value)), values.codes), known)

    return change


def _some(rows: int, share: float, random: np.random.Generator) -> NDArray[np.bool_]:
    return random.random(rows) < share if share else np.arange(rows) == 0


def _fit(name: str, column: Column, rows: list[slice], days: Ints) -> tuple[Grid, FeatureHistory]:
    parts = [cut(column, part) for part in rows]
    if isinstance(column, Category):
        codes = [part.codes for part in parts if isinstance(part, Category)]
        grid: Grid = fit_categories(Category(np.concatenate(codes), column.values))
        values = np.array([np.bincount(part[part >= 0], minlength=len(column.values)) for part in codes])
        unseen = _unseen(values, blocks_of(days))
        return grid, FeatureHistory(name, "categorical", np.array([count(grid, part) for part in parts]), unseen)
    grid = fit_numeric(np.concatenate([part for part in parts if not isinstance(part, Category)]))
    return grid, FeatureHistory(name, "numeric", np.array([count(grid, part) for part in parts]), np.zeros(len(parts), np.int64))


def _unseen(values: Ints, blocks: NDArray[np.intp]) -> Ints:
    """Return the rows of each window whose value occurs in no other block, from the rows by value [windows, values]."""
    sums = np.zeros((int(blocks.max()) + 1, values.shape[1]), np.int64)
    np.add.at(sums, blocks, values)
    elsewhere = sums.sum(axis=0) - sums[blocks]
    unseen: Ints = np.where(elsewhere == 0, values, 0).sum(axis=1)
    return unseen
