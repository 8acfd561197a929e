"""A prompt and its answer as texts: what was asked, what stood around it, what was answered."""

from dataclasses import dataclass
from typing import Any

import orjson

_LEAST_CONTEXT = 40
"""Words around a question from which on an answer can be held against them."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call's texts; empty where there was none, or where it is not kept."""

    question: str = ""
    """The last thing a person said."""
    context: str = ""
    """Everything before the answer that is not the question: instructions, documents, results of tools; empty if it is short."""
    prompt: str = ""
    """All texts before the answer."""
    answer: str = ""


def exchange(prompt: str | None, answer: str | None) -> Exchange:
    r"""Read both from their columns, JSON of `[{"role", "text", "tool_calls"}]`.

    >>> exchange('[{"role":"system","text":"Be brief."},{"role":"user","text":"Hi"}]', '[{"role":"assistant","text":"Hello!"}]')
    Exchange(question='Hi', context='', prompt='Be brief.\nHi', answer='Hello!')
    """
    before = _messages(prompt)
    asked = max((place for place, (role, _) in enumerate(before) if role == "user"), default=-1)
    around = "\n".join(text for place, (_, text) in enumerate(before) if place != asked)
    question = before[asked][1] if asked >= 0 else ""
    whole = "\n".join(text for _, text in before)
    if len(around.split()) < _LEAST_CONTEXT:
        # Documents are often put into the question itself.
        around = whole if len(whole.split()) >= 2 * _LEAST_CONTEXT else ""
    return Exchange(question, around, whole, "\n".join(text for _, text in _messages(answer)))


def _messages(column: str | None) -> list[tuple[str, str]]:
    parsed: Any = []
    if column:
        try:
            parsed = orjson.loads(column)
        except orjson.JSONDecodeError:
            return [("user", column)]
    return [
        (str(message.get("role", "")), message["text"])
        for message in (parsed if isinstance(parsed, list) else [])
        if isinstance(message, dict) and isinstance(message.get("text"), str) and message["text"]
    ]
