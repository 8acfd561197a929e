"""The embedding enricher: novelty, nearest group and length of vectors that the application brings along."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from agent.enrichers import Drawn
from agent.enrichers.text import grouped
from agent.enrichers.yardsticks import Own
from detectors.features.embedding import MOST, Directions

_LARGEST = 1e100
"""What a value may be at most; squares of more might not be numbers any more."""
_AT_ONCE = 4096
"""Vectors put into one array at a time."""


@dataclass(frozen=True, slots=True)
class Embedding:
    """Draws features from embeddings: `novelty`, `group` and `norm`."""

    columns: tuple[str, ...]
    """Columns that hold vectors: lists of numbers, or JSON arrays as text."""

    def __post_init__(self) -> None:
        if not self.columns:
            raise ValueError("columns must name at least one column")

    def draw(self, column: str, values: Sequence[Any], yardsticks: Own) -> Drawn:
        """See Enricher. `novelty` and `group` are left out until a yardstick is learnt; it fixes the dimension."""
        refused: Counter[str] = Counter()
        vectors = [_vector(value, refused) for value in values]
        present = [(row, vector) for row, vector in enumerate(vectors) if vector is not None]
        usual = yardsticks.measure(column, Directions, partial(_alone, present))
        norm = np.full(len(vectors), np.nan)
        for row, vector in present:
            if usual is None or len(vector) == usual.dimension:
                norm[row] = np.sqrt(np.square(vector).sum())
        if usual is None:
            return Drawn({"norm": norm}, refused)
        fitting = [(row, vector) for row, vector in present if len(vector) == usual.dimension]
        if len(fitting) < len(present):
            refused["embedding_dimension"] += len(present) - len(fitting)
        novelty, group = np.full(len(vectors), np.nan), np.full(len(vectors), -1, np.int32)
        for start in range(0, len(fitting), _AT_ONCE):
            some = fitting[start : start + _AT_ONCE]
            rows = [row for row, _ in some]
            novelty[rows], group[rows] = usual.measure(np.array(_alone(some)))
        return Drawn({"norm": norm, "novelty": novelty, "group": grouped(group)}, refused)


def _alone(some: Sequence[tuple[int, NDArray[np.float64]]]) -> list[NDArray[np.float64]]:
    return [vector for _, vector in some]


def _vector(value: Any, refused: Counter[str]) -> NDArray[np.float64] | None:
    """Return a value as a vector of finite numbers; None where it is missing, or counted as unusable."""
    if value is None:
        return None
    if isinstance(value, str | bytes):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            value = ""
    if isinstance(value, list | np.ndarray):
        try:
            vector = np.array(value, np.float64)
        except (ValueError, TypeError, OverflowError):
            vector = np.empty(0)
        if vector.ndim == 1 and 0 < len(vector) <= MOST and (np.abs(vector) <= _LARGEST).all():
            return vector
    refused["embedding_broken"] += 1
    return None
