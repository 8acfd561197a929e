"""Characters of the text in encoded messages, counted without building what the messages say."""

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec

from agent.sources.otlp.messages import instructions, measure
from agent.sources.otlp.messages import length as count
from agent.sources.otlp.usual_form import HEADS


class _Part(msgspec.Struct, gc=False):
    type: Literal["text"]
    content: str


class _Message(msgspec.Struct, gc=False):
    parts: list[_Part]


# Half the time of plain JSON, and the form is checked on the way.
_read = msgspec.json.Decoder(list[_Message]).decode
_read_parts = msgspec.json.Decoder(list[_Part]).decode


class Unusual(Exception):
    """An attribute is no text, or not written as every exporter writes one."""


def lengths(attributes: Iterable[bytes], start: bytes) -> Iterator[int | None]:
    r"""Yield what `measure` makes of the text in each attribute. All of them begin with `start`. Raises Unusual.

    >>> start, text = b"\n\x01k", b'[{"role": "user", "parts": [{"type": "text", "content": "Hello"}]}]'
    >>> list(lengths([start + bytes((18, len(text) + 2, 10, len(text))) + text], start))
    [5]
    """
    begins = len(start)
    for attribute in attributes:
        head = HEADS[len(attribute) - begins]
        if not attribute.startswith(head, begins):
            raise Unusual
        text = attribute[begins + len(head) :]
        try:
            if not text.isascii():
                # What is not looked at has to be sound all the same.
                text.decode()
            found = _read(text)
        except UnicodeDecodeError:
            raise Unusual from None
        except (msgspec.MsgspecError, RecursionError):
            yield measure(text.decode())
        else:
            yield _characters(found) if found else None


def length(value: Any) -> int | None:
    """Return what `lengths` makes of one value, text or structured.

    >>> length('[{"role": "user", "parts": [{"type": "text", "content": "Hello"}]}]'), length("Hi"), length("")
    (5, 2, None)
    """
    if not isinstance(value, str):
        return measure(value)
    try:
        found = _read(value)
    except (msgspec.MsgspecError, RecursionError):
        return measure(value)
    return _characters(found) if found else None


def instructed(value: Any) -> int | None:
    """Return the characters of system instructions, text or structured; None without any.

    >>> instructed('[{"type": "text", "content": "Be kind"}]'), instructed("Be kind"), instructed(None)
    (7, 7, None)
    """
    if isinstance(value, str):
        try:
            parts = _read_parts(value)
        except (msgspec.MsgspecError, RecursionError):
            pass
        else:
            return sum(len(part.content) for part in parts) + max(len(parts) - 1, 0) or None
    found = instructions(value)
    return count(found) if found else None


def both(one: int | None, other: int | None) -> int | None:
    """Return the sum of two lengths of which either may be missing.

    >>> both(1, 2), both(None, 2), both(None, None)
    (3, 2, None)
    """
    return other if one is None else one if other is None else one + other


def _characters(messages: list[_Message]) -> int:
    total = 0
    for message in messages:
        parts = message.parts
        for part in parts:
            total += len(part.content)
        if len(parts) > 1:
            # A line break between two parts.
            total += len(parts) - 1
    return total
