"""Learns how large a regression model's errors are, given its inputs and answer, and how far single errors lie from that."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.decay import error_features, error_trees
from detectors.decay.error_features import Coding, coding_from
from detectors.decay.error_trees import LEAF_ROWS, MOST_ROWS, Trees, trees_from
from detectors.types import Column, Plain

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

VERSION = 1
PREDICTION = "prediction"
"""The reserved column of the answer, a feature as any other here."""
LEAST_ROWS = 2 * LEAF_ROWS
"""Reference rows with label and answer that are needed."""
CELLS = 16
"""Bins of the expected error in each of which the spread of errors is measured."""
_SPREAD_TREES, _HELD_OUT = 15, 5
_LARGEST = 1e70
"""An error from here on is no measurement: the spread of its square would be more than numbers can hold, and no other row would count."""
_FIXED = 30
"""Bits of an expected error in a sum: 2^32 rows fit."""


@dataclass(frozen=True, slots=True)
class Loss:
    """One kind of error that is expected: absolute, squared, relative, squared of logarithms."""

    trees: Trees
    cuts: Floats
    """[CELLS - 1] expected errors between which a cell lies."""
    variances: Floats
    """[CELLS] of single errors around the expected one, on rows that the trees measuring it had not seen."""
    rows: Ints
    """[CELLS] reference rows behind each."""
    exponent: int
    """Sums of expected errors count in 2 ** -exponent."""

    def count(self, codes: Ints) -> tuple[Ints, Ints]:
        """Return rows by cell, [CELLS], and the sum of expected errors, [1]: integers that add up however rows are cut."""
        # Below 0 for a row now and then; only the mean of many is an error.
        expected = self.trees.predict(codes)
        cells = np.searchsorted(self.cuts, expected)
        total = np.rint(np.ldexp(expected, self.exponent)).astype(np.int64).sum(keepdims=True)
        return np.bincount(cells, minlength=CELLS).astype(np.int64), total

    def mean(self, rows: Ints, total: Ints) -> tuple[float, float]:
        """Return the expected mean error of counted rows and its variance: that of the rows', and that the reference leaves."""
        count = float(rows.sum())
        share = rows / count
        value = max(float(np.ldexp(float(total[0]), -self.exponent)) / count, 0.0)
        return value, float(np.sum(share * self.variances * (1 / count + share / self.rows)))

    def plain(self) -> Plain:
        """Return it as data; `loss_from` takes it back."""
        return {
            "trees": self.trees.plain(),
            "cuts": self.cuts,
            "variances": self.variances,
            "rows": self.rows,
            "exponent": self.exponent,
        }


def loss_from(saved: Plain) -> Loss:
    """Return the loss that `Loss.plain` described."""
    cuts, variances = (np.asarray(saved[name], np.float64) for name in ("cuts", "variances"))
    return Loss(trees_from(saved["trees"]), cuts, variances, np.asarray(saved["rows"], np.int64), int(saved["exponent"]))


@dataclass(frozen=True, slots=True)
class ErrorModel:
    """What is expected of a row's error; empty where nothing was learnt."""

    codings: tuple[Coding, ...] = ()
    losses: Mapping[str, Loss] | None = None
    """Metric to loss."""

    def plain(self) -> Plain:
        """Return it as data; `model_from` takes it back."""
        losses = None if self.losses is None else {name: loss.plain() for name, loss in self.losses.items()}
        return {"version": VERSION, "codings": [coding.plain() for coding in self.codings], "losses": losses}


def model_from(saved: Plain) -> ErrorModel:
    """Return the model that `ErrorModel.plain` described. Raises ValueError for data of another version."""
    if saved["version"] != VERSION:
        raise ValueError(f"error model of version {saved['version']}; this driftline reads {VERSION}")
    losses = saved["losses"]
    codings = tuple(coding_from(one) for one in saved["codings"])
    return ErrorModel(codings, None if losses is None else {name: loss_from(one) for name, one in losses.items()})


def errors(truth: Floats, answer: Floats) -> dict[str, Floats]:
    """Return the losses of each row by the metric that is their mean; NaN where a row has none.

    MAPE has none for a truth of 0, and MSLE is left out where a truth or an answer is -1 or less.

    >>> errors(np.array([2.0]), np.array([1.0]))["mape"].tolist()
    [0.5]
    """
    with np.errstate(over="ignore"):
        size = np.abs(answer - truth)
        size[~(size < _LARGEST)] = np.nan
        relative = np.divide(size, np.abs(truth), out=np.full(len(size), np.nan), where=truth != 0)
    relative[~(relative < _LARGEST)] = np.nan
    found = {"mae": size, "mape": relative, "mse": size**2}
    if min(truth.min(initial=0.0), answer.min(initial=0.0)) > -1:
        found["msle"] = (np.log1p(answer) - np.log1p(truth)) ** 2
    return found


def learn(columns: Mapping[str, Column], truth: Floats) -> ErrorModel:
    """Return the model of rows with their truth; `columns` hold the features and the answer under `prediction`.

    Of more than MOST_ROWS rows every second, third … is taken. Raises ValueError with fewer than LEAST_ROWS, and without features.
    """
    answer = columns.get(PREDICTION)
    if not isinstance(answer, np.ndarray):
        raise ValueError("the prediction is no number")  # noqa: TRY004 - the data is wrong, not the argument
    if len(truth) < LEAST_ROWS:
        raise ValueError(f"{len(truth)} rows with a label and an answer; {LEAST_ROWS} are needed")
    losses = errors(truth, answer.astype(np.float64))
    known = np.nan_to_num(losses["mae"])
    found = (error_features.learn(name, column, known) for name, column in columns.items())
    codings = tuple(coding for coding in found if coding is not None)
    if not codings:
        raise ValueError("no column has more than one value")
    codes = error_features.code(codings, columns, len(truth))
    sizes = [coding.size for coding in codings]
    learnt = {name: loss for name, values in losses.items() if (loss := _learn(codes, sizes, values)) is not None}
    if not learnt:
        raise ValueError(f"fewer than {LEAST_ROWS} rows have an error below {_LARGEST:g}")
    return ErrorModel(codings, learnt)


def _learn(codes: Ints, sizes: list[int], values: Floats) -> Loss | None:
    known = np.flatnonzero(np.isfinite(values))
    if len(known) < LEAST_ROWS:
        return None
    stride = -(-len(known) // MOST_ROWS)
    codes, values = codes[:, known[::stride]], values[known[::stride]]
    out = np.arange(len(values)) % _HELD_OUT == 0
    expected = error_trees.grow(codes[:, ~out], sizes, values[~out], _SPREAD_TREES).predict(codes[:, out])
    cuts = np.quantile(expected, np.linspace(0, 1, CELLS + 1)[1:-1])
    cell, square = np.searchsorted(cuts, expected), (values[out] - expected) ** 2
    rows = np.bincount(cell, minlength=CELLS)
    # A cell that ties left empty has the spread of all rows.
    spread = np.where(rows > 0, np.bincount(cell, square, minlength=CELLS) / np.maximum(rows, 1), square.mean())
    trees = error_trees.grow(codes, sizes, values)
    # Held-out rows scatter more than those learnt from, unless a few rows of huge error were not among them.
    spread += max(float(np.mean((values - trees.predict(codes)) ** 2) - square.mean()), 0.0)
    bound = max(trees.bound, float(np.finfo(np.float64).tiny))
    behind = np.maximum(rows * _HELD_OUT, 1).astype(np.int64)
    return Loss(trees, cuts, spread, behind, _FIXED - int(np.ceil(np.log2(bound))))
