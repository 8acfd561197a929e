"""A uniform sample of a window's rows: those with the smallest hash of their id, so order and cut do not matter."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from agent.concatenation import concatenate
from agent.spool.frame import Frame, decode, encode
from detectors.types import Batch, Plain


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
        nameless = np.flatnonzero(words == 0)
        if len(nameless):
            words[nameless] = np.asarray(batch.columns["time"])[nameless].astype(np.uint64) + nameless.astype(np.uint64)
        priorities = _mix(words)
        chosen = _smallest(priorities, self.limit)
        if self.batch is not None and self.priorities is not None:
            # Only what may stay is put beside the sample: most batches bring nothing once it is full.
            if len(self.priorities) >= self.limit:
                chosen = chosen[priorities[chosen] < self.priorities.max()]
            if not len(chosen):
                return self
            batch, priorities = concatenate([self.batch, batch.take(chosen)]), np.concatenate([self.priorities, priorities[chosen]])
            chosen = _smallest(priorities, self.limit)
        return replace(self, batch=batch.take(chosen), priorities=priorities[chosen])

    def plain(self) -> Plain | None:
        """Return the sample as data; `RowSample.restore` takes it back."""
        return None if self.batch is None else {"rows": encode(Frame(self.batch, "sample", None, 0)), "priorities": self.priorities}

    @classmethod
    def restore(cls, limit: int, saved: Plain | None) -> "RowSample":
        """Take back what `plain` returned."""
        return cls(limit) if saved is None else cls(limit, decode(saved["rows"]).batch, np.asarray(saved["priorities"], np.uint64))


def _smallest(priorities: NDArray[np.uint64], limit: int) -> NDArray[np.intp]:
    """Return where the smallest priorities stand, smallest first, `limit` at most: the same rows in the same order however they came."""
    chosen = np.arange(len(priorities)) if len(priorities) <= limit else np.argpartition(priorities, limit)[:limit]
    ordered: NDArray[np.intp] = chosen[np.argsort(priorities[chosen], kind="stable")]
    return ordered


def _mix(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread 64-bit words evenly (the finaliser of SplitMix64, Steele et al. 2014)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
