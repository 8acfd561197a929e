"""Telling a key or token nobody has described from a word, a path or a name: by its shape and how random it is."""

import re
from collections import Counter
from itertools import pairwise
from math import log2

_HEX = re.compile(r"(?:[0-9a-f]{32,512}|[0-9A-F]{32,512})\Z")
_CLASSES = (re.compile(r"[a-z]"), re.compile(r"[A-Z]"), re.compile(r"\d"))
_LEAST = 3.6
"""Bits a sign of a random-looking text of 20 signs and more; English words joined by signs stay below 3.5."""


def is_token(found: str) -> bool:
    """Whether a run of 20 signs and more without spaces looks drawn at random.

    Hexadecimal of 32 signs and more counts as drawn: keys and hashes look the same. Else lower case, upper case and digits
    have to be mixed, as base64 does, in one piece of 16 signs and more between dots, slashes and dashes.

    >>> is_token("q8Zr5TtV0pXbW3nKd9Jm"), is_token("/usr/share/python3.11/site-packages"), is_token("internationalization2024")
    (True, False, False)
    """
    if _HEX.match(found):
        return len(set(found)) > 6
    return any(_random(piece) for piece in re.split(r"[./_-]", found) if len(piece) >= 16) or (_random(found) and "/" not in found)


def _random(piece: str) -> bool:
    if not all(sign.search(piece) for sign in _CLASSES):
        return False
    # Changes between classes: CamelCase words with a number at the end have few.
    kinds = ["d" if sign.isdigit() else "u" if sign.isupper() else "l" for sign in piece if sign.isalnum()]
    changes = sum(one != other for one, other in pairwise(kinds))
    return changes >= len(kinds) / 4 and _entropy(piece) >= min(_LEAST, 0.8 * log2(len(piece)))


def _entropy(text: str) -> float:
    return -sum(count / len(text) * log2(count / len(text)) for count in Counter(text).values())
