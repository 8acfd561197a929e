"""The text enricher: length, script, language and trigrams of free text; the text itself goes no further."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from agent.enrichers import Drawn
from agent.enrichers.yardsticks import Own
from detectors.features import language
from detectors.features.grams import Grams, count
from detectors.types import Category

_AT_ONCE = 1024
"""Texts whose trigrams are held at a time: some 8 MB where they are short."""


@dataclass(frozen=True, slots=True)
class Text:
    """Draws features from free text, without a model: `length`, `words`, `script`, `language`, `surprise`, `novelty`, `group`."""

    columns: tuple[str, ...]
    """Columns that hold text."""

    def __post_init__(self) -> None:
        if not self.columns:
            raise ValueError("columns must name at least one column")

    def draw(self, column: str, values: Sequence[Any], yardsticks: Own) -> Drawn:
        """See Enricher. `surprise`, `novelty` and `group` begin once a yardstick is learnt."""
        texts = [value if isinstance(value, str) and value else None for value in values]
        wrong = sum(value is not None and not isinstance(value, str) for value in values)
        script, tongue = language.describe(texts)
        nothing = float("nan")
        surprise, novelty = np.full(len(texts), nothing), np.full(len(texts), nothing)
        group = np.full(len(texts), -1, np.int32)
        present = np.array([row for row, text in enumerate(texts) if text], np.intp)
        for start in range(0, len(present), _AT_ONCE):
            rows = present[start : start + _AT_ONCE]
            found = count([texts[row] or "" for row in rows.tolist()])
            usual = yardsticks.measure(column, Grams, found.texts)
            if usual is not None:
                surprise[rows], novelty[rows], group[rows] = usual.measure(found)
        return Drawn(
            {
                "length": np.array([nothing if text is None else len(text) for text in texts], np.float64),
                "words": np.array([nothing if text is None else len(text.split()) for text in texts], np.float64),
                "script": script,
                "language": tongue,
                "surprise": surprise,
                "novelty": novelty,
                "group": grouped(group),
            },
            Counter({"not_text": wrong} if wrong else {}),
        )


def grouped(group: np.ndarray[Any, np.dtype[np.int32]]) -> Category:
    """Return group numbers, -1 for none, as categories that begin with "1".

    >>> grouped(np.array([1, -1, 0], np.int32)).decode()
    ['2', None, '1']
    """
    return Category(group, tuple(str(number + 1) for number in range(int(group.max(initial=-1)) + 1)))
