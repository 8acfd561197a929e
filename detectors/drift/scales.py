"""The labels of all features one after another, so that a live day is weighed and summed in a few steps."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.drift.feature_evidence import BOUND, SPANS, FeatureEvidence, strength
from detectors.drift.statistics import LEAST_ROWS, MISSING
from detectors.drift.whole_days import Label, Lasting, Weighed

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Scales:
    """The labels of all features one after another: `FeatureEvidence.weigh` and `.strength` for one day, as one step. [labels]."""

    labels: tuple[Label, ...]
    starts: NDArray[np.intp]
    """[features] where each begins."""
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
        read = [_read(one, one.comparison[0], int(one.unseen[0])) for one in features.values()]
        sizes = [len(one.deviator.labels) for one in features.values()]
        return cls(
            tuple((name, label) for name, one in features.items() for label in one.deviator.labels),
            np.cumsum([0, *sizes[:-1]]),
            np.concatenate([np.isin(one.deviator.labels, ("location", "scale")) for one in features.values()]),
            np.concatenate([one.deviator.rare for one in features.values()]),
            np.concatenate([values for values, _, _ in read]),
            np.concatenate([rows for _, rows, _ in read]),
            np.concatenate([one.tau2 for one in features.values()]),
            np.concatenate([one.mean for one in features.values()]),
            np.array([np.concatenate([one.spread[place] for one in features.values()]) for place in range(len(SPANS))]),
            np.concatenate([one.deviator.smallest for one in features.values()]),
        )

    def weigh(self, features: Mapping[str, FeatureEvidence], counts: Mapping[str, Ints]) -> Weighed:
        """Return the day; NaN for features that are not among its counts [K]."""
        value, n, rows = np.full((3, len(self.labels)), np.nan)
        for start, (name, feature) in zip(self.starts.tolist(), features.items(), strict=True):
            vector = counts.get(name)
            if vector is not None and vector.shape == feature.comparison.shape[1:]:
                at = slice(start, start + len(feature.deviator.labels))
                unseen = int(feature.deviator.yardstick.new_rows(vector[None])[0])
                value[at], n[at], rows[at] = _read(feature, vector, unseen)
        m, other = self.other_rows, self.other
        with np.errstate(divide="ignore", invalid="ignore"):
            change = np.where(self.moment, value - other, value / n - other / m)
            share = (value + other + 0.5) / (n + m + 1)
            z = change / np.sqrt(np.where(self.moment, 1.0, share * (1 - share)) * (1 / n + 1 / m))
            nothing = (self.moment & ((n < LEAST_ROWS) | (m == 0))) | (self.rare & (change < self.smallest)) | ~np.isfinite(z)
            scaled = np.where(nothing, 0.0, z) / np.sqrt((1 + rows * self.tau2) * self.mean)
        change = np.where(self.moment & ((n < LEAST_ROWS) | (m == 0)), 0.0, change)
        return Weighed(self.labels, np.where(np.isnan(rows), np.nan, np.clip(scaled, -BOUND, BOUND)), change)

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


def _read(feature: FeatureEvidence, vector: Ints, unseen: int) -> tuple[Floats, Floats, Floats]:
    """Return mean score or count of each label, the rows it rests on, and all rows."""
    deviator = feature.deviator
    rows, missing = int(vector.sum()), int(vector[MISSING])
    scores = deviator.yardstick.scores
    means = np.einsum("k,jk->j", vector[:-1], scores) / max(rows - missing, 1)
    rare = (missing, unseen)[: len(deviator.labels) - len(scores) - len(deviator.columns)]
    values = np.array([*means.tolist(), *rare, *vector[deviator.columns].tolist()], np.float64)
    n = np.full(len(values), float(rows))
    n[: len(scores)] = rows - missing
    return values, n, np.full(len(values), float(rows))
