"""Evidence of small changes that last: whole days' deviations, each bounded, summed over three and over seven days.

One window cannot see a shift that is smaller than the days differ by themselves; a week can. No day weighs more than
`BOUND` standard deviations, so that one wild day is left to the rule and no bursty column sets the line for the others.
The line comes from the same replay: what the reference's own days sum up to, each with its own block left out. A budget is one
of episodes: days of the reference that stand together count once, also for the line of single days.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from detectors.drift.days import block_sums, blocks_of, reached_by
from detectors.drift.deviations import Deviations, Deviator
from detectors.drift.effect import MinEffect
from detectors.drift.families import line
from detectors.drift.feature_evidence import BOUND, SPANS, FeatureEvidence, strength
from detectors.drift.history import FeatureHistory
from detectors.drift.replay import FeatureModel, Replay
from detectors.drift.scales import Scales

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST_DAYS = 42
"""Whole days of reference below which a week's sums cannot be told apart from each other: six blocks of seven days."""
MARGIN = 1.1
"""How much the line of single days rises where sums are judged beside them: what sums see, the day need not."""

_AT_ONCE = 100
"""Features whose days are held in memory together."""
_SHARE = 0.05
_LEAST_MEAN = 0.25
_PRIOR = 4.0
"""Spans' worth of belief that days are independent."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All features, and the line."""

    features: Mapping[str, FeatureEvidence]
    scales: Scales
    """The same, one after another."""
    windows_a_day: float
    """Median over the reference's days."""
    reference: Floats
    """[days, features] as in the replay: the largest strength over `threshold`; NaN where there is none."""
    threshold: float
    """Strength at which severity is 1."""
    gamma: float
    """The highest line that single days of k episodes reach, at least 1; the rule's own counts days."""
    margin: float
    """How much higher than that the line of single days is."""

    @property
    def whole(self) -> bool:
        """Whether a window is a whole day; otherwise a day counts once it is over."""
        return self.windows_a_day <= 1


def gather(features: Iterable[FeatureHistory], replay: Replay, budget: float, smallest: MinEffect) -> Evidence | None:
    """Replay the reference's whole days; None below `LEAST_DAYS`, and where nothing can be followed.

    A day is whole with half as many windows as usual. A feature with fewer whole days than `LEAST_DAYS` has no evidence.
    """
    if len(replay.present) < LEAST_DAYS:
        return None
    number = np.unique(replay.days, return_counts=True)[1]
    usual = float(np.median(number))
    whole = replay.present[2 * number >= usual]
    held, known = list[_Held](), dict[str, FeatureEvidence]()
    strengths = np.full((len(replay.present), len(replay.models)), np.nan)
    models = {model.name: (index, model) for index, model in enumerate(replay.models)}
    for feature in features:
        if feature.name in models:
            index, model = models[feature.name]
            held += _hold(feature, index, model, replay, whole, smallest)
            if len(held) == _AT_ONCE:
                known |= _followed(held, replay, strengths)
                held = []
    known |= _followed(held, replay, strengths)
    worst = np.fmax.reduce(strengths, axis=1, initial=np.nan)
    there = worst[~np.isnan(worst)]
    if not len(there):
        return None
    allowed, single = max(replay.rank, 1), np.fmax.reduce(replay.unusual, axis=1)
    threshold = max(line(there, _SHARE, budget, 30.0).threshold, reached_by(replay.present, worst, allowed))
    gamma = max(1.0, reached_by(replay.present, single, allowed))
    joint = max(1.0, reached_by(replay.present, np.fmax(single / (gamma * MARGIN), worst / threshold), allowed))
    threshold *= joint
    return Evidence(known, Scales.of(known), usual, strengths / threshold, threshold, gamma, MARGIN * joint)


