"""One window's measurement as plain numbers: features are then read one by one without a call of numpy for each number."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.drift.days import DayScore
from detectors.drift.explanation import describe_change
from detectors.drift.judging import Measurement
from detectors.drift.panel import TESTS, Panel
from detectors.drift.replay import FeatureModel, Replay
from detectors.drift.statistics import Test


@dataclass(frozen=True, slots=True)
class Readings:
    """A window, all sub-tests of all features one after another."""

    tests: tuple[Test, ...]
    thresholds: list[float]
    """t of the family."""
    mde: list[float]
    change: list[float]
    size: list[float]
    hits: list[float]
    rows: list[float]
    other_hits: list[float]
    other_rows: list[float]

    @classmethod
    def of(cls, replay: Replay, found: Measurement, mde: NDArray[np.float64]) -> "Readings":
        """Take one window's measurement, and the smallest changes [1, tests] it could see."""
        parts = (mde, found.change, found.size, found.hits, found.rows, found.other_hits, found.other_rows)
        return cls(replay.tests, replay.thresholds.tolist(), *(part[0].tolist() for part in parts))

    def changes(self, at: int, model: FeatureModel) -> str:
        """Say what the sub-test at this place saw, and for a change of shape what it mostly is."""
        told = [self._change(at)]
        if self.tests[at] == "shape":
            others = range(model.tests.start + 1, model.tests.stop)
            largest = max((place for place in others if self.size[place] >= 1), key=self.size.__getitem__, default=None)
            if largest is not None:
                told.append(self._change(largest))
        return ", ".join(told)

    def _change(self, place: int) -> str:
        now, then = self.hits[place] / self.rows[place], self.other_hits[place] / self.other_rows[place]
        return describe_change(self.tests[place], self.change[place], now, then)


def day_scores(panel: Panel, found: Measurement) -> dict[str, DayScore]:
    """Return what each feature of a window adds to its day."""
    relative, size = np.full(panel.tests.shape, -np.inf), np.full(panel.tests.shape, np.nan)
    relative[panel.tests], size[panel.tests] = found.relative[0], found.size[0]
    best, effect = relative.argmax(axis=1), np.fmax.reduce(size, axis=1)
    value = relative[np.arange(len(best)), best]
    read = zip(panel.models, found.present.tolist(), value.tolist(), best.tolist(), effect.tolist(), strict=True)
    return {model.name: DayScore(most, TESTS[test], largest) for model, present, most, test, largest in read if present}
