"""Metrics of a classifier whose labels are not known, only how likely each is: expected value and sampling variance.

A window is a table of cells: one for each answer (0 negative, 1 positive) and each bin of the score. Of the `rows` in a cell a share
`rate` is expected to be truly positive. Every metric is a function of the numbers of positives in the cells; its value is taken at their
expectation, its variance follows from its slope in each cell (the delta method on the Poisson-binomial).
With rates that are 0 or 1 the values are those of a classifier with labels.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cells:
    """Rows by answer and bin of the score, bins in rising order."""

    rows: Floats
    """[2, bins] rows; first those answered negative."""
    rates: Floats
    """[bins] share that is truly positive."""
    scores: Floats
    """[bins] mean score, as the model gave it."""

    @property
    def positives(self) -> Floats:
        """Expected positives, [2, bins]."""
        return self.rows * self.rates


@dataclass(frozen=True, slots=True)
class Expected:
    """A metric and how it moves with the labels."""

    value: float
    """NaN where the metric is not defined."""
    slopes: Floats
    """[2, bins] change of the value by one more positive (and one negative less) in a cell."""


def _per_answer(value: float, negative: float, positive: float, cells: Cells) -> Expected:
    return Expected(value, np.repeat([[negative], [positive]], cells.rows.shape[1], axis=1))


def _ratio(top: float, bottom: float) -> float:
    return top / bottom if bottom > 0 else float("nan")


def _accuracy(cells: Cells) -> Expected:
    missed, found = cells.positives.sum(axis=1)
    rows = cells.rows.sum()
    return _per_answer(_ratio(found + cells.rows[0].sum() - missed, rows), _ratio(-1, rows), _ratio(1, rows), cells)


def _precision(cells: Cells) -> Expected:
    answered = cells.rows[1].sum()
    return _per_answer(_ratio(cells.positives[1].sum(), answered), 0.0, _ratio(1, answered), cells)


def _recall(cells: Cells) -> Expected:
    missed, found = cells.positives.sum(axis=1)
    value = _ratio(found, found + missed)
    return _per_answer(value, _ratio(-value, found + missed), _ratio(1 - value, found + missed), cells)


def _specificity(cells: Cells) -> Expected:
    negatives = (cells.rows - cells.positives).sum(axis=1)
    value = _ratio(negatives[0], negatives.sum())
    return _per_answer(value, _ratio(value - 1, negatives.sum()), _ratio(value, negatives.sum()), cells)


def _f1(cells: Cells) -> Expected:
    missed, found = cells.positives.sum(axis=1)
    bottom = cells.rows[1].sum() + found + missed
    value = _ratio(2 * found, bottom)
    return _per_answer(value, _ratio(-value, bottom), _ratio(2 - value, bottom), cells)


def _auc(cells: Cells) -> Expected:
    positives = cells.positives.sum(axis=0)
    negatives = cells.rows.sum(axis=0) - positives
    all_positives, all_negatives = positives.sum(), negatives.sum()
    # Ties count half.
    below = np.cumsum(negatives) - negatives / 2
    above = np.cumsum(positives[::-1])[::-1] - positives / 2
    value = _ratio(float(positives @ below), all_positives * all_negatives)
    slopes = (below - above) * _ratio(1, all_positives * all_negatives) - value * (_ratio(1, all_positives) - _ratio(1, all_negatives))
    return Expected(value, np.stack([slopes, slopes]))


def _average_precision(cells: Cells) -> Expected:
    positives = cells.positives.sum(axis=0)
    answered = np.cumsum(cells.rows.sum(axis=0)[::-1])[::-1]
    share = 1 / np.maximum(answered, 1)
    precision = np.cumsum(positives[::-1])[::-1] * share
    total = positives.sum()
    value = _ratio(float(positives @ precision), total)
    slopes = (precision + np.cumsum(positives * share) - value) * _ratio(1, total)
    return Expected(value, np.stack([slopes, slopes]))


def _log_loss(cells: Cells) -> Expected:
    # As scikit-learn clips: the answer 0 or 1 costs a finite 36 where it is wrong.
    least = np.finfo(np.float64).eps
    scores = np.clip(cells.scores, least, 1 - least)
    positives = cells.positives.sum(axis=0)
    negatives = cells.rows.sum(axis=0) - positives
    rows = cells.rows.sum()
    slopes = (np.log1p(-scores) - np.log(scores)) * _ratio(1, rows)
    return Expected(_ratio(-float(positives @ np.log(scores) + negatives @ np.log1p(-scores)), rows), np.stack([slopes, slopes]))


def _brier(cells: Cells) -> Expected:
    positives = cells.positives.sum(axis=0)
    negatives = cells.rows.sum(axis=0) - positives
    rows = cells.rows.sum()
    slopes = (1 - 2 * cells.scores) * _ratio(1, rows)
    value = _ratio(float(positives @ (1 - cells.scores) ** 2 + negatives @ cells.scores**2), rows)
    return Expected(value, np.stack([slopes, slopes]))


METRICS: Mapping[str, Callable[[Cells], Expected]] = {
    "accuracy": _accuracy,
    "precision": _precision,
    "recall": _recall,
    "specificity": _specificity,
    "f1": _f1,
    "auc": _auc,
    "average_precision": _average_precision,
    "log_loss": _log_loss,
    "brier": _brier,
}
"""Name to metric, as scikit-learn defines them; realised ones have the same names."""
