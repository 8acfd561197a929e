"""Streams of independent rows: how many windows a shift of five features among thirty waits for its alarm.

20 numeric features (normal, lognormal, t with 3 degrees of freedom, exponential of a normal, zero-inflated lognormal) and
10 of 5 to 200 categories with Zipf frequencies; one window a day, 60 of reference.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.flights import Column
from bench.judged_days import judged
from detectors.drift.calibration import FeatureHistory, calibrate
from detectors.drift.counting import count
from detectors.drift.grid import Grid, fit_categories, fit_numeric
from detectors.types import Category

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Draw = Callable[[int, float, np.random.Generator], Column]

REFERENCE = 60
QUIET = 10
"""Live windows before the shift."""
CATEGORIES = (5, 5, 8, 10, 20, 20, 50, 50, 100, 200)


@dataclass(frozen=True, slots=True)
class Feature:
    """One column: `draw(rows, shift, random)`, and whether it is among those that shift."""

    name: str
    draw: Draw
    shifts: bool


def normal(rows: int, shift: float, random: np.random.Generator) -> Column:
    """Draw a normal column, moved by `shift` standard deviations."""
    return random.standard_normal(rows) + shift


def lognormal(rows: int, shift: float, random: np.random.Generator) -> Column:
    """Draw a lognormal column, multiplied by e^shift."""
    return np.exp(random.standard_normal(rows) + shift)


def heavy(rows: int, shift: float, random: np.random.Generator) -> Column:
    """Draw a t column with 3 degrees of freedom, moved by `shift` of its standard deviations."""
    values: Floats = random.standard_t(3, rows) + shift * np.sqrt(3)
    return values


def skewed(rows: int, shift: float, random: np.random.Generator) -> Column:
    """Draw e to half a normal."""
    values: Floats = np.exp((random.standard_normal(rows) + shift) / 2)
    return values


def inflated(rows: int, shift: float, random: np.random.Generator) -> Column:
    """Draw a lognormal column with 30 % zeros."""
    return np.where(random.random(rows) < 0.3, 0.0, np.exp(random.standard_normal(rows) + shift))


def categories(number: int) -> Draw:
    """Return the draw of a categorical column; a shift multiplies the k-th weight by e^(shift cos 2k)."""
    names = tuple(f"value {place}" for place in range(number))

    def draw(rows: int, shift: float, random: np.random.Generator) -> Column:
        weights = 1 / np.arange(1, number + 1) * np.exp(shift * np.cos(2 * np.arange(number)))
        codes = np.searchsorted(np.cumsum(weights / weights.sum()), random.random(rows)).astype(np.int32)
        return Category(np.minimum(codes, number - 1), names)

    return draw


def thirty() -> list[Feature]:
    """Return the features; a normal, two lognormal and two categorical ones shift."""
    shapes = (normal, lognormal, heavy, skewed, inflated)
    numeric = [Feature(f"{shapes[place % 5].__name__} {place}", shapes[place % 5], place in {0, 1, 6}) for place in range(20)]
    return [*numeric, *(Feature(f"category {place}", categories(number), place in {0, 4}) for place, number in enumerate(CATEGORIES))]


def scaled(base: Draw, by: float) -> Draw:
    """Return the draw of a column that a shift of any size multiplies by `by`."""

    def draw(rows: int, shift: float, random: np.random.Generator) -> Column:
        values = base(rows, 0.0, random)
        return values * (by if shift else 1.0) if not isinstance(values, Category) else values

    return draw


def pareto(rows: int, _: float, random: np.random.Generator) -> Column:
    """Draw a Pareto column of index 1.2."""
    return random.pareto(1.2, rows) + 1


def wide_lognormal(rows: int, _: float, random: np.random.Generator) -> Column:
    """Draw a lognormal column whose logarithm has a standard deviation of 2."""
    return np.exp(2 * random.standard_normal(rows))


def table(
    features: list[Feature], rows: int, shifts: tuple[float, ...], last: int, random: np.random.Generator
) -> dict[str, list[Column]]:  # fmt: skip
    """Return raw windows by feature: those of the reference, the quiet ones, then `last` of each shift."""
    sizes = [(0.0, REFERENCE + QUIET), *((shift, last) for shift in shifts)]
    return {
        feature.name: [feature.draw(rows, shift if feature.shifts else 0.0, random) for shift, number in sizes for _ in range(number)]
        for feature in features
    }


def delays(features: list[Feature], rows: int, shifts: tuple[float, ...], last: int, seed: int, *, evidence: bool) -> tuple[Floats, int]:
    """Return the window, from 1, of the first alarm of each shifted feature [shifts, features], and how many quiet windows alarmed.

    `last` windows are looked at after the shift; infinite where none alarms.
    """
    random = np.random.default_rng([seed, rows])
    days = np.arange(REFERENCE)
    grids, histories, quiet = dict[str, Grid](), [], dict[str, Ints]()
    for feature in features:
        drawn = feature.draw(rows * REFERENCE, 0.0, random)
        parts = [_part(drawn, slice(day * rows, day * rows + rows)) for day in range(REFERENCE)]
        grid = fit_categories(drawn) if isinstance(drawn, Category) else fit_numeric(drawn)
        grids[feature.name] = grid
        counts = np.array([count(grid, part) for part in parts])
        histories.append(FeatureHistory(feature.name, "categorical" if isinstance(drawn, Category) else "numeric", counts, _unseen(parts)))
        quiet[feature.name] = np.array([count(grid, feature.draw(rows, 0.0, random)) for _ in range(QUIET + last)])
    calibration = calibrate(histories, days, 1.0, evidence=evidence)
    live = REFERENCE + np.arange(QUIET + last)
    moving = [place for place, feature in enumerate(features) if feature.shifts]
    found, loud = [], 0
    for shift in shifts:
        moved = dict(quiet)
        for place in moving:
            feature = features[place]
            after = [count(grids[feature.name], feature.draw(rows, shift, random)) for _ in range(last)]
            moved[feature.name] = np.vstack([quiet[feature.name][:QUIET], after])
        severity = judged(calibration, moved, live, np.zeros(len(live), np.int64))[1]
        alarms = severity[QUIET:, moving] > 1
        found.append(np.where(alarms.any(axis=0), np.argmax(alarms, axis=0) + 1.0, np.inf))
        loud = int((severity[:QUIET] > 1).any(axis=1).sum())
    return np.array(found), loud


def _part(column: Column, rows: slice) -> Column:
    return Category(column.codes[rows], column.values) if isinstance(column, Category) else column[rows]


def _unseen(parts: list[Column]) -> Ints:
    """Return the rows of each window whose value occurs in no other week."""
    codes = [part.codes for part in parts if isinstance(part, Category)]
    if not codes:
        return np.zeros(len(parts), np.int64)
    values = np.array([np.bincount(part, minlength=int(max(one.max() for one in codes)) + 1) for part in codes])
    weeks = np.add.reduceat(values, np.arange(0, len(values), 7), axis=0)[np.arange(len(values)) // 7]
    alone: Ints = np.where(values.sum(axis=0) == weeks, values, 0).sum(axis=1)
    return alone
