"""Describes prompts and answers by the evaluators that need no model: one column each, and no text left."""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import orjson

from agent.content.exchange import Exchange
from agent.content.found_documents import Hashes, share_found
from detectors.features.language import describe as languages_of
from detectors.quality import text_columns as names
from detectors.quality.evaluators.degeneration import repetition, truncated
from detectors.quality.evaluators.explicit import explicit_share
from detectors.quality.evaluators.grounding import citations_found, numbers_found, overlap
from detectors.quality.evaluators.refusal import refuses
from detectors.quality.evaluators.similarity import Bank, alike
from detectors.quality.evaluators.words import once
from detectors.types import Category, Column

_FENCE = re.compile(r"\A\s*```(?:json)?\s*\n(.*?)\n\s*```\s*\Z", re.DOTALL | re.IGNORECASE)
_DOCUMENT = re.compile(r"^\s*(?:#+\s*)?[\[【(]?(?:doc(?:ument)?|source|ref)[ _]?#?(\d{1,3})\b", re.IGNORECASE | re.MULTILINE)


def describe(
    exchanges: Sequence[Exchange | None],
    finish_reasons: Sequence[str | None],
    bank: Bank | None = None,
    documents: Mapping[int, Hashes] | None = None,
) -> dict[str, Column]:
    """Return the columns of `detectors.quality.text_columns`, a value an exchange; missing everywhere for None.

    `bank` holds known templates, such as jailbreaks; without one their likeness is left out, as is any column that is all missing.
    `documents` has what searches found for a row.
    """
    numbers = {name: np.full(len(exchanges), np.nan) for name in names.SHARES}
    for row, (one, reason) in enumerate(zip(exchanges, finish_reasons, strict=True)):
        if one is not None:
            with once():
                values = _values(one, reason, bank)
            for name, value in values.items():
                if value is not None:
                    numbers[name][row] = value
            if documents and row in documents and (share := share_found(one.answer, documents[row])) is not None:
                numbers[names.RETRIEVED_GROUNDING][row] = share
    found: dict[str, Column] = {name: column for name, column in numbers.items() if not np.isnan(column).all()}
    for name, texts in (
        (names.INPUT_LANGUAGE, ["" if one is None else one.question for one in exchanges]),
        (names.OUTPUT_LANGUAGE, ["" if one is None else one.answer for one in exchanges]),
    ):
        languages = Category.of(languages_of(texts)[1])
        if languages.values:
            found[name] = languages
    return found


def _values(one: Exchange, reason: str | None, bank: Bank | None) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    if one.prompt:
        found[names.EXPLICIT_INPUT] = explicit_share(one.prompt)
        if bank is not None and one.question:
            found[names.TEMPLATE_SIMILARITY] = bank.nearness(one.question)
    if not one.answer:
        return found
    found |= {
        names.REFUSAL: float(refuses(one.answer)),
        names.REPETITION: repetition(one.answer),
        names.TRUNCATED: float(truncated(one.answer, reason)),
        names.EXPLICIT_OUTPUT: explicit_share(one.answer),
        names.JSON_VALID: json_valid(one.answer),
    }
    if one.question:
        found[names.ANSWER_SIMILARITY] = alike(one.question, one.answer)
    if one.context:
        documents = set(_DOCUMENT.findall(one.context))
        found[names.GROUNDING] = overlap(one.answer, one.context)
        found[names.NUMBERS_FOUND] = numbers_found(one.answer, one.context)
        if documents:
            found[names.CITATIONS_FOUND] = citations_found(one.answer, [""] * max(map(int, documents)))
    return found


def json_valid(answer: str) -> float | None:
    r"""Return whether an answer that looks like JSON is: None for prose.

    >>> json_valid('{"a": 1}'), json_valid("```json\n[1,\n```"), json_valid("Yes.")
    (1.0, 0.0, None)
    """
    fenced = _FENCE.match(answer)
    text = (fenced[1] if fenced else answer).strip()
    if not text.startswith(("{", "[")) or (fenced is None and not text.endswith(("}", "]"))):
        return None
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return 0.0
    return 1.0
