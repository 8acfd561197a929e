"""Content-filter results in all the shapes Azure gives them, as entries of direction, category, severity, action."""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, Literal

from agent.sources.otlp.dialects import FILTERS
from agent.sources.otlp.values import flag, number, parse
from detectors.safety.results import Entry, encode, entry, failed

Direction = Literal["prompt", "completion"]

_RESULT_KEYS = frozenset({"content_filter_results", "content_filter_result"})
_PROMPT_KEYS = frozenset({"prompt_filter_results", "prompt_annotations", "innererror"})
_DEPTH = 24

_WORDS = ("filtered", "detected", "severity")
_LEVELS = ("safe", "safe", "low", "low", "medium", "medium", "high", "high")
"""Severities as numbers, as Azure AI Content Safety writes them."""

# Error texts carry the results as JSON, as Python, or as the printed form of a client's own class.
_TOKEN = re.compile(
    r"""\b(filtered|detected|severity)["']?\s*[:=]\s*(?:<[\w.]{1,64}:\s*)?["']?([A-Za-z0-9]{1,16})"""
    r"""|["']([A-Za-z_-]{1,64})["']\s*:\s*[\w.]{0,64}(?=[({\[])"""
    r"""|([({\[])|([)}\]])"""
)
_NO_CATEGORY = frozenset({"details", "citation", "content_filter_result", "content_filter_results"})
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
        if not isinstance(key, str):
            continue
        if key == "error":
            if verdict:
                yield failed(direction)
        elif isinstance(verdict, list):
            filtered = any(isinstance(item, dict) and _true(item.get("filtered")) for item in verdict)
            yield _entry(direction, key, {"filtered": filtered})
        elif isinstance(verdict, dict):
            yield from _verdict(direction, key, verdict)


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
            elif isinstance(value, str) and value[:1] in {"{", "["} and FILTERS[0] in value:
                yield from search({key: parse(value)}, direction, depth - 1)


def prompt(value: Any) -> Iterator[Entry]:
    """Read `prompt_filter_results`: a list, or JSON of one."""
    return search(parse(value), "prompt")


def named(listed: Iterable[tuple[tuple[str, str], Any]]) -> Iterator[Entry]:
    """Read attributes that have filter results in their name: of ((direction, name), value), the value any form of them.

    A name may also go down to a single word of a verdict.

    >>> list(named([(("prompt", "x.prompt.content_filter.hate.filtered"), True), (("prompt", "x.prompt.content_filter.hate.severity"), "high")]))
    [Entry(direction='prompt', category='hate', severity='high', action='blocked')]
    """
    single: dict[tuple[str, str], dict[str, Any]] = {}
    for (direction, name), value in listed:
        document = parse(value) if isinstance(value, str) and value[:1] in {"{", "["} else value
        if isinstance(document, dict | list):
            side: Direction = "prompt" if direction == "prompt" else "completion"
            yield from results(document, side) if _is_results(document) else search(document, side)
            continue
        rest, _, word = name.rpartition(".")
        if word in _WORDS:
            single.setdefault((direction, rest.rpartition(".")[2]), {})[word] = value
    for (direction, category), verdict in single.items():
        yield from _verdict(direction, category, verdict)


def anywhere(value: Any) -> Iterator[Entry]:
    """Read whatever results a document holds, or JSON of it."""
    return search(parse(value))


def in_text(text: str) -> Iterator[Entry]:
    """Find results in the message of an error: the body of a 400 as JSON or Python text, or a client's printed class.

    >>> [entry.category for entry in in_text("'content_filter_result': {'jailbreak': {'filtered': True, 'detected': True}}")]
    ['jailbreak']
    """
    start = text.find("content_filter_result")
    if start < 0:
        return
    verdicts: dict[str, dict[str, Any]] = {}
    within, following = list[str](), ""
    for word, value, key, opening, closing in _TOKEN.findall(text[start : start + _TEXT_LIMIT]):
        if key:
            following = key
            continue
        if opening:
            within.append(following)
        elif closing and within:
            within.pop()
        elif word and (category := next((key for key in reversed(within) if key and key not in _NO_CATEGORY), "")):
            verdict = verdicts.setdefault(category, {})
            # Of several blocklists the one that filtered counts.
            verdict[word] = verdict[word] if _true(verdict.get(word)) else value
        following = ""
    for category, verdict in verdicts.items():
        yield from _verdict("prompt", category, verdict)


def column(entries: list[Entry]) -> str | None:
    """Return the entries as the `filters` column holds them; None: no filter ran.

    At most 64 different ones are kept: Azure has a dozen categories, so more can only be made up.
    """
    return _column(tuple(dict.fromkeys(entries))[:_MOST]) if entries else None


def _verdict(direction: str, category: str, verdict: dict[str, Any]) -> Iterator[Entry]:
    """Yield the entry of one category; nothing where its verdict says nothing, "did not run" where it is an error."""
    known = [word for word in _WORDS if verdict.get(word) is not None]
    if not known and verdict.get("error"):
        yield failed(direction)
    elif any(_readable(word, verdict[word]) for word in known) or (not known and any(value is not None for value in verdict.values())):
        yield _entry(direction, category, verdict)


def _entry(direction: str, category: str, verdict: dict[str, Any]) -> Entry:
    severity = verdict.get("severity")
    if isinstance(severity, int | float):
        level = number(severity)
        severity = None if level is None else _LEVELS[min(int(level), len(_LEVELS) - 1)]
    return _cached(
        direction,
        category[:_LONGEST],
        severity[:_LONGEST] if isinstance(severity, str) else None,
        _true(verdict.get("filtered")),
        _true(verdict.get("detected")),
    )


def _readable(word: str, value: Any) -> bool:
    return isinstance(value, str) or number(value) is not None if word == "severity" else flag(value) is not None


def _true(value: Any) -> bool:
    return flag(value) is True


def _is_results(document: Any) -> bool:
    """Whether a document is the results themselves: an object of verdicts."""
    return isinstance(document, dict) and any(
        key == "error" or (isinstance(value, dict) and not value.keys().isdisjoint(_WORDS)) for key, value in document.items()
    )


# Most calls of a deployment have the same results, all of them harmless.
@lru_cache(maxsize=1024)
def _cached(direction: str, category: str, severity: str | None, filtered: bool, detected: bool) -> Entry:  # noqa: FBT001 - keys of a cache
    return entry(direction, category, severity=severity, filtered=filtered, detected=detected)


@lru_cache(maxsize=1024)
def _column(entries: tuple[Entry, ...]) -> str:
    return encode(entries)
