"""The reference replayed against itself: every window judged by all others, and the lines its own worst days lead to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from detectors.drift.days import block_sums, blocks_of, day_maxima, day_ratio, persistence
from detectors.drift.families import FAMILIES, Families, Line, line
from detectors.drift.history import FeatureHistory
from detectors.drift.rates import log_rate_tail
from detectors.drift.scaling import Scale, scale_reference, strength
from detectors.drift.seasons import Season, all_by_slot, others_by_slot
from detectors.drift.statistics import Comparison, Test, Yardstick, compare, raw_statistics

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST_WINDOWS = 8
"""Below this no severity exists."""

_RARE = ("missing", "new")


@dataclass(frozen=True, slots=True)
class FeatureModel:
    """One feature ready to judge live windows."""

    name: str
    yardstick: Yardstick
    tests: slice
    """Where its sub-tests stand among all."""
    comparison: Ints
    """[1 + slots, K] what live windows are held against: first what stands for all, then one row for each slot with windows enough."""
    unseen: Ints
    """[1 + slots] unseen rows of the comparison."""
    windows: int
    days: int
    slots: Mapping[int, int] = field(default_factory=dict)
    """Slot to its row of the comparison; other slots are held against the first."""

    def rows_of(self, slots: Ints) -> NDArray[np.intp]:
        """Return the row of the comparison for windows of these slots."""
        return np.array([self.slots.get(slot, 0) for slot in slots.tolist()], np.intp)


@dataclass(frozen=True, slots=True)
class Replay:
    """What the reference says of itself. Rows are its scored windows in the order given; columns features or sub-tests."""

    models: tuple[FeatureModel, ...]
    tests: tuple[Test, ...]
    """All sub-tests, feature by feature."""
    family: NDArray[np.intp]
    """[tests] index into the families it was replayed with: of those it belongs to, the one of the lowest line."""
    days: Ints
    """[windows] calendar day of each scored window."""
    source: NDArray[np.intp]
    """[windows] its index among the windows given."""
    blocks: NDArray[np.intp]
    raw: Floats
    log_p: Floats
    strengths: Floats
    """[windows, tests] NaN where the feature had too few rows."""
    tau2: Floats
    scale: Scale
    """[tests] for live windows."""
    own: Scale
    """[blocks, tests] with that block left out."""
    lines: tuple[Line | None, ...]
    """By family; None where no feature has such a sub-test."""
    values: Floats
    """[windows, features] v: the largest strength over its family's line."""
    present: Ints
    """[days]."""
    daily: Floats
    lasting: Floats
    """[days, features] d and P."""
    rho: float
    unusual: Floats
    """[days, features] U."""
    rank: int
    """k: how many reference days may reach the line."""
    gamma: float

    @property
    def thresholds(self) -> Floats:
        """[tests] t of the family of each sub-test."""
        known = np.array([part.threshold if part is not None else np.nan for part in self.lines])
        return known[self.family]

    @property
    def rare(self) -> NDArray[np.bool_]:
        """[tests] whether the sub-test counts rare rows: missing, or new."""
        return np.isin(self.tests, _RARE)


def replay_reference(
    features: Sequence[FeatureHistory], days: Ints, budget: float, slots: Ints | None = None, families: Families = FAMILIES
) -> Replay:
    """Judge each reference window by the others and set the lines for `budget` episodes per 30 days (rules 5.1 to 5.8).

    `slots` [windows]: windows are compared within their slot where it has windows enough; None: with all others.
    """
    scored = np.array([feature.scored for feature in features]).reshape(len(features), len(days)).T
    source = np.flatnonzero(scored.any(axis=1))
    scored, day = scored[source], days[source]
    blocks = blocks_of(day) if len(day) else np.empty(0, np.intp)
    season = None if slots is None else Season.of(slots[source], blocks)
    models, raw, rows, valid, hits = _measure(features, source, scored, day, blocks, season)
    tests = tuple(test for model in models for test in model.yardstick.tests)
    scaling = scale_reference(raw, rows, valid, blocks)
    log_p = scaling.log_p()
    rare = np.flatnonzero(np.isin(tests, _RARE))
    log_p[:, rare] = never_below_chance(log_p[:, rare], *hits)
    strengths = np.where(valid, strength(log_p), np.nan)
    windows_a_month = 30 * len(day) / max(len(np.unique(day)), 1)
    members = [np.isin(tests, own) for _, _, own in families]
    lines = tuple(_line(strengths[:, own], share, budget, windows_a_month) for own, (_, share, _) in zip(members, families, strict=True))
    heights = np.array(
        [np.where(own, np.inf if part is None else part.threshold, np.inf) for own, part in zip(members, lines, strict=True)]
    )
    family = np.argmin(heights, axis=0)
    values = feature_maxima(models, strengths / heights.min(axis=0))
    present, daily = day_maxima(values, day)
    lasting = persistence(present, daily)
    rho = day_ratio(daily, lasting)
    unusual = np.fmax(daily, lasting / rho)
    rank = int(np.floor(budget * (len(present) + 1) / 30 + 1e-9))
    worst = np.sort(np.fmax.reduce(unusual, axis=1, initial=0.0))[::-1]
    gamma = max(1.0, float(worst[min(max(rank, 1), len(worst)) - 1])) if len(worst) else 1.0
    return Replay(
        tuple(models), tests, family, day, source, blocks, raw, log_p, strengths, scaling.tau2, scaling.live, scaling.own, lines,
        values, present, daily, lasting, rho, unusual, rank, gamma,
    )  # fmt: skip


