"""The data points of one endpoint while a request is read: a row for each filled bucket, the point's own numbers repeated."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from agent.names import harmless
from agent.sources.otlp.buckets import Buckets
from detectors.types import Batch, Category, Column

NAMES = (
    "deployment",
    "traffic",
    "operation",
    "provider",
    "request_model",
    "model",
    "fingerprint",
    "version",
    "finish_reason",
    "error_type",
    "client",
)


@dataclass(frozen=True, slots=True)
class Told:
    """What one data point says besides its buckets. Times are nanoseconds."""

    time: int
    start: int
    """When it began to count; 0: not said."""
    sender: int
    """Hash of the resource."""
    series: int
    """Hash of resource, scope, metric and attributes."""
    call: int
    """Hash of what all numbers of the same calls share: resource and attributes, but for those that split them."""
    quantity: str
    rank: int
    counter: bool
    cumulative: bool
    total: float
    """Sum of all values; NaN: not said."""
    names: dict[str, Any]


@dataclass(slots=True)
class Points:
    """Grows point by point."""

    endpoint: str
    told: list[Told] = field(default_factory=list)
    buckets: list[Buckets] = field(default_factory=list)

    def batch(self) -> Batch:
        """Return the points as columns, one row a filled bucket; `first` marks the first row of each point."""
        lengths = np.array([len(one.index) for one in self.buckets], np.intp)
        first = np.zeros(int(lengths.sum()), np.bool_)
        first[np.cumsum(lengths) - lengths] = True

        def numbers(values: list[Any], dtype: type[np.generic]) -> Column:
            return np.repeat(np.array(values, dtype), lengths)

        told = self.told
        columns: dict[str, Column] = {
            "time": numbers([one.time for one in told], np.int64),
            "start": numbers([one.start for one in told], np.int64),
            "sender": numbers([one.sender for one in told], np.uint64),
            "series": numbers([one.series for one in told], np.uint64),
            "call": numbers([one.call for one in told], np.uint64),
            "rank": numbers([one.rank for one in told], np.int64),
            "counter": numbers([one.counter for one in told], np.bool_),
            "cumulative": numbers([one.cumulative for one in told], np.bool_),
            "total": numbers([one.total for one in told], np.float64),
            "scale": numbers([one.scale for one in self.buckets], np.int64),
            "quantity": _repeated([one.quantity for one in told], lengths),
            "first": first,
            "index": np.concatenate([one.index for one in self.buckets]),
            "value": np.concatenate([one.value for one in self.buckets]),
            "count": np.concatenate([one.count for one in self.buckets]),
        }
        for name in NAMES:
            listed = [one.names.get(name) for one in told]
            if any(value is not None for value in listed):
                columns[name] = _repeated(listed, lengths)
        return Batch(self.endpoint, "call_counts", len(first), columns)


def records(batch: Batch) -> int:
    """Return how many records a batch holds: its rows, but of data points, which may have many, their number."""
    first = batch.columns.get("first") if batch.kind == "call_counts" else None
    return int(np.count_nonzero(first)) if isinstance(first, np.ndarray) else batch.rows


def _repeated(values: list[str | None], lengths: "np.ndarray[Any, np.dtype[np.intp]]") -> Category:
    coded = Category.of([None if value is None else harmless(value) for value in values])
    return Category(np.repeat(coded.codes, lengths), coded.values)
