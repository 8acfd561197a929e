"""Redacts what stands in a JSON document: each text of it, whatever encoding hid its signs, each key and each long number."""

from typing import Any

import orjson

from agent.redaction.redactor import Redactor

_DEPTH = 64
_LONG_NUMBER = 1_000_000


def redact_json(redactor: Redactor, document: str) -> str | None:
    r"""Return the document with its texts redacted, or None where that cannot be done safely; text that is no JSON is one text.

    >>> redact_json(Redactor(), '[{"role":"user","text":"I am anna\\u0040example.org"}]')
    '[{"role":"user","text":"I am <email>"}]'
    """
    try:
        parsed = orjson.loads(document)
    except orjson.JSONDecodeError:
        return redactor.redact(document)
    if isinstance(parsed, str | int | float) and not isinstance(parsed, bool):
        return redactor.redact(document)
    try:
        return orjson.dumps(_walk(redactor, parsed, _DEPTH)).decode()
    except _Unsafe:
        return None


class _Unsafe(Exception):
    """A text could not be looked through."""


def _walk(redactor: Redactor, value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return _text(redactor, value, depth)
    if isinstance(value, list | dict):
        return _inside(redactor, value, depth)
    if value is None or isinstance(value, bool) or abs(value) < _LONG_NUMBER:
        return value
    written = str(value)
    redacted = _text(redactor, written, 0)
    return value if redacted == written else redacted


def _inside(redactor: Redactor, value: list[Any] | dict[str, Any], depth: int) -> Any:
    if depth == 0:
        # Nobody looked below: it is not passed on.
        redactor.found["cut"] += 1
        return None
    if isinstance(value, list):
        return [_walk(redactor, item, depth - 1) for item in value]
    return {_text(redactor, key, 0): _walk(redactor, item, depth - 1) for key, item in value.items()}


def _text(redactor: Redactor, text: str, depth: int) -> str:
    if depth and text[:1] in {"{", "["}:
        # Arguments and results of tools are JSON within JSON.
        try:
            return orjson.dumps(_walk(redactor, orjson.loads(text), depth - 1)).decode()
        except orjson.JSONDecodeError:
            pass
    redacted = redactor.redact(text)
    if redacted is None:
        raise _Unsafe
    return redacted
