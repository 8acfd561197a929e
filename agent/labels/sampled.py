"""What an evaluator said of the sampled calls of a window, with everything calibration has to know of each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.sources.otlp.columns import CALL
from detectors.quality.clusters import seeds_of
from detectors.types import Batch, Category, Text

_ANSWERED = ("model", "fingerprint")
"""Not the application's version: it may change every day, and with it labels would be for nothing."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """All sequences have one value a call."""

    evaluator: str
    rater: str
    """What said so; where it changes, labels given before say nothing of what it says now."""
    ids: NDArray[np.uint64]
    scores: NDArray[np.float64]
    chances: NDArray[np.float64]
    """How likely each call was to be looked at."""
    answered: Sequence[str]
    """What answered it: model and fingerprint."""
    calls: Sequence[str | None]
    """Trace and span id."""
    seeds: NDArray[np.uint64]
    """What each call's number was drawn from: its id, or that of its conversation."""

    def take(self, rows: NDArray[np.intp]) -> "Sampled":
        """Return some of the calls."""
        places = rows.tolist()
        return Sampled(
            self.evaluator,
            self.rater,
            self.ids[rows],
            self.scores[rows],
            self.chances[rows],
            [self.answered[place] for place in places],
            [self.calls[place] for place in places],
            self.seeds[rows],
        )


def sampled(evaluator: str, rater: str, calls: Batch, scores: NDArray[np.float64], chances: NDArray[np.float64]) -> Sampled:
    """Return what was said of a batch of calls; `scores` and `chances` have one value a row."""
    parts = [column.decode() if isinstance(column := calls.columns.get(name), Category) else [None] * calls.rows for name in _ANSWERED]
    answered = ["|".join(part or "" for part in row) for row in zip(*parts, strict=True)]
    names = calls.columns.get(CALL)
    named = names.values if isinstance(names, Text) else (None,) * calls.rows
    return Sampled(evaluator, rater, np.asarray(calls.columns["id"], np.uint64), scores, chances, answered, named, seeds_of(calls))
