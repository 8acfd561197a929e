"""The rows a batch of data points adds, while the points are read: one a bucket that grew."""

import numpy as np

from agent.sources.otlp.pace import Bucket, Pace
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
        self._values: list[float] = []

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
        mean = total / calls if calls else 0.0
        places = [(row, added.counts.get(self._index[row], 0)) for row in range(point.low, point.high)]
        buckets = [Bucket(row, mean if np.isnan(self._value[row]) else float(self._value[row]), count) for row, count in places if count]
        self.pace.note(point.call, point.time, quantity, total, calls, added.begin, buckets)
        if point.counter:
            if total and quantity == "choices":
                self._row(Bucket(point.low, 0.0, round(total)), 0.0, added.begin)
            elif total:
                self._row(Bucket(point.low, 0.0, 0), total, added.begin)
            return
        for place, bucket in enumerate(buckets):
            self._row(bucket, 0.0 if place or told_apart else total, added.begin)

    def _row(self, bucket: Bucket, total: float, begin: int) -> None:
        self._rows.append(bucket.row)
        self._values.append(bucket.value)
        self._count.append(bucket.calls)
        self._total.append(total)
        self._begin.append(begin)

    def batch(self) -> Batch | None:
        """Return the rows as columns, ratios behind them; None without any."""
        if not self._rows:
            return None
        ratios = list(self.pace.ratios())
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
        columns["value"] = np.array(self._values + [one.value for one in ratios], np.float64)
        columns["count"] = np.array(self._count + [one.calls for one in ratios], np.int64)
        columns["total"] = np.array(self._total + [0.0] * len(ratios), np.float64)
        return Batch(self._batch.endpoint, "call_counts", len(rows), columns)