def span_sums(present: Ints, values: Floats, ends: Ints, span: int) -> Floats:
    """Return the sums of `values` [days, labels] over the `span` calendar days up to each end, over the root of their number.

    NaN where half of the days or fewer are `present` (ascending).

    >>> span_sums(np.array([1, 2, 3, 9]), np.ones((4, 1)), np.array([3, 9]), 3).round(3).tolist()
    [[1.732], [nan]]
    """
    first, last = np.searchsorted(present, ends - span, "right"), np.searchsorted(present, ends, "right")
    number = (last - first)[:, None]
    running = np.vstack([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    return np.where(2 * number > span, (running[last] - running[first]) / np.sqrt(np.maximum(number, 1)), np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    """One feature's whole days held against the others."""

    index: int
    """Its place in the replay."""
    model: FeatureModel
    deviator: Deviator
    days: Ints
    found: Deviations


def _hold(feature: FeatureHistory, index: int, model: FeatureModel, replay: Replay, whole: Ints, smallest: MinEffect) -> Iterator[_Held]:
    """Yield the feature's whole days, each held against those of other blocks; nothing where they are too few."""
    kept = feature.scored[replay.source] & np.isin(replay.days, whole)
    days, place = np.unique(replay.days[kept], return_inverse=True)
    if len(days) < LEAST_DAYS:
        return
    counted = feature.counts[replay.source[kept]]
    counts = _summed(counted, place, len(days))
    rows = model.yardstick.new_rows(counted)
    unseen = _summed(feature.unseen[replay.source[kept]] if model.yardstick.by_block else rows, place, len(days))
    blocks = blocks_of(days)
    deviator = Deviator.fit(model.yardstick, model.comparison[0], smallest)
    others, other_unseen = counts.sum(axis=0) - block_sums(counts, blocks), unseen.sum() - block_sums(unseen, blocks)
    yield _Held(index, model, deviator, days, deviator.hold(counts, others, unseen, other_unseen))


def _followed(held: Sequence[_Held], replay: Replay, strengths: Floats) -> dict[str, FeatureEvidence]:
    """Return the models of some features, in their order; their `strengths` [days, features] are filled in."""
    alike, found = dict[bytes, list[_Held]](), dict[str, FeatureEvidence]()
    for one in held:
        alike.setdefault(one.days.tobytes(), []).append(one)
    for group in alike.values():
        more, largest = _replay(group)
        found.update(more)
        strengths[np.searchsorted(replay.present, group[0].days)[:, None], [one.index for one in group]] = largest
    return {one.model.name: found[one.model.name] for one in held}


def _replay(held: Sequence[_Held]) -> tuple[dict[str, FeatureEvidence], Floats]:
    """Return the models of features that have the same whole days, and the largest strength of each day and feature."""
    days, sizes = held[0].days, [len(one.deviator.labels) for one in held]
    blocks = blocks_of(days)
    z, rare = np.hstack([one.found.z for one in held]), np.concatenate([one.deviator.rare for one in held])
    rows = np.repeat(np.column_stack([one.found.rows for one in held]), sizes, axis=1)
    tau2 = np.maximum(((z**2).mean(axis=0) - 1) / rows.mean(axis=0), 0.0)
    scaled = z / np.sqrt(1 + rows * tau2)
    squares = scaled**2
    deviations = np.clip(scaled / np.sqrt(_without_own(squares, blocks, _mean)), -BOUND, BOUND)
    begins = np.cumsum([0, *sizes[:-1]])
    spread, largest = [], np.full((len(days), len(held)), np.nan)
    for span in SPANS:
        sums = span_sums(days, deviations, days, span)
        spread.append(_spread(sums, span))
        own = _without_own(sums, blocks, partial(_spread, span=span))
        largest = np.fmax(largest, np.fmax.reduceat(strength(sums, own, rare), begins, axis=1))
    mean, known = _mean(squares), {}
    for one, begin, size in zip(held, begins.tolist(), sizes, strict=True):
        at, model = slice(begin, begin + size), one.model
        parts = tuple(part[at] for part in spread)
        known[model.name] = FeatureEvidence(one.deviator, model.comparison[:1], model.unseen[:1], tau2[at], mean[at], parts)
    return known, largest


def _summed(values: Ints, place: NDArray[np.intp], days: int) -> Ints:
    order = np.argsort(place, kind="stable")
    sums: Ints = np.add.reduceat(values[order], np.searchsorted(place[order], np.arange(days)), axis=0)
    return sums


def _without_own(values: Floats, blocks: NDArray[np.intp], learn: Callable[[Floats], Floats]) -> Floats:
    """Return what is learnt from the values outside each day's block, [days, labels]."""
    return np.array([learn(values[blocks != block]) for block in range(int(blocks.max()) + 1)])[blocks]


def _mean(squares: Floats) -> Floats:
    mean: Floats = np.maximum(squares.mean(axis=0), _LEAST_MEAN)
    return mean


def _spread(sums: Floats, span: int) -> Floats:
    """Return the variance of sums over independent days', never below 1, drawn towards 1 where there are few."""
    squares = sums[~np.isnan(sums[:, :1]).ravel()] ** 2 if sums.shape[1] else sums
    variance: Floats = np.maximum((_PRIOR + squares.sum(axis=0) / span) / (_PRIOR + len(squares) / span), 1.0)
    return variance
