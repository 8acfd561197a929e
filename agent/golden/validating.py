"""What is wrong with a golden set beyond single lines: too few pairs, doubled ones, texts an evaluator would miss."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import replace

from agent.golden.pair import SMALLEST_SET, GoldenSet, Pair, Remark

_SIGNS = re.compile(r"[\W_]+")


def validated(found: GoldenSet, needs: Mapping[str, Iterable[str]]) -> GoldenSet:
    """Return the set with what is wrong with it as a whole; pairs that lack what is needed or repeat another are not among its pairs.

    `needs` tells for `truth`, `context` and `class` who needs it.
    """
    remarks, pairs = list(found.remarks), list[Pair]()
    exact: dict[str, Pair] = {}
    near: dict[str, Pair] = {}
    for pair in found.pairs:
        wrong = [*_missing(pair, needs), *_doubled(pair, exact, near)]
        remarks += wrong
        if not any(one.level == "error" for one in wrong):
            pairs.append(pair)
    if len(pairs) < SMALLEST_SET:
        text = (
            f"has {len(pairs)} usable pairs, fewer than {SMALLEST_SET}: "
            "a loss of ten points may go unseen, and intervals are wide; add pairs"
        )
        remarks.append(Remark("warning", 0, "", text))
    return replace(found, pairs=tuple(pairs), remarks=tuple(sorted(remarks, key=lambda one: (one.line == 0, one.line))))


def _missing(pair: Pair, needs: Mapping[str, Iterable[str]]) -> Iterable[Remark]:
    texts = {"truth": pair.truth, "context": pair.context, "class": pair.label}
    for key, users in needs.items():
        # A class may stand in for the truth, and the truth be the class.
        given = texts[key] or (pair.label if key == "truth" else pair.truth if key == "class" else "")
        if not given.strip():
            yield Remark("error", pair.line, key, f"is missing, and {' and '.join(users)} need it; add it, or leave the evaluator out")


def _doubled(pair: Pair, exact: dict[str, Pair], near: dict[str, Pair]) -> Iterable[Remark]:
    asked = "\n".join(f"{role}: {text}" for role, text in pair.conversation) + "\n" + pair.context
    first = exact.setdefault(asked, pair)
    if first is not pair:
        if (first.truth, first.label) != (pair.truth, pair.label):
            yield Remark("error", pair.line, "truth", f"differs from that of line {first.line}, which asks the same; one of both is wrong")
        else:
            yield Remark("error", pair.line, "question", f"is that of line {first.line}, and would count twice; remove one")
        return
    like = near.setdefault(normalised(asked), pair)
    if like is not pair:
        yield Remark("warning", pair.line, "question", f"is nearly that of line {like.line}; such pairs tell less than two")


def normalised(text: str) -> str:
    """Return a text by its words alone: letters of one width and case, without accents and signs.

    >>> normalised("Where is  my CARD?") == normalised("where is my card")
    True
    """
    folded = unicodedata.normalize("NFKD", text.casefold())
    return _SIGNS.sub(" ", "".join(sign for sign in folded if not unicodedata.combining(sign))).strip()
