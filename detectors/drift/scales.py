"""The labels of all features one after another, so that a live day is weighed and summed in a few steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from detectors.drift.feature_evidence import BOUND, SPANS, FeatureEvidence, strength
from detectors.drift.layout import Layout
from detectors.drift.statistics import LEAST_ROWS
from detectors.drift.whole_days import Label, Lasting, Weighed

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_PLACES = {"location": 0, "scale": 1, "missing": 2, "new": 3}


@dataclass(frozen=True, slots=True, eq=False)
class Scales:
    """The labels of all features one after another: `FeatureEvidence.weigh` and `.strength` for one day, as one step. [labels]."""

    labels: tuple[Label, ...]
    starts: NDArray[np.intp]
    """[features] where each begins."""
    layout: Layout
    shares: NDArray[np.intp]
    """Columns of the joined vectors whose share is followed."""
    source: NDArray[np.intp]
    """Where each stands among four numbers a feature (mean scores, missing, new) and, behind them all, the rows of `shares`."""
    feature: NDArray[np.intp]
    """Place of the feature."""
    moment: NDArray[np.bool_]
    """Whether it is a mean score; otherwise a count."""
    rare: NDArray[np.bool_]
    other: Floats
    other_rows: Floats
    """Mean score and rows with a value, or count and rows, of what days are held against."""
    tau2: Floats
    mean: Floats
    spread: Floats
    """[spans, labels]."""
    smallest: Floats

    @classmethod
    def of(cls, features: Mapping[str, FeatureEvidence]) -> "Scales":
        """Put the features one after another."""
        known = list(features.values())
        layout = Layout.of([one.deviator.yardstick for one in known])
        sizes = [len(one.deviator.labels) for one in known]
        columns = [one.deviator.columns + begin for one, begin in zip(known, layout.begins, strict=True)]
        source, behind = [], 4 * len(known)
        for place, one in enumerate(known):
            source += [4 * place + _PLACES[label] for label in one.deviator.labels if label in _PLACES]
            source += range(behind, behind + len(one.deviator.columns))
            behind += len(one.deviator.columns)
        joined = np.concatenate([one.comparison[0] for one in known])
        scales = cls(
            tuple((name, label) for name, one in features.items() for label in one.deviator.labels),
            np.cumsum([0, *sizes[:-1]]),
            layout,
            np.concatenate(columns),
            np.array(source, np.intp),
            np.repeat(np.arange(len(known)), sizes),
            np.concatenate([np.isin(one.deviator.labels, ("location", "scale")) for one in known]),
            np.concatenate([one.deviator.rare for one in known]),
            np.empty(0),
            np.empty(0),
            np.concatenate([one.tau2 for one in known]),
            np.concatenate([one.mean for one in known]),
            np.array([np.concatenate([one.spread[place] for one in known]) for place in range(len(SPANS))]),
            np.concatenate([one.deviator.smallest for one in known]),
        )
        other, other_rows, _ = scales.read(joined, [int(one.unseen[0]) for one in known])
        return replace(scales, other=other, other_rows=other_rows)

    def read(self, joined: Ints, unseen: Sequence[int] | None = None) -> tuple[Floats, Floats, Floats]:
        """Return mean score or count of each label, the rows it rests on, and all rows, of the joined vectors of all features."""
        side = self.layout.side(joined, unseen)
        means = side.sums / np.maximum(side.value_rows, 1)[:, None]
        numbers = np.concatenate([np.hstack([means, side.hits]).ravel(), joined[self.shares].astype(np.float64)])
        rows = side.rows[self.feature]
        return numbers[self.source], np.where(self.moment, side.value_rows[self.feature], rows), rows

    def weigh(self, features: Mapping[str, FeatureEvidence], counts: Mapping[str, Ints]) -> Weighed:
        """Return the day; NaN for features that are not among its counts [K]."""
        vectors = [counts.get(name) for name in features]
        fits = [one is not None and one.shape == held.comparison.shape[1:] for one, held in zip(vectors, features.values(), strict=True)]
        joined = [
            one if fit and one is not None else np.zeros_like(held.comparison[0])
            for one, fit, held in zip(vectors, fits, features.values(), strict=True)
        ]
        value, n, rows = self.read(np.concatenate(joined))
        absent = ~np.array(fits)[self.feature]
        m, other = self.other_rows, self.other
        with np.errstate(divide="ignore", invalid="ignore"):
            change = np.where(self.moment, value - other, value / n - other / m)
            share = (value + other + 0.5) / (n + m + 1)
            z = change / np.sqrt(np.where(self.moment, 1.0, share * (1 - share)) * (1 / n + 1 / m))
            nothing = (self.moment & ((n < LEAST_ROWS) | (m == 0))) | (self.rare & (change < self.smallest)) | ~np.isfinite(z)
            scaled = np.where(nothing, 0.0, z) / np.sqrt((1 + rows * self.tau2) * self.mean)
        change = np.where(self.moment & ((n < LEAST_ROWS) | (m == 0)), 0.0, change)
        change[absent] = np.nan
        return Weighed(self.labels, np.where(absent, np.nan, np.clip(scaled, -BOUND, BOUND)), change)

    def lasting(self, days: Mapping[int, Weighed], end: int, threshold: float) -> dict[str, Lasting]:
        """Return the most surprising sum of each feature over the days up to `end`; none where half of the days or fewer are there."""
        value, span_of, changes = np.full(len(self.labels), -np.inf), np.zeros(len(self.labels), np.intp), np.zeros(len(self.labels))
        for place, span in enumerate(SPANS):
            within = [weighed for day, weighed in days.items() if end - span < day <= end]
            if 2 * len(within) <= span:
                continue
            deviations = np.array([one.deviations for one in within])
            there = ~np.isnan(deviations)
            number = there.sum(axis=0)
            sums = np.where(there, deviations, 0.0).sum(axis=0) / np.sqrt(np.maximum(number, 1))
            surprise = strength(sums, self.spread[place], self.rare)
            larger = (2 * number > span) & (surprise > value)
            mean = np.where(there, [one.changes for one in within], 0.0).sum(axis=0) / np.maximum(number, 1)
            value, span_of, changes = np.where(larger, surprise, value), np.where(larger, span, span_of), np.where(larger, mean, changes)
        found = {}
        ends = [*self.starts[1:].tolist(), len(self.labels)]
        for first, last in zip(self.starts.tolist(), ends, strict=True):
            at = first + int(np.argmax(value[first:last]))
            if value[at] >= 0:
                change = float(changes[at])
                size = (change if self.rare[at] else abs(change)) / float(self.smallest[at])
                name, label = self.labels[at]
                found[name] = Lasting(float(value[at]) / threshold, label, int(span_of[at]), change, size)
        return found
