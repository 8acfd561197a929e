"""All features of one window held against a reference at once: the cost of numpy's calls is paid once, not once a feature."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.drift.effect import MinEffect, changes_of
from detectors.drift.judging import Measurement, finished
from detectors.drift.layout import Layout, Side
from detectors.drift.replay import FeatureModel, Replay
from detectors.drift.statistics import Comparison, Test, raw_statistics

Ints = NDArray[np.int64]

TESTS: tuple[Test, ...] = ("shape", "location", "scale", "missing", "new")


@dataclass(frozen=True, slots=True)
class Panel:
    """How the vectors of all features, one after another, are read at once."""

    models: tuple[FeatureModel, ...]
    layout: Layout
    tests: NDArray[np.bool_]
    """[features, 5] which of `TESTS` each has; row by row they are the tests of the replay."""

    @classmethod
    def of(cls, models: Sequence[FeatureModel]) -> "Panel":
        """Lay the features of a reference side by side."""
        yardsticks = [model.yardstick for model in models]
        tests = np.array([[test in one.tests for test in TESTS] for one in yardsticks], np.bool_).reshape(len(models), len(TESTS))
        return cls(tuple(models), Layout.of(yardsticks), tests)


def measure_window(replay: Replay, panel: Panel, counts: Mapping[str, Ints], smallest: MinEffect, slot: int) -> Measurement:
    """Judge the count vectors [K] of the features of one window, as `judging.measure` does those of many windows."""
    present = np.array([model.name in counts for model in panel.models], np.bool_)
    if not present.any():
        nothing = [np.zeros((1, len(replay.tests))) for _ in range(7)]
        return finished(replay, present, *nothing)
    rows_of = [model.slots.get(slot, 0) for model in panel.models]
    then = panel.layout.side(
        np.concatenate([model.comparison[row] for model, row in zip(panel.models, rows_of, strict=True)]),
        [int(model.unseen[row]) for model, row in zip(panel.models, rows_of, strict=True)],
    )
    now = panel.layout.side(np.concatenate([counts.get(model.name, np.zeros_like(model.comparison[0])) for model in panel.models]))
    compared = _held(now, then)
    shape = np.array([model.tests.start for model in panel.models], np.intp)
    phi = replay.scale.floored_mean[shape] * (1 + compared.rows * replay.tau2[shape])
    change = changes_of(compared, panel.layout.groups, phi)
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
