"""The rows a batch of data points adds, while the points are read: one a bucket that grew."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.sources.otlp.pace import Pace
from agent.sources.otlp.points import NAMES
from agent.sources.otlp.senders import Added, Point
from detectors.types import Batch, Category, Column, take

_CARRIED = ("time", "quantity", *NAMES)


class IncreaseRows:
    """Grows point by point; `pace` gathers what becomes milliseconds a token."""

    def __init__(self, batch: Batch) -> None:
        self.pace = Pace()
        self._batch = batch
        self._value = np.asarray(batch.columns["value"], np.float64)
        self._index = np.asarray(batch.columns["index"]).tolist()
        self._rows: list[int] = []
        self._count: list[int] = []
        self._total: list[float] = []
        self._begin: list[int] = []
        self._mean: list[float] = []

    def total(self, point: Point, added: Added) -> float:
        """Return the sum of the values a point adds: as it told it, else by the middles of its buckets."""
        if not np.isnan(added.total):
            return added.total
        counts = np.array([added.counts.get(index, 0) for index in self._index[point.low : point.high]], np.float64)
        return float(np.nansum(self._value[point.low : point.high] * counts))

    def add(self, point: Point, added: Added, quantity: str, *, told_apart: bool) -> None:
        """Add the rows of a point that count anything. `told_apart`: a counter says the sum, this one is not needed."""
        total = self.total(point, added)
        calls = sum(added.counts.values())
        self.pace.note(point.call, point.time, quantity, total, calls, point.low, added.begin)
        if point.counter:
            if total and quantity == "choices":
                self._row(point.low, round(total), 0.0, added.begin, 0.0)
            elif total:
                self._row(point.low, 0, total, added.begin, 0.0)
            return
        rest = 0.0 if told_apart else total
        for row in range(point.low, point.high):
            count = added.counts.get(self._index[row], 0)
            if count:
                self._row(row, count, rest, added.begin, total / calls)
                rest = 0.0

    def _row(self, row: int, count: int, total: float, begin: int, mean: float) -> None:
        self._rows.append(row)
        self._count.append(count)
        self._total.append(total)
        self._begin.append(begin)
        self._mean.append(mean)

    def batch(self) -> Batch | None:
        """Return the rows as columns, ratios behind them; None without any."""
        if not self._rows:
            return None
        ratios = self.pace.ratios()
        rows = np.array(self._rows + [one.row for one in ratios], np.intp)
        columns: dict[str, Column] = {name: take(self._batch.columns[name], rows) for name in _CARRIED if name in self._batch.columns}
        quantity = columns["quantity"]
        if ratios and isinstance(quantity, Category):
            codes = quantity.codes.copy()
            codes[len(self._rows) :] = len(quantity.values)
            columns["quantity"] = Category(codes, (*quantity.values, Pace.QUANTITY))
        # A span ends with its last moment: one that ends at midnight is of the day before.
        columns["time"] = np.asarray(columns["time"], np.int64) - 1
        columns["begin"] = np.array(self._begin + [one.begin for one in ratios], np.int64)
        middle = self._value[self._rows]
        columns["value"] = _joined(np.where(np.isnan(middle), self._mean, middle), [one.value for one in ratios], np.float64)
        columns["count"] = np.array(self._count + [one.calls for one in ratios], np.int64)
        columns["total"] = np.array(self._total + [0.0] * len(ratios), np.float64)
        return Batch(self._batch.endpoint, "call_counts", len(rows), columns)


def _joined(left: Any, right: Any, dtype: type[np.generic]) -> NDArray[Any]:
    return np.concatenate([np.asarray(left, dtype), np.asarray(right, dtype)])
