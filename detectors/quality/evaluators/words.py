"""Words of a text, as the evaluators count them."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

LOOKED_AT = 65_536
"""Characters of a text that are looked at."""

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")


def words(text: str) -> list[str]:
    """Return the words of a text in lower case, without signs between them.

    >>> words("Don't panic: 42!")
    ["don't", 'panic', '42']
    """
    known = _memory.words
    found: list[str] | None = None if known is None else known.get(text)
    if found is None:
        found = _WORD.findall(text[:LOOKED_AT].lower().replace("\u2019", "'"))
        if known is not None:
            known[text] = found
    return found


class _Memory(threading.local):
    words: dict[str, list[str]] | None = None


_memory = _Memory()


@contextmanager
def once() -> Iterator[None]:
    """Cut each text into words once while the block runs, for all evaluators that look at it; nothing is remembered behind it."""
    _memory.words = {}
    try:
        yield
    finally:
        _memory.words = None


def pairs(found: list[str]) -> list[tuple[str, str]]:
    """Return words with their followers."""
    return list(pairwise(found))


def triples(found: list[str]) -> list[tuple[str, str, str]]:
    """Return three words in a row, at each place."""
    return list(zip(found, found[1:], found[2:], strict=False))
