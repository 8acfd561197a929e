"""Live windows judged by the replayed reference (statistics rule 5.3 to 5.9)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.drift.effect import MinEffect, changes, sizes
from detectors.drift.mde import location_mde, rare_mde, shape_mde
from detectors.drift.replay import Replay, never_below_chance
from detectors.drift.scaling import strength
from detectors.drift.statistics import compare, raw_statistics

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_WHOLE = np.zeros(1, np.intp)
_MEASURABLE = 12.0  # strengths above are compressed and cannot be turned back into a p


@dataclass(frozen=True, slots=True)
class Critical:
    """What a live window must reach, the same for every window of a calibration: [tests]."""

    strength: Floats
    """g: the line to beat, on a day of its own or on two of three; NaN where blind."""
    scaled: Floats
    """F*: the scaled statistic that reaches it."""
    groups: Floats
    """How many groups the sub-test's feature has."""
    outermost: Floats
    """The largest location score of the sub-test's feature."""

    @classmethod
    def of(cls, replay: Replay, line_of_days: float) -> "Critical":
        """Turn the lines of a replayed reference into scaled statistics; `line_of_days` is what the U of a day is divided by."""
        line = line_of_days * replay.thresholds
        line = np.where(line > _MEASURABLE, replay.rho * line, line)
        line = np.where(line > _MEASURABLE, np.nan, line)
        widths = [len(model.yardstick.tests) for model in replay.models]
        scores = [model.yardstick.scores for model in replay.models]
        groups = np.repeat([float(model.yardstick.size) for model in replay.models], widths)
        outermost = np.repeat([float(np.abs(one[0]).max()) if len(one) else np.inf for one in scores], widths)
        return cls(line, replay.scale.critical(line), groups, outermost)


@dataclass(frozen=True, slots=True)
class Measurement:
    """Live windows' numbers. Arrays are [windows, tests], all sub-tests of all features; 0 or NaN for features not among them."""

    present: NDArray[np.bool_]
    """[features]."""
    rows: Floats
    other_rows: Floats
    raw: Floats
    log_p: Floats
    strength: Floats
    relative: Floats
    """s / t of the family."""
    change: Floats
    """Signed, in the sub-test's own unit."""
    size: Floats
    """The change over the smallest that matters; the largest of a feature's is its effect."""
    hits: Floats
    other_hits: Floats
    """Rows behind rare sub-tests."""


def measure(replay: Replay, counts: Mapping[str, Ints], smallest: MinEffect, slots: Ints | None = None) -> Measurement:
    """Judge the count vectors [windows, K] of features whose windows all have enough rows; others are left out of `counts`.

    `slots` [windows] as the replay knows them; None: windows are held against the whole reference.
    """
    windows = len(next(iter(counts.values()))) if counts else 1
    shape = (windows, len(replay.tests))
    rows, other_rows, raw, change, size, hits, other_hits = (np.zeros(shape) for _ in range(7))
    present = np.zeros(len(replay.models), np.bool_)
    growth = replay.scale.floored_mean
    for index, model in enumerate(replay.models):
        vectors = counts.get(model.name)
        if vectors is None:
            continue
        at = model.tests
        held = model.rows_of(slots) if slots is not None and model.slots else _WHOLE
        compared = compare(model.yardstick, vectors, model.comparison[held], model.yardstick.new_rows(vectors), model.unseen[held])
        present[index] = True
        raw[:, at] = raw_statistics(compared)
        rows[:, at] = compared.rows[:, None]
        phi = growth[at.start] * (1 + compared.rows * replay.tau2[at.start])
        change[:, at] = changes(model.yardstick, compared, phi)
        size[:, at] = sizes(model.yardstick, change[:, at], smallest)
        rare = slice(at.stop - compared.hits.shape[1], at.stop)
        hits[:, rare], other_hits[:, rare], other_rows[:, at] = compared.hits, compared.other_hits, compared.other_rows[:, None]
    return finished(replay, present, rows, other_rows, raw, change, size, hits, other_hits)


def finished(
    replay: Replay,
    present: NDArray[np.bool_],
    rows: Floats,
    other_rows: Floats,
    raw: Floats,
    change: Floats,
    size: Floats,
    hits: Floats,
    other_hits: Floats,
) -> Measurement:
    """Return the measurement of raw statistics, all [windows, tests]: how surprising they are against the reference."""
    log_p = replay.scale.log_p(raw / (1 + rows * replay.tau2))
    rare_tests = replay.rare
    read = (part[:, rare_tests] for part in (log_p, hits, rows, other_hits, other_rows))
    log_p[:, rare_tests] = never_below_chance(*read)
    strengths = strength(log_p)
    return Measurement(
        present, rows, other_rows, raw, log_p, strengths, strengths / replay.thresholds, change, size, hits, other_hits
    )  # fmt: skip


def smallest_changes(replay: Replay, critical: Critical, found: Measurement, *, rates: bool = True) -> Floats:
    """Return the smallest change seen with 80 % power [windows, tests] in the sub-test's own unit.

    NaN for scale, for missing and new values unless `rates` are asked for (a third of the cost of judging a window), and where blind: no change that a window can show would reach the line.
    """
    stretch = 1 + found.rows * replay.tau2
    phi = replay.scale.floored_mean * stretch
    goal = np.where(found.rows > 0, critical.scaled * stretch, np.nan)
    tests = np.array(replay.tests)
    mde = np.full(goal.shape, np.nan)
    there = np.isfinite(goal)
    at = there & (tests == "location")
    mde[at] = location_mde(goal[at], phi[at], found.rows[at], found.other_rows[at])
    at = there & (tests == "shape")
    mde[at] = shape_mde(
        goal[at], phi[at], np.broadcast_to(np.maximum(critical.groups - 1, 1), goal.shape)[at], found.rows[at], found.other_rows[at]
    )
    if rates:
        at = there & replay.rare
        level = np.broadcast_to(-critical.strength * np.log(10), goal.shape)
        mde[at] = rare_mde(goal[at], level[at], found.rows[at], found.other_hits[at], found.other_rows[at])
    return np.where(mde <= _largest_changes(critical, tests, found), mde, np.nan)


def _largest_changes(critical: Critical, tests: NDArray[np.str_], found: Measurement) -> Floats:
    """Return a bound [windows, tests] on the changes windows can show: the outermost score, the PSI of disjoint groups."""
    most = 2 * np.log(2 * np.maximum(found.rows, found.other_rows) + critical.groups)
    return np.where(tests == "shape", most, np.where(tests == "location", critical.outermost, np.inf))
