"""Content-filter results in all the shapes Azure gives them, as entries of direction, category, severity, action."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Literal

from agent.sources.otlp.values import parse
from detectors.safety.results import Entry, encode, entry, failed

Direction = Literal["prompt", "completion"]

_RESULT_KEYS = frozenset({"content_filter_results", "content_filter_result"})
_PROMPT_KEYS = frozenset({"prompt_filter_results", "prompt_annotations", "innererror"})
_DEPTH = 8

# Error texts carry the results as Python or as JSON; both have this form.
_IN_TEXT = re.compile(r"""["']([A-Za-z_-]{1,64})["']\s*:\s*\{([^{}]{0,400})\}""")
_PAIR = re.compile(r"""["'](filtered|detected|severity)["']\s*:\s*["']?([A-Za-z]+)""")
_TEXT_LIMIT = 8192
_MOST = 64
_LONGEST = 128


def results(document: Any, direction: Direction) -> Iterator[Entry]:
    """Read one object of results, category to verdict.

    >>> list(results({"hate": {"filtered": True, "severity": "high"}}, "prompt"))
    [Entry(direction='prompt', category='hate', severity='high', action='blocked')]
    >>> list(results({"error": {"code": "x"}}, "prompt"))
    [Entry(direction='prompt', category='unknown', severity='not_run', action='passed')]
    """
    if not isinstance(document, dict):
        return
    for key, verdict in document.items():
        if key == "error" and verdict:
            yield failed(direction)
        elif isinstance(verdict, list):
            filtered = any(isinstance(item, dict) and item.get("filtered") is True for item in verdict)
            yield _entry(direction, key, {"filtered": filtered})
        elif isinstance(verdict, dict):
            yield _entry(direction, key, verdict)


def search(document: Any, direction: Direction = "completion", depth: int = _DEPTH) -> Iterator[Entry]:
    """Find results anywhere in a document: a response, a list of stream chunks, `content_filters`, an error body."""
    if depth == 0:
        return
    if isinstance(document, list):
        for item in document:
            yield from search(item, direction, depth - 1)
    elif isinstance(document, dict):
        source = document.get("source_type")
        direction = "prompt" if source == "prompt" else "completion" if source == "completion" else direction
        for key, value in document.items():
            if key in _RESULT_KEYS:
                yield from results(value, direction)
            elif isinstance(value, dict | list):
                yield from search(value, "prompt" if key in _PROMPT_KEYS else direction, depth - 1)


def prompt(value: Any) -> Iterator[Entry]:
    """Read `prompt_filter_results`: a list, or JSON of one."""
    return search(parse(value), "prompt")


def completion(value: Any) -> Iterator[Entry]:
    """Read the results of one choice: category to verdict, or JSON of that."""
    return results(parse(value), "completion")


def anywhere(value: Any) -> Iterator[Entry]:
    """Read whatever results a document holds, or JSON of it."""
    return search(parse(value))


def in_text(text: str) -> Iterator[Entry]:
    """Find results in the message of an error: the body of a 400 as Python or JSON text.

    >>> [entry.category for entry in in_text("'content_filter_result': {'jailbreak': {'filtered': True, 'detected': True}}")]
    ['jailbreak']
    """
    start = text.find("content_filter_result")
    if start < 0:
        return
    for key, inner in _IN_TEXT.findall(text[start : start + _TEXT_LIMIT]):
        verdict = {name: word if name == "severity" else word.lower() == "true" for name, word in _PAIR.findall(inner)}
        if verdict:
            yield _entry("prompt", key, verdict)


def column(entries: list[Entry]) -> str | None:
    """Return the entries as the `filters` column holds them; None: no filter ran.

    At most 64 different ones are kept: Azure has a dozen categories, so more can only be made up.
    """
    return _column(tuple(dict.fromkeys(entries))[:_MOST]) if entries else None


def _entry(direction: str, category: str, verdict: dict[str, Any]) -> Entry:
    severity = verdict.get("severity")
    return _cached(
        direction,
        category[:_LONGEST],
        severity[:_LONGEST] if isinstance(severity, str) else None,
        verdict.get("filtered") is True,
        verdict.get("detected") is True,
    )


# Most calls of a deployment have the same results, all of them harmless.
@lru_cache(maxsize=1024)
def _cached(direction: str, category: str, severity: str | None, filtered: bool, detected: bool) -> Entry:  # noqa: FBT001 - keys of a cache
    return entry(direction, category, severity=severity, filtered=filtered, detected=detected)


@lru_cache(maxsize=1024)
def _column(entries: tuple[Entry, ...]) -> str:
    return encode(entries)
