"""JSON lines in pieces: where whole lines end, and each line as a value."""

import json
from collections import Counter
from typing import Any

import orjson

_BOM = b"\xef\xbb\xbf"


def whole(block: bytes) -> int:
    """Return how many bytes of `block` are complete lines."""
    return block.rfind(b"\n") + 1


def parse(block: bytes, dropped: Counter[str]) -> list[dict[str, Any]]:
    r"""Return the object of each line; lines that hold none are counted as `broken_line`, empty ones passed over.

    >>> parse(b'{"a": NaN}\n[1]\n\n{"a"\n', lost := Counter())
    [{'a': nan}]
    >>> lost
    Counter({'broken_line': 2})
    """
    found: list[dict[str, Any]] = []
    for line in block.removeprefix(_BOM).split(b"\n"):
        if not line.strip():
            continue
        value = _value(line)
        if isinstance(value, dict):
            found.append(value)
        else:
            dropped["broken_line"] += 1
    return found


def _value(line: bytes) -> object:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        pass
    # What many programs write for a missing number, NaN, is no JSON; only lines with it pay for the slower reader.
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
