"""Conversations that fell silent: how many calls each had, and how many ended on a call that gave the person nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from detectors import catalog_serving as catalog
from detectors.catalog import Metric
from detectors.intervals import wilson
from detectors.quality.data_quality import Nothing
from detectors.types import Batch, Category, Plain, Profile, Score, Step, Total, Window

CALLS, ENDING = "calls", "ending"
"""Columns of a batch of conversations: float64, and Category."""
ANSWERED = "answered"
ABANDONED = ("failed", "throttled", "filtered", "truncated", "tool_call")
"""How a last call may end that leaves the person without an answer: an error, a 429, the content filter, the limit of length, or a wish
for a tool whose result never came back."""

_LONGEST = 1000
"""Calls of a conversation beyond which it counts as this long."""


@dataclass(frozen=True, slots=True)
class Conversations:
    """Counts conversations; each is one trial, so turns that are alike cannot make a bound look sure."""

    metrics: ClassVar[tuple[Metric, ...]] = (
        catalog.CONVERSATIONS,
        catalog.CONVERSATION_SAMPLES,
        catalog.CONVERSATION_CALLS_MEAN,
        catalog.CONVERSATION_CALLS_P50,
        catalog.CONVERSATION_ABANDONED_SAMPLES,
        catalog.CONVERSATION_ABANDONED,
        catalog.CONVERSATION_ABANDONED_LOWER,
        catalog.CONVERSATION_ABANDONED_UPPER,
    )

    def restore(self, saved: Plain | None) -> Nothing:  # noqa: ARG002 - there is nothing to restore
        """Return the state, which is empty."""
        return Nothing()

    def observe(self, state: Nothing, batch: Batch) -> Profile:  # noqa: ARG002 - the state is empty
        """Count conversations by ending and by number of calls; any other batch gives an empty profile."""
        calls, ending = batch.columns.get(CALLS), batch.columns.get(ENDING)
        if batch.kind != "conversations" or not isinstance(calls, np.ndarray) or not isinstance(ending, Category):
            return Profile()
        lengths = np.bincount(np.clip(calls, 0, _LONGEST).astype(np.int64)).astype(np.int64)
        counted = np.bincount(ending.codes[ending.codes >= 0], minlength=len(ending.values)).tolist()
        return Profile(
            {"lengths": lengths}, {"endings": {name: count for name, count in zip(ending.values, counted, strict=True) if count}}
        )

    def totals(self, profile: Profile) -> Sequence[Total]:
        """Return the increases, by ending."""
        return tuple(Total(catalog.CONVERSATIONS, {"ending": name}, count) for name, count in profile.tallies.get("endings", {}).items())

    def step(self, state: Nothing, window: Window, profile: Profile) -> Step:  # noqa: ARG002 - the protocol of a detector
        """Give the lengths and the abandoned shares of the conversations that fell silent in a window."""
        return Step(state, tuple(_scores(profile)))


def _scores(profile: Profile) -> Iterator[Score]:
    lengths = profile.counts.get("lengths")
    if lengths is None:
        return
    number = int(lengths.sum())
    yield Score(catalog.CONVERSATION_SAMPLES, number)
    if not number:
        return
    yield Score(catalog.CONVERSATION_CALLS_MEAN, float(lengths @ np.arange(len(lengths))) / number)
    yield Score(catalog.CONVERSATION_CALLS_P50, float(np.searchsorted(np.cumsum(lengths), (number + 1) // 2)))
    endings = profile.tallies.get("endings", {})
    for name in ABANDONED:
        attributes, hits = {"ending": name}, endings.get(name, 0)
        lower, upper = wilson(hits, number)
        yield Score(catalog.CONVERSATION_ABANDONED_SAMPLES, number, attributes)
        yield Score(catalog.CONVERSATION_ABANDONED, hits / number, attributes)
        yield Score(catalog.CONVERSATION_ABANDONED_LOWER, lower, attributes)
        yield Score(catalog.CONVERSATION_ABANDONED_UPPER, upper, attributes)
