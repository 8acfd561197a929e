"""What was read of attributes before: most of a call's were in the calls before it, byte for byte. No text is remembered."""

from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from agent.sources.otlp.rules import RULES, UNMAPPED, Rule
from agent.sources.otlp.values import number, plain

_MOST = 8192
"""Attributes remembered; beyond them the memory begins anew."""
_MOST_NAMES = 4096
_SHORT = 256
"""Bytes of an attribute that is worth remembering."""
_NO_TEXT = frozenset({"int_value", "double_value", "bool_value"})


def start_of(name: str) -> bytes | None:
    """Return how an encoded attribute of this name begins, as every exporter writes it; None for a name that is too long."""
    encoded = name.encode()
    return b"\n%c%b" % (len(encoded), encoded) if len(encoded) < 128 else None


def is_text(rule: Rule) -> bool:
    """Whether the values of an attribute vary and may be text."""
    return rule.varied and rule.read is not number


class Marks(dict[bytes, bytes]):
    """Encoded attribute -> what of it tells spans apart: itself; only its name where values vary; nothing where nobody reads it.

    Raises DecodeError for a malformed one; of those whose values vary only their name is looked at.
    """

    def __init__(self) -> None:
        self._names: dict[bytes, bytes] = {}
        """How an attribute begins -> its mark, where that does not depend on the value."""

    def __missing__(self, attribute: bytes) -> bytes:
        start = attribute[: 2 + attribute[1]] if len(attribute) > 1 else b""
        mark = self._names.get(start)
        if mark is None:
            return self._learn(attribute, start)
        if not mark:
            # Not read, yet it has to be sound.
            KeyValue.FromString(attribute)
        return mark

    def _learn(self, attribute: bytes, start: bytes) -> bytes:
        parsed = KeyValue.FromString(attribute)
        name = parsed.key
        rule = RULES[name]
        mark = b"" if rule is None else name.encode() if rule.varied or rule.rank == UNMAPPED else attribute
        repeats = rule is None or not is_text(rule)
        if mark is attribute or (repeats and parsed.value.WhichOneof("value") in _NO_TEXT):
            _remember(self, attribute, mark)
        elif (rule is None or rule.varied) and start == start_of(name) and len(self._names) < _MOST_NAMES:
            self._names[start] = mark
        return mark


class Numbers(dict[bytes, float | None]):
    """Encoded attribute -> the number in it, None for no usable one. Raises DecodeError for a malformed one."""

    def __missing__(self, attribute: bytes) -> float | None:
        value = KeyValue.FromString(attribute).value
        found = value.int_value or number(plain(value))
        if found is not None:
            _remember(self, attribute, found)
        return found


def _remember(memory: dict[bytes, Any], attribute: bytes, what: Any) -> None:
    if len(attribute) <= _SHORT:
        if len(memory) >= _MOST:
            memory.clear()
        memory[attribute] = what
