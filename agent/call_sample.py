"""The calls of a window that are kept to be looked at when it closes, each with the chance it had to be kept."""

from dataclasses import dataclass, replace

import numpy as np

from agent.concatenation import concatenate
from agent.spool.frame import Frame, decode, encode
from detectors.quality.clusters import SEED, seeds_of
from detectors.quality.priority_sample import PrioritySample
from detectors.quality.reserved_sample import ReservedSample
from detectors.quality.text_columns import IMPORTANCE, PROBABILITY
from detectors.types import Batch, Plain
from detectors.usage.thinning import weights_of


@dataclass(frozen=True, slots=True)
class CallSample:
    """Rows of calls, and the priorities by which they stay."""

    size: int
    kept: ReservedSample
    batch: Batch | None = None

    @classmethod
    def of(cls, size: int) -> "CallSample":
        """Return an empty sample."""
        return cls(size, ReservedSample.of(size))

    def add(self, batch: Batch) -> "CallSample":
        """Return the sample with the admitted calls of a batch considered: those that have an importance."""
        importance = batch.columns.get(IMPORTANCE)
        ids = batch.columns.get("id")
        if not isinstance(importance, np.ndarray) or not isinstance(ids, np.ndarray):
            return self
        admitted = np.flatnonzero(np.isfinite(importance))
        if not len(admitted):
            return self
        keys = ids[admitted].astype(np.uint64)
        seeds = seeds_of(batch)[admitted] if SEED in batch.columns else None
        kept = self.kept.add(keys, importance[admitted].astype(np.float64), seeds)
        fresh = batch.take(admitted[np.isin(keys, kept.keys)])
        parts = [part for part in (self.batch, fresh) if part is not None and part.rows]
        if not parts:
            return replace(self, kept=kept)
        joint = parts[0] if len(parts) == 1 else concatenate(parts)
        _, first = np.unique(np.asarray(joint.columns["id"], np.uint64), return_index=True)
        stay = np.sort(first[np.isin(np.asarray(joint.columns["id"], np.uint64)[first], kept.keys)])
        return CallSample(self.size, kept, joint.take(stay))

    def closed(self) -> Batch | None:
        """Return the calls with the chance each had; None where none was kept."""
        if self.batch is None or not self.batch.rows:
            return None
        chances = self.kept.probabilities(np.asarray(self.batch.columns["id"], np.uint64))
        # A call had to pass the sampler upstream, and then to stay here.
        weights = weights_of(self.batch)
        chances = chances if weights is None else chances / weights
        return replace(self.batch, columns={**self.batch.columns, PROBABILITY: chances})

    def plain(self) -> Plain:
        """Return the sample as data; `restore` takes it back."""
        return {
            "rows": None if self.batch is None else encode(Frame(self.batch, "sample", None, 0)),
            "parts": [_plain(self.kept.always), _plain(self.kept.rest)],
        }

    @classmethod
    def restore(cls, size: int, saved: Plain) -> "CallSample":
        """Take back what `plain` returned; a size that changed since counts from the next window on."""
        always, rest = (
            PrioritySample(
                part["size"],
                np.asarray(part["keys"], np.uint64),
                np.asarray(part["importance"], np.float64),
                part["threshold"],
                None if part.get("seeds") is None else np.asarray(part["seeds"], np.uint64),
            )
            for part in saved["parts"]
        )
        return cls(size, ReservedSample(always, rest), None if saved["rows"] is None else decode(saved["rows"]).batch)


def _plain(part: PrioritySample) -> Plain:
    return {"size": part.size, "keys": part.keys, "importance": part.importance, "threshold": part.threshold, "seeds": part.seeds}
