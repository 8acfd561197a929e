"""A uniform sample of a window's rows: those with the smallest hash of their id, so order and cut do not matter."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from detectors.types import Batch, Category, Column, Text


@dataclass(frozen=True, slots=True)
class RowSample:
    """At most `limit` rows and their priorities."""

    limit: int
    batch: Batch | None = None
    priorities: NDArray[np.uint64] | None = None

    def add(self, batch: Batch) -> "RowSample":
        """Return the sample with a batch's rows considered. Rows without an id are told apart by time and position."""
        ids = batch.columns.get("id")
        words: NDArray[np.uint64] = ids.astype(np.uint64) if isinstance(ids, np.ndarray) else np.zeros(batch.rows, np.uint64)
        if not words.any():
            times = batch.columns["time"]
            words = np.asarray(times).astype(np.uint64) + np.arange(batch.rows, dtype=np.uint64)
        priorities = _mix(words)
        if self.batch is not None and self.priorities is not None:
            batch = concatenate([self.batch, batch])
            priorities = np.concatenate([self.priorities, priorities])
        if len(priorities) > self.limit:
            kept = np.sort(np.argpartition(priorities, self.limit)[: self.limit])
            batch, priorities = batch.take(kept), priorities[kept]
        return replace(self, batch=batch, priorities=priorities)


def concatenate(batches: Sequence[Batch]) -> Batch:
    """Join batches of one endpoint and kind; a column some lack is missing there.

    >>> from detectors.types import Batch, Category
    >>> one = Batch("e", "rows", 1, {}, {"a": Category.of(["x"])})
    >>> two = Batch("e", "rows", 1, {}, {"a": Category.of(["y"])})
    >>> concatenate([one, two]).features["a"].decode()
    ['x', 'y']
    """
    columns = {name: _join([(b.columns.get(name), b.rows) for b in batches]) for name in _names([list(b.columns) for b in batches])}
    features = {name: _join([(b.features.get(name), b.rows) for b in batches]) for name in _names([list(b.features) for b in batches])}
    return replace(batches[0], rows=sum(b.rows for b in batches), columns=columns, features=features)


def _names(lists: Sequence[Sequence[str]]) -> list[str]:
    return list(dict.fromkeys(name for names in lists for name in names))


def _join(parts: Sequence[tuple[Column | None, int]]) -> Column:
    present = [column for column, _ in parts if column is not None]
    if any(isinstance(column, Text) for column in present):
        return Text(tuple(value for column, rows in parts for value in (column.values if isinstance(column, Text) else (None,) * rows)))
    if any(isinstance(column, Category) for column in present):
        decoded: list[str | None] = []
        for column, rows in parts:
            decoded += column.decode() if isinstance(column, Category) else [None] * rows
        return Category.of(decoded)
    if len(present) == len(parts) and len({column.dtype for column in present if isinstance(column, np.ndarray)}) == 1:
        return np.concatenate([column for column in present if isinstance(column, np.ndarray)])
    return np.concatenate([np.full(rows, np.nan) if column is None else np.asarray(column, np.float64) for column, rows in parts])


def _mix(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread 64-bit words evenly (the finaliser of SplitMix64, Steele et al. 2014)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
