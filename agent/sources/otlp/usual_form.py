"""Texts and fractions taken straight out of attributes that are written as every exporter writes them."""

from collections.abc import Callable
from struct import Struct
from typing import Any

_SIZES = 1 << 14
"""Sizes whose head is remembered."""
_NEVER = b"\xff"
"""As many of these as there are bytes, and one more, never match."""
_DOUBLE = b"\x12\x09\x21"
_VALUE = 0x12
_STRING = 0x0A
_double = Struct("<d").unpack_from

Reading = Callable[[bytes], Any]
"""From an encoded attribute to its value. Raises DecodeError for a malformed one."""


class Heads(dict[int, bytes]):
    r"""Bytes of an encoded text value -> those before the text; a size without a usual form gets what never matches.

    >>> Heads()[6]
    b'\x12\x04\n\x02'
    """

    def __missing__(self, size: int) -> bytes:
        value, inner = _enclosed(size, _VALUE)
        text, _ = _enclosed(inner, _STRING)
        head = value + text if value and text else _NEVER * (size + 1)
        if size < _SIZES:
            self[size] = head
        return head


def _enclosed(size: int, tag: int) -> tuple[bytes, int]:
    """Return tag and length of a field that takes `size` bytes in all, and the bytes left for what is in it."""
    for width in range(1, 6):
        inner = size - 1 - width
        if inner >= 0 and width == max(1, (inner.bit_length() + 6) // 7):
            groups = [inner >> 7 * place & 127 | 128 for place in range(width)]
            groups[-1] &= 127
            return bytes((tag, *groups)), inner
    return b"", 0


HEADS = Heads()


def text(start: bytes, finish: Callable[[str], Any], otherwise: Reading) -> Reading:
    """Return what reads a text that follows `start`; `finish` gets it, and `otherwise` every attribute of another form."""
    begins = len(start)

    def value(attribute: bytes) -> Any:
        head = HEADS[len(attribute) - begins]
        if not (attribute.startswith(head, begins) and attribute.startswith(start)):
            return otherwise(attribute)
        try:
            return finish(attribute[begins + len(head) :].decode())
        except UnicodeDecodeError:
            return otherwise(attribute)

    return value


def fraction(start: bytes, finish: Callable[[float], Any], otherwise: Reading) -> Reading:
    """Return what reads a double that follows `start`, as `text` does."""
    begins = len(start + _DOUBLE)
    whole = start + _DOUBLE

    def value(attribute: bytes) -> Any:
        if len(attribute) == begins + 8 and attribute.startswith(whole):
            return finish(_double(attribute, begins)[0])
        return otherwise(attribute)

    return value
