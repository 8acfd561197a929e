"""How much of an answer stands in the context it was given: words, numbers, citations."""

import re
from collections.abc import Sequence

from detectors.quality.evaluators.words import LOOKED_AT, pairs, triples, words

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_CITATION = re.compile(r"[\[【(](?:doc(?:ument)?|source|ref|cite)?\s{0,2}#?(\d{1,3})(?:[:†][^\]】)]{0,40})?[\]】)]", re.IGNORECASE)


def overlap(answer: str, context: str) -> float | None:
    """Return the share of the answer's word triples that the context has, from 0 to 1; None with fewer than five words.

    AUROC against people's "consistent": .90 where answers quote (QAGS on CNN/DM), .57 where they rephrase (QAGS on XSum): a
    trend for the first kind of application, no verdict on a single answer.

    >>> overlap("The card arrives in two days.", "A new card arrives in two days by post.")
    0.75
    """
    found = triples(words(answer))
    if len(found) < 3:
        return None
    there = set(triples(words(context)))
    return sum(one in there for one in found) / len(found)


def loose_overlap(answer: str, context: str) -> float | None:
    """Return the same for pairs of words: AUROC .90 on QAGS CNN/DM and .63 on XSum."""
    found = pairs(words(answer))
    if len(found) < 3:
        return None
    there = set(pairs(words(context)))
    return sum(one in there for one in found) / len(found)


def numbers_found(answer: str, context: str) -> float | None:
    """Return the share of the answer's numbers that the context has; None where the answer has none.

    >>> numbers_found("It costs 1,200.50 for 3 years", "3 years: 1200.50")
    1.0
    """
    found = [_plain(number) for number in _NUMBER.findall(answer[:LOOKED_AT])]
    if not found:
        return None
    there = {_plain(number) for number in _NUMBER.findall(context[:LOOKED_AT])}
    return sum(number in there for number in found) / len(found)


def citations_found(answer: str, documents: Sequence[str]) -> float | None:
    """Return the share of citations such as [1] or [doc2] that name a document there is; None where nothing is cited.

    >>> citations_found("As said [doc1], and [4].", ["first", "second"])
    0.5
    """
    cited = [int(number) for number in _CITATION.findall(answer[:LOOKED_AT])]
    return sum(1 <= number <= len(documents) for number in cited) / len(cited) if cited else None


def _plain(number: str) -> str:
    """Return a number without what groups its digits; 1,200.50 and 1.200,50 are the same."""
    whole, mark, rest = number, "", ""
    cut = max(number.rfind("."), number.rfind(","))
    if cut > 0 and len(number) - cut - 1 != 3:
        whole, mark, rest = number[:cut], ".", number[cut + 1 :].rstrip("0")
    digits = re.sub(r"[.,]", "", whole).lstrip("0") or "0"
    return digits + mark + rest if rest else digits
