"""One live window judged by the replayed reference (statistics rule 5.3 to 5.9)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.drift.effect import MinEffect, changes, effect
from detectors.drift.mde import location_mde, rare_mde, shape_mde
from detectors.drift.replay import Replay, never_below_chance, rare_counts
from detectors.drift.scaling import strength
from detectors.drift.statistics import compare, raw_statistics

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_MEASURABLE = 12.0  # strengths above are compressed and cannot be turned back into a p
_LOG_TEN = float(np.log(10))


@dataclass(frozen=True, slots=True)
class Critical:
    """What a live window must reach, the same for every window of a calibration: [tests]."""

    strength: Floats
    """g: the line to beat, on a day of its own or on two of three; NaN where blind."""
    scaled: Floats
    """F*: the scaled statistic that reaches it."""

    @classmethod
    def of(cls, replay: Replay) -> "Critical":
        """Turn the lines of a replayed reference into scaled statistics."""
        line = replay.gamma * replay.thresholds
        line = np.where(line > _MEASURABLE, replay.rho * line, line)
        line = np.where(line > _MEASURABLE, np.nan, line)
        return cls(line, replay.scale.critical(line))


@dataclass(frozen=True, slots=True)
class Measurement:
    """A live window's numbers. Arrays are [tests], all sub-tests of all features; those of features not in it hold NaN or 0."""

    present: NDArray[np.bool_]
    """[features]."""
    raw: Floats
    log_p: Floats
    strength: Floats
    relative: Floats
    """s / t of the family."""
    change: Floats
    """Signed, in the sub-test's own unit."""
    share: Floats
    reference_share: Floats
    """Of rows, rare sub-tests only."""
    effect: Floats
    """[features] the window's effect; 1 is large enough to matter."""
    mde: Floats
    """Smallest change seen with 80 % power, in the sub-test's own unit; NaN for scale, and where blind."""


def measure(replay: Replay, critical: Critical, counts: Mapping[str, Ints], smallest: MinEffect) -> Measurement:
    """Judge the count vectors [K] of the features that have enough rows; others must be left out of `counts`."""
    tests = len(replay.tests)
    raw, rows, change, freedom = (np.zeros(tests) for _ in range(4))
    hits = np.zeros((3, tests))  # x, r, m
    present, size = np.zeros(len(replay.models), np.bool_), np.full(len(replay.models), np.nan)
    growth = replay.scale.floored_mean
    for index, model in enumerate(replay.models):
        vector = counts.get(model.name)
        if vector is None:
            continue
        at = model.tests
        unseen = vector[-2:-1] if model.yardstick.kind == "categorical" else vector[:0]
        compared = compare(model.yardstick, vector[None, :], model.comparison, unseen, model.unseen)
        present[index] = True
        raw[at] = raw_statistics(compared)[0]
        rows[at] = compared.rows
        phi = growth[at.start] * (1 + compared.rows * replay.tau2[at.start])
        change[at] = changes(model.yardstick, compared, phi)[0]
        size[index] = effect(model.yardstick, change[None, at], smallest)[0]
        freedom[at] = compared.grouped.shape[1] - 1
        x, _, r, m = rare_counts(compared)
        hits[2, at] = m[0, 0]
        rare = slice(at.stop - x.shape[1], at.stop)
        hits[0, rare], hits[1, rare] = x[0], r[0]
    return _judge(replay, critical, _Rows(present, raw, rows, change, freedom, hits, size))


@dataclass(frozen=True, slots=True)
class _Rows:
    present: NDArray[np.bool_]
    raw: Floats
    rows: Floats
    change: Floats
    freedom: Floats
    hits: Floats
    effect: Floats


def _judge(replay: Replay, critical: Critical, read: _Rows) -> Measurement:
    tests = np.array(replay.tests)
    stretch = 1 + read.rows * replay.tau2
    log_p = replay.scale.log_p(read.raw / stretch)
    rare = np.isin(tests, ("missing", "new"))
    x, r, m = read.hits
    log_p[rare] = never_below_chance(log_p[rare], x[rare], read.rows[rare], r[rare], m[rare])
    strengths = strength(log_p)
    phi = replay.scale.floored_mean * stretch
    goal = critical.scaled * stretch
    there = read.rows > 0
    mde = np.full(len(tests), np.nan)
    at = (tests == "location") & there
    mde[at] = location_mde(goal[at], phi[at], read.rows[at], m[at])
    at = (tests == "shape") & there
    mde[at] = shape_mde(goal[at], phi[at], np.maximum(read.freedom[at], 1), read.rows[at], m[at])
    at = rare & there
    mde[at] = rare_mde(goal[at], -critical.strength[at] * _LOG_TEN, read.rows[at], r[at], m[at])
    with np.errstate(divide="ignore", invalid="ignore"):
        share, reference_share = x / read.rows, r / m
    return Measurement(
        read.present, read.raw, log_p, strengths, strengths / replay.thresholds, read.change, share, reference_share,
        read.effect, mde,
    )  # fmt: skip
