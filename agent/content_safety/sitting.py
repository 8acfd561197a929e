"""One endpoint's checks by Azure AI Content Safety at work: closed windows wait for them as they do for a judge."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from agent.content_safety.options import TAKER
from agent.judges.sitting import Sitting
from agent.labels.sampled import Sampled
from detectors import catalog_attacks
from detectors.metric import Metric
from detectors.quality.clusters import seeds_of
from detectors.quality.priority_sample import ALWAYS, PrioritySample, uniform
from detectors.quality.reserved_sample import ReservedSample
from detectors.quality.text_columns import IMPORTANCE, LANGUAGES, PROBABILITY, SHARES
from detectors.safety.content_safety import shares_of
from detectors.types import Batch, Category, Score
from detectors.usage.thinning import weights_of

_ANOTHER = np.uint64(0xA24BAED4963EE407)
"""Makes another draw of the same ids."""


@dataclass(slots=True)
class CheckSitting(Sitting):
    """Looks at prompts without an answer as well, and keeps room for calls nothing was found in."""

    source: ClassVar[str] = TAKER
    asked: ClassVar[Metric] = catalog_attacks.AGENT_CONTENT_SAFETY_CALLS

    def choose(self, calls: Batch) -> tuple[list[int], list[float]]:
        """Return the ids of the calls to check, and how likely each was: a smaller sample of the same draw, up to a quarter of it of blocked and failed calls."""
        there = _described(calls)
        keys, importance = (np.asarray(calls.columns[name])[there] for name in ("id", IMPORTANCE))
        keys = keys.astype(np.uint64)
        first = min(int((importance >= ALWAYS).sum()), self.calls // 4)
        # What is always kept leaves the rest of the room to the others, as large as it is.
        sample = ReservedSample(PrioritySample(max(first, 1)), PrioritySample(self.calls - first)).add(
            keys, importance.astype(np.float64), seeds_of(calls)[there]
        )
        weights, within = weights_of(calls), calls.columns.get(PROBABILITY)
        chances = sample.probabilities(keys) / (1.0 if weights is None else weights[there])
        if isinstance(within, np.ndarray):
            # A threshold of the smaller sample is above that of the larger one, unless all of it is taken.
            chances = np.minimum(chances, within[there])
        kept = np.flatnonzero(np.isfinite(chances))
        # In an order that has nothing to do with why they are here: where the day's budget ends, what was checked is still a fair part.
        kept = kept[np.argsort(uniform(keys[kept] ^ _ANOTHER))]
        return keys[kept].tolist(), chances[kept].tolist()

    def scores(self, found: Sequence[Sampled], calls: Batch) -> tuple[Score, ...]:
        """Return the share of each category, direction and severity among all calls of the window."""
        rows = {identity: row for row, identity in enumerate(np.asarray(calls.columns["id"], np.uint64).tolist())}
        checked = {
            one.evaluator: (one.scores, one.chances, calls.take(np.array([rows[identity] for identity in one.ids.tolist()], np.intp)))
            for one in found
        }
        return tuple(shares_of(checked))


def _described(calls: Batch) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which calls brought a text; all, where no column could tell."""
    columns = [column for name in (*SHARES, *LANGUAGES) if (column := calls.columns.get(name)) is not None]
    found = np.zeros(calls.rows, np.bool_)
    for column in columns:
        if isinstance(column, Category):
            found |= column.codes >= 0
        elif isinstance(column, np.ndarray):
            found |= np.isfinite(column)
    return found if columns else ~found
