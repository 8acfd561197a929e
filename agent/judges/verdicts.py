"""What a judge answered: scores with reasons, or why there is none. A score that is missing is a gap, never a zero."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from agent.judges.criteria import Criterion
from detectors.quality.evaluators.refusal import refuses

LONGEST = 65_536
"""Bytes of an answer that are read; a judge that says more says nothing."""

REASON = 500
"""Letters of a judge's reason that are kept."""
_OBJECT = re.compile(r"\{.*\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A score from 1 to 5 and the judge's reason for it."""

    evaluator: str
    score: int
    reason: str


@dataclass(frozen=True, slots=True)
class Gap:
    """No score, and why: `refused`, `filtered`, `not_json`, `out_of_range`, `missing`, `empty` or `too_long`, or what went wrong on the way."""

    evaluator: str
    why: str


def read(answer: str, criteria: Sequence[Criterion]) -> list[Verdict | Gap]:
    """Return a verdict or a gap for each criterion, in their order.

    JSON inside prose or a code fence is found; a number written as text counts, one between two scores or beyond them does not.

    >>> from agent.judges.criteria import CRITERIA
    >>> read('{"fluency": {"reason": "Fine.", "score": 4}}', [CRITERIA["fluency"]])
    [Verdict(evaluator='fluency', score=4, reason='Fine.')]
    >>> read("I'm sorry, but I can't help with that.", [CRITERIA["fluency"]])
    [Gap(evaluator='fluency', why='refused')]
    """
    document, why = _document(answer)
    if document is None:
        return [Gap(criterion.name, why) for criterion in criteria]
    return [_one(document, criterion, alone=len(criteria) == 1) for criterion in criteria]


def _document(answer: str) -> tuple[dict[str, Any] | None, str]:
    if len(answer) > LONGEST:
        return None, "too_long"
    text = answer.strip()
    if not text:
        return None, "empty"
    found = _OBJECT.search(text)
    try:
        document = orjson.loads(found[0]) if found else None
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        return None, "refused" if refuses(text) else "not_json"
    return document, ""


def _one(document: dict[str, Any], criterion: Criterion, *, alone: bool) -> Verdict | Gap:
    given = document.get(criterion.name)
    if given is None and alone and "score" in document:
        # Asked for one thing, some judges answer without its name, as Azure's own prompts have it.
        given = document
    if given is None:
        return Gap(criterion.name, "missing")
    score, reason = (given.get("score"), given.get("reason")) if isinstance(given, dict) else (given, None)
    found = score_of(score)
    if found is None or (criterion.name == "classification_accuracy" and found not in {1, 5}):
        return Gap(criterion.name, "missing" if score is None else "out_of_range")
    return Verdict(criterion.name, found, str(reason or "")[:REASON])


def score_of(score: Any) -> int | None:
    """Return a score from 1 to 5, or None."""
    if isinstance(score, str):
        try:
            score = float(score)
        except ValueError:
            return None
    if isinstance(score, bool) or not isinstance(score, int | float):
        return None
    return int(score) if score in {1, 2, 3, 4, 5} else None
