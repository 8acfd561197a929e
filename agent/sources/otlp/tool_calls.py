"""Tool calls that a model asked for, held against what they may be: arguments are a JSON object, the tool is one the request offered."""

from collections.abc import Iterable, Mapping
from typing import Any

from agent.sources.otlp.messages import Message
from agent.sources.otlp.values import parse
from detectors.usage.tools import ASKED, KNOWN, MALFORMED, NOT_OFFERED, READ

_NAMES = frozenset({"name", "tool.name"})
_MOST = 256
"""Definitions remembered; beyond them the memory begins anew."""

_remembered: dict[tuple[int, int], frozenset[str]] = {}
"""Length and hash of a definition's text -> its names: an application sends the same ones with each call."""


def offered(found: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the names of the tools a request offered; None where it does not say."""
    names: frozenset[str] = frozenset()
    if "tools" in found:
        names = _defined(found["tools"])
    elif "flat_tools" in found:
        names = _flat(found["flat_tools"])
    else:
        for document in ("parameters", "request"):
            inside = parse(found.get(document))
            if isinstance(inside, dict) and isinstance(inside.get("tools") or inside.get("functions"), list):
                names = _listed(inside.get("tools") or inside.get("functions"))
    return names or None


def checked(answer: Iterable[Message], tools: frozenset[str] | None) -> dict[str, int]:
    """Count the tool calls of an answer by what is wrong with them: columns of `detectors.usage.tools`; {} without any.

    Arguments that are missing, or empty, are those of a tool that takes none.

    >>> said = Message("assistant", "", [{"name": "search", "arguments": '{"q": 1}'}, {"name": "delete", "arguments": "{"}])
    >>> checked([said], frozenset({"search"}))
    {'tool_calls': 2, 'tool_calls_read': 2, 'tool_calls_malformed': 1, 'tool_calls_known': 2, 'tool_calls_not_offered': 1}
    """
    calls = [call for message in answer for call in message.tool_calls]
    if not calls:
        return {}
    readable = [call for call in calls if call["arguments"] is not None]
    named = [] if tools is None else [call["name"] for call in calls if isinstance(call["name"], str)]
    return {
        ASKED: len(calls),
        READ: len(readable),
        MALFORMED: sum(not _sound(call["arguments"]) for call in readable),
        KNOWN: len(named),
        NOT_OFFERED: sum(name not in tools for name in named) if tools is not None else 0,
    }


def _sound(arguments: Any) -> bool:
    if isinstance(arguments, str):
        return not arguments.strip() or isinstance(parse(arguments), dict)
    return isinstance(arguments, dict)


def _defined(value: Any) -> frozenset[str]:
    if not isinstance(value, str):
        return _listed(value)
    key = (len(value), hash(value))
    names = _remembered.get(key)
    if names is None:
        if len(_remembered) >= _MOST:
            _remembered.clear()
        names = _remembered[key] = _listed(parse(value))
    return names


def _listed(value: Any) -> frozenset[str]:
    """Return the names of definitions: `{"name"}`, or `{"function": {"name"}}` as chat completions have it."""
    found = set()
    for one in map(parse, value if isinstance(value, list) else ()):
        inner = one.get("function") if isinstance(one, dict) else None
        name = (inner if isinstance(inner, dict) else one).get("name") if isinstance(one, dict) else None
        if isinstance(name, str):
            found.add(name)
    return frozenset(found)


def _flat(attributes: Iterable[tuple[tuple[str, str], Any]]) -> frozenset[str]:
    found: set[str] = set()
    for (_, rest), value in attributes:
        if rest in _NAMES and isinstance(value, str):
            found.add(value)
        elif rest.endswith("json_schema"):
            found |= _listed([value])
    return frozenset(found)
