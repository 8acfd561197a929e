"""All features of one window held against a reference at once: the cost of numpy's calls is paid once, not once a feature."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.drift.effect import MinEffect, changes_of
from detectors.drift.judging import Measurement, finished
from detectors.drift.replay import FeatureModel, Replay
from detectors.drift.statistics import MISSING, Comparison, Test, raw_statistics

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TESTS: tuple[Test, ...] = ("shape", "location", "scale", "missing", "new")


@dataclass(frozen=True, slots=True)
class Side:
    """Count vectors of all features, summed up as a comparison needs them: [features] or [features, ...]."""

    rows: Floats
    grouped: Floats
    """[features, most groups] counts; 0 beyond a feature's own groups."""
    value_rows: Floats
    sums: Floats
    """[features, 2] sums of the scores; 0 for scores a feature does not have."""
    hits: Floats
    """[features, 2] missing rows, and rows with a new value."""


@dataclass(frozen=True, slots=True)
class Panel:
    """How the vectors of all features, one after another, are read at once."""

    models: tuple[FeatureModel, ...]
    groups: NDArray[np.intp]
    """[features] how many groups each has."""
    tests: NDArray[np.bool_]
    """[features, 5] which of `TESTS` each has; row by row they are the tests of the replay."""
    begins: NDArray[np.intp]
    """[features] where its vector begins."""
    order: NDArray[np.intp]
    """All columns, group by group."""
    starts: NDArray[np.intp]
    """Where each group begins in `order`."""
    scores: Floats
    """[2, columns]; 0 where there is none."""
    new: NDArray[np.bool_]
    """[columns] whether rows there have a new value."""

    @classmethod
    def of(cls, models: Sequence[FeatureModel]) -> "Panel":
        """Lay the features of a reference side by side."""
        yardsticks = [model.yardstick for model in models]
        widths = np.array([len(one.groups) for one in yardsticks], np.intp)
        begins = np.cumsum(widths) - widths
        scores, new = np.zeros((2, int(widths.sum()))), np.zeros(int(widths.sum()), np.bool_)
        for begin, one in zip(begins.tolist(), yardsticks, strict=True):
            values = slice(begin, begin + len(one.groups) - 1)
            scores[: len(one.scores), values] = one.scores
            if one.kind == "categorical":
                new[values.stop - 1] = True
            elif one.empty is not None:
                new[values] = one.empty
        return cls(
            tuple(models),
            np.array([one.size for one in yardsticks], np.intp),
            np.array([[test in one.tests for test in TESTS] for one in yardsticks], np.bool_).reshape(len(models), len(TESTS)),
            begins,
            np.concatenate([one.order + begin for begin, one in zip(begins, yardsticks, strict=True)] or [np.empty(0, np.intp)]),
            np.concatenate([one.starts + begin for begin, one in zip(begins, yardsticks, strict=True)] or [np.empty(0, np.intp)]),
            scores,
            new,
        )

    def side(self, vectors: Sequence[Ints], unseen: Sequence[int] | None = None) -> Side:
        """Sum up one vector [K] a feature; `unseen` rows [features] take the place of those in new columns."""
        joined = np.concatenate(vectors)
        ends = np.append(self.begins[1:], len(joined))
        grouped = np.zeros((len(self.groups), int(self.groups.max())))
        filled = np.arange(grouped.shape[1]) < self.groups[:, None]
        grouped[filled] = np.add.reduceat(joined[self.order], self.starts)
        rows = np.add.reduceat(joined, self.begins).astype(np.float64)
        missing = joined[ends + MISSING].astype(np.float64)
        fresh = np.add.reduceat(np.where(self.new, joined, 0), self.begins) if unseen is None else np.asarray(unseen)
        sums = np.add.reduceat(joined * self.scores, self.begins, axis=1).T
        return Side(rows, grouped, rows - missing, sums, np.column_stack([missing, fresh.astype(np.float64)]))


def measure_window(replay: Replay, panel: Panel, counts: Mapping[str, Ints], smallest: MinEffect, slot: int) -> Measurement:
    """Judge the count vectors [K] of the features of one window, as `judging.measure` does those of many windows."""
    present = np.array([model.name in counts for model in panel.models], np.bool_)
    if not present.any():
        nothing = [np.zeros((1, len(replay.tests))) for _ in range(7)]
        return finished(replay, present, *nothing)
    rows_of = [model.slots.get(slot, 0) for model in panel.models]
    then = panel.side(
        [model.comparison[row] for model, row in zip(panel.models, rows_of, strict=True)],
        [int(model.unseen[row]) for model, row in zip(panel.models, rows_of, strict=True)],
    )
    now = panel.side([counts.get(model.name, np.zeros_like(model.comparison[0])) for model in panel.models])
    compared = _held(now, then)
    shape = np.array([model.tests.start for model in panel.models], np.intp)
    phi = replay.scale.floored_mean[shape] * (1 + compared.rows * replay.tau2[shape])
    change = changes_of(compared, panel.groups, phi)
    units = np.array([smallest.psi, smallest.sd, smallest.sd, smallest.points, smallest.points])
    size = change / units
    size[:, 1:3] = np.abs(size[:, 1:3])
    hits, other_hits = np.zeros((2, *change.shape))
    hits[:, 3:], other_hits[:, 3:] = compared.hits, compared.other_hits
    rows, other_rows = (np.broadcast_to(one[:, None], change.shape) for one in (compared.rows, compared.other_rows))
    # Row by row, what each feature has stands in the order of the replay's tests.
    parts = (rows, other_rows, raw_statistics(compared), change, size, hits, other_hits)
    return finished(replay, present, *(np.where(present[:, None], one, 0.0)[panel.tests][None] for one in parts))


def _held(now: Side, then: Side) -> Comparison:
    """Hold a window against a reference: a comparison with features where elsewhere there are windows."""
    with np.errstate(divide="ignore", invalid="ignore"):
        shifts = now.sums / now.value_rows[:, None] - then.sums / then.value_rows[:, None]
    return Comparison(now.rows, then.rows, now.grouped, then.grouped, now.value_rows, then.value_rows, shifts, now.hits, then.hits)
