"""The text enricher: length, script, language and trigrams of free text; the text itself goes no further."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.enrichers import Drawn
from agent.enrichers.yardsticks import Own
from detectors.features.grams import LOOKED_AT, Grams, count
from detectors.features.language import describe
from detectors.types import Category

_AT_ONCE = 65_536
"""Characters looked at together; their trigrams take some 20 MB."""


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
        rows = [row for row, value in enumerate(values) if isinstance(value, str) and value]
        wrong = sum(value is not None and not isinstance(value, str) for value in values)
        length, words, surprise, novelty = np.full((4, len(values)), np.nan)
        group = np.full(len(values), -1, np.int32)
        scripts: list[str | None] = [None] * len(values)
        languages: list[str | None] = [None] * len(values)
        for part in _parts(rows, values):
            texts = [values[row] for row in part.tolist()]
            length[part], words[part] = [len(text) for text in texts], [len(text.split()) for text in texts]
            for row, script, language in zip(part.tolist(), *describe(texts), strict=True):
                scripts[row], languages[row] = script, language
            found = count(texts)
            usual = yardsticks.measure(column, Grams, found.texts)
            if usual is not None:
                surprise[part], novelty[part], group[part] = usual.measure(found)
        return Drawn(
            {
                "length": length,
                "words": words,
                "script": Category.of(scripts),
                "language": Category.of(languages),
                "surprise": surprise,
                "novelty": novelty,
                "group": grouped(group),
            },
            Counter({"not_text": wrong} if wrong else {}),
        )


def _parts(rows: Sequence[int], values: Sequence[Any]) -> Iterator[NDArray[np.intp]]:
    """Yield rows in stretches of so many characters."""
    part: list[int] = []
    held = 0
    for row in rows:
        part.append(row)
        held += min(len(values[row]), LOOKED_AT)
        if held >= _AT_ONCE:
            yield np.array(part, np.intp)
            part, held = [], 0
    if part:
        yield np.array(part, np.intp)


def grouped(group: NDArray[np.int32]) -> Category:
    """Return group numbers, -1 for none, as categories that begin with "1".

    >>> grouped(np.array([1, -1, 0], np.int32)).decode()
    ['2', None, '1']
    """
    return Category(group, tuple(str(number + 1) for number in range(int(group.max(initial=-1)) + 1)))
