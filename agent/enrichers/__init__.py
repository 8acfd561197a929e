"""Enrichers draw features from texts, images and embeddings; what they drew from goes no further."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from agent.enrichers.yardsticks import Own
from detectors.types import Column


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was drawn from a column."""

    features: Mapping[str, Column]
    """Each one value a row, without the prefix of the column; missing where there was nothing to draw from."""
    refused: Counter[str] = field(default_factory=Counter)
    """Values that could not be used, by reason. They are missing; their rows go on."""


class Enricher(Protocol):
    """A component of the group `enrichers`."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns it draws from."""
        ...

    def draw(self, column: str, values: Sequence[Any], yardsticks: Own) -> Drawn:
        """Return what is in one value a row; None is missing. Runs in any thread; a value it cannot use is counted, never raised."""
        ...
