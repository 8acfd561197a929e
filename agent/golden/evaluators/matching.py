"""Answers held against the truth by their words: the same, containing it, naming the class, alike, with its numbers."""

import re
from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge, Le

from agent.golden.evaluators import Given, Needed
from agent.golden.validating import normalised
from detectors.quality.evaluators.grounding import numbers_found
from detectors.quality.evaluators.similarity import alike

Share = Annotated[float, Ge(0), Le(1)]


@dataclass(frozen=True, slots=True)
class Exact:
    """The answer is the truth, but for case, accents, signs and spaces."""

    needs: ClassVar[tuple[Needed, ...]] = ("truth",)

    strict: bool = False
    """To the letter; spaces around it do not count."""
    least_ratio: Share | None = None
    """Share of answers that must pass, or the run fails; left out: any."""

    def passes(self, given: Given) -> bool | None:
        """Compare both."""
        truth = given.pair.truth or given.pair.label
        if self.strict:
            return given.text.strip() == truth.strip()
        return normalised(given.text) == normalised(truth)


@dataclass(frozen=True, slots=True)
class Contains:
    """The answer has the truth in it, as whole words, but for case, accents and signs."""

    needs: ClassVar[tuple[Needed, ...]] = ("truth",)

    least_ratio: Share | None = None
    """Share of answers that must pass, or the run fails; left out: any."""

    def passes(self, given: Given) -> bool | None:
        """Look for the truth."""
        return _within(given.pair.truth or given.pair.label, given.text)


@dataclass(frozen=True, slots=True)
class Classification:
    """The answer names the pair's class, and no other."""

    needs: ClassVar[tuple[Needed, ...]] = ("class",)

    classes: tuple[str, ...] = ()
    """Every class there is; left out: those of the set."""
    least_ratio: Share | None = None
    """Share of answers that must pass, or the run fails; left out: any."""

    def passes(self, given: Given) -> bool | None:
        """Look for the classes; of classes one within another the longest counts."""
        wanted, said = normalised(given.pair.label or given.pair.truth), normalised(given.text)
        known = {wanted, *(normalised(name) for name in self.classes or given.classes)} - {""}
        found = set[str]()
        for name in sorted(known, key=len, reverse=True):
            word = re.compile(rf"(?<!\S){re.escape(name)}(?!\S)")
            if word.search(said):
                found.add(name)
                said = word.sub("|", said)
        return found == {wanted}


@dataclass(frozen=True, slots=True)
class Alike:
    """The answer's signs are much like those of the truth: cosine of character trigrams. For rephrased answers use `similarity`."""

    needs: ClassVar[tuple[Needed, ...]] = ("truth",)

    at_least: Share = 0.6
    """Cosine from which an answer passes."""
    least_ratio: Share | None = None
    """Share of answers that must pass, or the run fails; left out: any."""

    def passes(self, given: Given) -> bool | None:
        """Compare both."""
        cosine = alike(given.text, given.pair.truth or given.pair.label)
        return False if cosine is None else cosine >= self.at_least


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of the truth stand in the answer. Pairs whose truth has none are passed over."""

    needs: ClassVar[tuple[Needed, ...]] = ("truth",)

    at_least: Share = 1.0
    """Share of the truth's numbers that must be there."""
    least_ratio: Share | None = None
    """Share of answers that must pass, or the run fails; left out: any."""

    def passes(self, given: Given) -> bool | None:
        """Look for them."""
        share = numbers_found(given.pair.truth, given.text)
        return None if share is None else share >= self.at_least


def _within(wanted: str, text: str) -> bool:
    return f" {normalised(wanted)} " in f" {normalised(text)} "
