"""Script and language of a text by its letters and its smallest words: a bounded set of categories, no model."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detectors.features.small_words import LETTERS, WORDS

LOOKED_AT = 4096
"""Characters of a text that are looked at."""

UNKNOWN = "unknown"
"""Letters are there, but no language can be told."""

_RANGES: tuple[tuple[int, str], ...] = (
    (0x0000, ""), (0x0041, "latin"), (0x005B, ""), (0x0061, "latin"), (0x007B, ""), (0x00AA, "latin"), (0x00AB, ""),
    (0x00C0, "latin"), (0x00D7, ""), (0x00D8, "latin"), (0x00F7, ""), (0x00F8, "latin"), (0x0250, "other"), (0x02B0, ""),
    (0x0370, "greek"), (0x0400, "cyrillic"), (0x0530, "armenian"), (0x0590, "hebrew"), (0x0600, "arabic"), (0x0700, "other"),
    (0x0750, "arabic"), (0x0780, "other"), (0x08A0, "arabic"), (0x0900, "devanagari"), (0x0980, "bengali"), (0x0A00, "other"),
    (0x0B80, "tamil"), (0x0C00, "telugu"), (0x0C80, "other"), (0x0E00, "thai"), (0x0E80, "other"), (0x10A0, "georgian"),
    (0x1100, "hangul"), (0x1200, "other"), (0x1E00, "latin"), (0x1F00, "greek"), (0x2000, ""), (0x2E80, "han"), (0x3000, ""),
    (0x3041, "kana"), (0x3130, "hangul"), (0x3190, ""), (0x31F0, "kana"), (0x3200, ""), (0x3400, "han"), (0x4DC0, ""),
    (0x4E00, "han"), (0xA000, "other"), (0xAC00, "hangul"), (0xD7B0, ""), (0xF900, "han"), (0xFB00, "latin"), (0xFB1D, "hebrew"),
    (0xFB50, "arabic"), (0xFE00, ""), (0xFE70, "arabic"), (0xFEFF, ""), (0xFF21, "latin"), (0xFF3B, ""), (0xFF41, "latin"),
    (0xFF5B, ""), (0xFF66, "kana"), (0xFFA0, "hangul"), (0xFFE0, ""), (0x20000, "han"), (0x323B0, ""),
)  # fmt: skip
"""Where blocks of Unicode begin, and the script of their letters; "" is no letter."""

_STARTS = np.array([start for start, _ in _RANGES], np.uint32)
SCRIPTS = tuple(sorted({name for _, name in _RANGES if name}))
"""Every script that is told apart; `other` are all further ones."""
_SCRIPT = np.array([SCRIPTS.index(name) if name else len(SCRIPTS) for _, name in _RANGES], np.intp)
_WORTH = np.array([3 if name in {"han", "kana", "hangul"} else 1 for name in SCRIPTS])
"""Letters of other scripts that a letter stands for: a word takes one or two of these."""

_OF_SCRIPT = {
    "arabic": "ar", "armenian": "hy", "bengali": "bn", "devanagari": "hi", "georgian": "ka", "greek": "el", "han": "zh", "hangul": "ko",
    "hebrew": "he", "kana": "ja", "tamil": "ta", "telugu": "te", "thai": "th",
}  # fmt: skip
"""The language most written in a script that is not Latin or Cyrillic."""

LANGUAGES = (*sorted({*WORDS, *_OF_SCRIPT.values()}), UNKNOWN)
"""Every language that is told apart."""

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


def _weights() -> dict[str, tuple[tuple[str, float], ...]]:
    """Return each word, or letter, with the languages it speaks for: the fewer they are, the more it says."""
    found: dict[str, list[str]] = {}
    for language, words in WORDS.items():
        for word in words.split():
            found.setdefault(word, []).append(language)
    weights = {word: tuple((language, 1 / len(languages)) for language in languages) for word, languages in found.items()}
    for letters in LETTERS.values():
        for letter in letters:
            sharing = [other for other, theirs in LETTERS.items() if letter in theirs]
            weights.setdefault(f"letter {letter}", tuple((other, 0.5 / len(sharing)) for other in sharing))
    return weights


_WEIGHTS = _weights()
_TELLING = frozenset("".join(LETTERS.values()))


def scripts_of(texts: Sequence[str]) -> NDArray[np.intp]:
    """Return the script most letters of each text are in, as an index into `SCRIPTS`; -1 where there is no letter.

    Japanese is kana wherever a tenth of its letters are, however many are Chinese.

    >>> [SCRIPTS[one] for one in scripts_of(["grün 42", "зелёный", "緑のもの"])], scripts_of(["42!"]).tolist()
    (['latin', 'cyrillic', 'kana'], [-1])
    """
    parts = [text[:LOOKED_AT].encode("utf-32-le", "surrogatepass") for text in texts]
    points = np.frombuffer(b"".join(parts), np.uint32)
    rows = np.repeat(np.arange(len(parts)), [len(part) // 4 for part in parts])
    width = len(SCRIPTS) + 1
    place = _SCRIPT[np.searchsorted(_STARTS, points, side="right") - 1]
    counts = np.bincount(rows * width + place, minlength=len(parts) * width).reshape(len(parts), width)[:, :-1] * _WORTH
    letters = counts.sum(axis=1)
    main = np.where(letters > 0, counts.argmax(axis=1), -1)
    kana = SCRIPTS.index("kana")
    return np.where((letters > 0) & (10 * counts[:, kana] >= letters), kana, main)


def language(text: str, script: str) -> str:
    """Return the language of a text most of whose letters are of that script; `UNKNOWN` where too little speaks for one.

    >>> language("Wo ist meine Karte?", "latin"), language("xyzzy", "latin"), language("私のカード", "kana")
    ('de', 'unknown', 'ja')
    """
    if script in _OF_SCRIPT:
        return _OF_SCRIPT[script]
    lowered = text[:LOOKED_AT].lower().replace("\u2019", "'")
    scores: dict[str, float] = {}
    words = _WORD.findall(lowered)
    # Names of variables and steps of lists are single letters too: each counts once, and a third.
    for word in [*(word for word in words if len(word) > 1), *sorted({word for word in words if len(word) == 1})]:
        for name, weight in _WEIGHTS.get(word, ()):
            scores[name] = scores.get(name, 0.0) + (weight if len(word) > 1 else weight / 3)
    for letter in _TELLING.intersection(lowered):
        for name, weight in _WEIGHTS[f"letter {letter}"]:
            scores[name] = scores.get(name, 0.0) + min(lowered.count(letter), 4) * weight
    if not scores:
        return UNKNOWN
    best = max(scores, key=lambda name: (scores[name], name))
    return best if scores[best] >= 0.4 else UNKNOWN


def describe(texts: Sequence[str]) -> tuple[list[str | None], list[str | None]]:
    """Return script and language of each text; None where it has no letter.

    >>> describe(["Where is my card?", "12:30"])
    (['latin', None], ['en', None])
    """
    scripts = [SCRIPTS[one] if one >= 0 else None for one in scripts_of(texts).tolist()]
    return scripts, [None if script is None else language(text, script) for text, script in zip(texts, scripts, strict=True)]