def feature_maxima(models: Sequence[FeatureModel], values: Floats) -> Floats:
    """Return the largest value of each feature's sub-tests, [windows, features]; NaN where it has none."""
    columns = [np.fmax.reduce(values[:, model.tests], axis=1) for model in models]
    return np.array(columns).reshape(len(models), len(values)).T


def never_below_chance(log_p: Floats, x: Floats, n: Floats, r: Floats, m: Floats) -> Floats:
    """Return log p of rare values, never more surprised than independent rows allow."""
    result = log_p.copy()
    result[x <= 0] = 0.0
    at = (x > 0) & (m > 0) & (log_p < 0)
    result[at] = np.maximum(log_p[at], log_rate_tail(x[at], n[at], r[at], m[at]))
    return result


def rare_counts(comparison: Comparison) -> tuple[Floats, Floats, Floats, Floats]:
    """Return x, n, r, m of the rare sub-tests, each [windows, 1 or 2]."""
    full = np.broadcast_arrays(comparison.hits, comparison.rows[:, None], comparison.other_hits, comparison.other_rows[:, None])
    return full[0], full[1], full[2], full[3]


def _measure(
    features: Sequence[FeatureHistory],
    source: NDArray[np.intp],
    scored: NDArray[np.bool_],
    day: Ints,
    blocks: NDArray[np.intp],
    season: Season | None,
) -> tuple[list[FeatureModel], Floats, Floats, NDArray[np.bool_], tuple[Floats, ...]]:
    """Return the models, and T, n and validity [windows, tests]; last x, n, r, m [windows, rare tests]."""
    shape = (len(source), 0)
    models: list[FeatureModel] = []
    raw, rows, hits = [np.empty(shape)], [np.empty(shape)], [tuple(np.empty(shape) for _ in range(4))]
    valid = [np.empty(shape, np.bool_)]
    start = 0
    for feature, mask in zip(features, scored.T, strict=True):
        if mask.sum() < LEAST_WINDOWS:
            continue
        counts = np.where(mask[:, None], feature.counts[source], 0)
        total = counts.sum(axis=0)
        fixed = feature.file
        fixes = total if fixed is None else fixed
        yardstick = Yardstick.fit(fixes, feature.kind, float(np.median(counts.sum(axis=1)[mask])))
        unseen = np.where(mask, feature.unseen[source], 0) if yardstick.by_block else yardstick.new_rows(counts)
        fixed_unseen = unseen.sum(keepdims=True) if fixed is None else yardstick.new_rows(fixed[None])
        comparison, rest, rest_unseen = fixes[None, :], total - block_sums(counts, blocks), unseen.sum() - block_sums(unseen, blocks)
        places: Mapping[int, int] = {}
        if season is not None and fixed is None:  # a file has no time, and so no seasons
            rest, rest_unseen = others_by_slot(season, mask, counts, unseen, rest, rest_unseen)
            places, by_slot, unseen_by_slot = all_by_slot(season, mask, counts, unseen)
            comparison, fixed_unseen = np.vstack([comparison, by_slot]), np.append(fixed_unseen, unseen_by_slot)
        width = len(yardstick.tests)
        models.append(
            FeatureModel(
                feature.name, yardstick, slice(start, start + width), comparison, fixed_unseen,
                int(mask.sum()), len(np.unique(day[mask])), places,
            )
        )  # fmt: skip
        start += width
        others = compare(yardstick, counts, rest, unseen, rest_unseen)
        part = np.where(mask[:, None], raw_statistics(others), 0.0)
        raw.append(part)
        rows.append(np.broadcast_to(others.rows[:, None], part.shape))
        valid.append(np.broadcast_to(mask[:, None], part.shape))
        hits.append(rare_counts(others))
    joined = tuple(np.hstack(column) for column in zip(*hits, strict=True))
    return models, np.hstack(raw), np.hstack(rows), np.hstack(valid), joined


def _line(strengths: Floats, share: float, budget: float, windows_a_month: float) -> Line | None:
    largest = np.fmax.reduce(strengths, axis=1, initial=np.nan) if strengths.shape[1] else np.empty(0)
    largest = largest[~np.isnan(largest)]
    return line(largest, share, budget, windows_a_month) if len(largest) else None
