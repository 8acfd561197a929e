"""The text enricher: length, script, language and trigrams of free text; the text itself goes no further."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.enrichers import Drawn
from agent.enrichers.yardsticks import Own
from detectors.features.grams import LOOKED_AT, Grams, count
from detectors.features.language import describe
from detectors.types import Category, Column

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
        """See Enricher. `surprise`, `novelty` and `group` are left out until a yardstick is learnt."""
        rows = [row for row, value in enumerate(values) if isinstance(value, str) and value]
        wrong = sum(value is not None and not isinstance(value, str) for value in values)
        length, words = np.full((2, len(values)), np.nan)
        scripts: list[str | None] = [None] * len(values)
        languages: list[str | None] = [None] * len(values)
        # Rows without a text have its features too, however rows were cut into batches.
        usual = None if rows else yardsticks.measure(column, Grams, list)
        for part, texts in _parts(rows, values):
            length[part], words[part] = [len(text) for text in texts], [len(text.split()) for text in texts]
            for row, script, language in zip(part.tolist(), *describe(texts), strict=True):
                scripts[row], languages[row] = script, language
            usual = usual or yardsticks.measure(column, Grams, partial(_counted, texts))
        told: dict[str, Column] = {"length": length, "words": words, "script": Category.of(scripts), "language": Category.of(languages)}
        return Drawn(
            told if usual is None else told | _measured(usual, rows, values),
            Counter({"not_text": wrong} if wrong else {}),
        )


def _counted(texts: Sequence[str]) -> list[NDArray[np.int32]]:
    return count(texts).texts()


def _measured(usual: Grams, rows: Sequence[int], values: Sequence[Any]) -> dict[str, Column]:
    """Return what the yardstick says of the texts in these rows."""
    surprise, novelty = np.full((2, len(values)), np.nan)
    group = np.full(len(values), -1, np.int32)
    for part, texts in _parts(rows, values):
        surprise[part], novelty[part], group[part] = usual.measure(count(texts))
    return {"surprise": surprise, "novelty": novelty, "group": grouped(group)}


def _parts(rows: Sequence[int], values: Sequence[Any]) -> Iterator[tuple[NDArray[np.intp], list[str]]]:
    """Yield rows and their texts in stretches of so many characters."""
    part: list[int] = []
    held = 0
    for row in rows:
        part.append(row)
        held += min(len(values[row]), LOOKED_AT)
        if held >= _AT_ONCE:
            yield np.array(part, np.intp), [values[row] for row in part]
            part, held = [], 0
    if part:
        yield np.array(part, np.intp), [values[row] for row in part]


def grouped(group: NDArray[np.int32]) -> Category:
    """Return group numbers, -1 for none, as categories that begin with "1".

    >>> grouped(np.array([1, -1, 0], np.int32)).decode()
    ['2', None, '1']
    """
    return Category(group, tuple(str(number + 1) for number in range(int(group.max(initial=-1)) + 1)))
