"""Content-filter results in all the shapes Azure gives them, as entries of direction, category, severity, action."""

import re
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from agent.sources.otlp.values import parse

Direction = Literal["prompt", "completion"]

_ALIASES = {"custom_blocklist": "custom_blocklists", "error": "unknown"}
_SEVERITIES = ("none", "safe", "low", "medium", "high")
_ACTIONS = ("passed", "annotated", "blocked")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_RESULT_KEYS = frozenset({"content_filter_results", "content_filter_result"})
_PROMPT_KEYS = frozenset({"prompt_filter_results", "prompt_annotations", "innererror"})
_DEPTH = 8

# Error texts carry the results as Python or as JSON; both have this form.
_IN_TEXT = re.compile(r"""["']([A-Za-z_-]{1,64})["']\s*:\s*\{([^{}]{0,400})\}""")
_PAIR = re.compile(r"""["'](filtered|detected|severity)["']\s*:\s*["']?([A-Za-z]+)""")
_TEXT_LIMIT = 8192


class Entry(NamedTuple):
    """One category of one direction."""

    direction: str
    category: str
    severity: str
    """none safe low medium high, or not_run."""
    action: str
    """passed annotated blocked."""


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
        category = _category(key)
        if key == "error" and verdict:
            yield Entry(direction, category, "not_run", "passed")
        elif isinstance(verdict, list):
            filtered = any(isinstance(item, dict) and item.get("filtered") is True for item in verdict)
            yield _entry(direction, category, {"filtered": filtered})
        elif isinstance(verdict, dict):
            yield _entry(direction, category, verdict)


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
            yield _entry("prompt", _category(key), verdict)


def encode(entries: list[Entry]) -> str | None:
    """Write entries as the `filters` column; of several for one category the worst counts. None: no filter ran."""
    if not entries:
        return None
    worst: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        known = worst.get(entry[:2])
        if known is None or _weight(entry) > _weight(known):
            worst[entry[:2]] = entry
    return "|".join(sorted("/".join(entry) for entry in worst.values()))


def _entry(direction: str, category: str, verdict: dict[str, Any]) -> Entry:
    severity = str(verdict.get("severity", "none")).lower()
    if severity not in _SEVERITIES:
        severity = "none"
    if verdict.get("filtered") is True:
        action = "blocked"
    elif verdict.get("detected") is True or severity in {"low", "medium", "high"}:
        action = "annotated"
    else:
        action = "passed"
    return Entry(direction, category, severity, action)


def _category(key: str) -> str:
    name = key.lower().replace("-", "_")
    name = _ALIASES.get(name, name)
    return name if _NAME.fullmatch(name) else "unknown"


def _weight(entry: Entry) -> tuple[int, int]:
    return _ACTIONS.index(entry.action), -1 if entry.severity == "not_run" else _SEVERITIES.index(entry.severity)
