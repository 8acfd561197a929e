"""Words of a text, as the evaluators count them."""

import re
from itertools import pairwise

LOOKED_AT = 65_536
"""Characters of a text that are looked at."""

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)?")


def words(text: str) -> list[str]:
    """Return the words of a text in lower case, without signs between them.

    >>> words("Don't panic: 42!")
    ["don't", 'panic', '42']
    """
    return [word.replace("\u2019", "'") for word in _WORD.findall(text[:LOOKED_AT].lower())]


def pairs(found: list[str]) -> list[tuple[str, str]]:
    """Return words with their followers."""
    return list(pairwise(found))


def triples(found: list[str]) -> list[tuple[str, str, str]]:
    """Return three words in a row, at each place."""
    return list(zip(found, found[1:], found[2:], strict=False))
