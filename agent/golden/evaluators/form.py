"""Answers by their form: a pattern, JSON, a length, whole sentences, no refusal, grounded words."""

import re
from dataclasses import dataclass
from typing import Annotated, ClassVar

import orjson
from annotated_types import Ge

from agent.errors import ConfigError
from agent.golden.evaluators import Given, Needed
from agent.golden.evaluators.matching import Share
from detectors.quality.evaluators.degeneration import repetition, truncated
from detectors.quality.evaluators.grounding import loose_overlap
from detectors.quality.evaluators.refusal import refuses

_LOOKED_AT = 65_536
_FENCE = re.compile(r"\A\s*```(?:json)?\s*\n(.*)\n\s*```\s*\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Pattern:
    r"""The answer has what a regular expression describes, such as `"Reference: \d{6}$"`."""

    needs: ClassVar[tuple[Needed, ...]] = ()

    regex: str
    """Looked for anywhere in the answer, `^` and `$` match at lines."""
    least_ratio: Share | None = None
    """Share of answers that must pass, or the run fails; left out: any."""

    def check(self) -> None:
        """Raise ConfigError for what is no regular expression."""
        try:
            re.compile(self.regex)
        except re.error as error:
            raise ConfigError(f"regex: '{self.regex[:60]}' is no regular expression: {error}") from error

    def passes(self, given: Given) -> bool | None:
        """Look for it."""
        return re.search(self.regex, given.text[:_LOOKED_AT], re.MULTILINE) is not None


@dataclass(frozen=True, slots=True)
class Json:
    """The answer is JSON, alone or in a code fence."""

    needs: ClassVar[tuple[Needed, ...]] = ()

    keys: tuple[str, ...] = ()
    """Keys it must have; then it must be an object."""
    least_ratio: Share | None = None
    """Share of answers that must pass, or the run fails; left out: any."""

    def passes(self, given: Given) -> bool | None:
        """Parse it."""
        fenced = _FENCE.match(given.text)
        try:
            found = orjson.loads(fenced[1] if fenced else given.text)
        except orjson.JSONDecodeError:
            return False
        return not self.keys or (isinstance(found, dict) and found.keys() >= set(self.keys))


@dataclass(frozen=True, slots=True)
class Length:
    """The answer is neither too short nor too long."""

    needs: ClassVar[tuple[Needed, ...]] = ()

    at_least: Annotated[int, Ge(0)] = 1
    """Characters."""
    at_most: Annotated[int, Ge(1)] = 4000
    """Characters."""
    least_ratio: Share | None = None
    """Share of answers that must pass, or the run fails; left out: any."""

    def passes(self, given: Given) -> bool | None:
        """Count."""
        return self.at_least <= len(given.text.strip()) <= self.at_most


@dataclass(frozen=True, slots=True)
class Complete:
    """The answer was not cut off, and does not run in circles."""

    needs: ClassVar[tuple[Needed, ...]] = ()

    repetition: Share = 0.5
    """Share of repeated word triples from which it does."""
    least_ratio: Share | None = None
    """Share of answers that must pass, or the run fails; left out: any."""

    def passes(self, given: Given) -> bool | None:
        """Look at its end and its words."""
        return not truncated(given.text, given.finish_reason or None) and (repetition(given.text) or 0.0) < self.repetition


@dataclass(frozen=True, slots=True)
class Willing:
    """The answer does not refuse, by the phrases with which models do (English)."""

    needs: ClassVar[tuple[Needed, ...]] = ()

    least_ratio: Share | None = None
    """Share of answers that must pass, or the run fails; left out: any."""

    def passes(self, given: Given) -> bool | None:
        """Look for such phrases."""
        return not refuses(given.text)


@dataclass(frozen=True, slots=True)
class Overlap:
    """The answer's word pairs stand in the pair's context: a trend for answers that quote. For the others use `groundedness`."""

    needs: ClassVar[tuple[Needed, ...]] = ("context",)

    at_least: Share = 0.3
    """Share of word pairs from which an answer passes."""
    least_ratio: Share | None = None
    """Share of answers that must pass, or the run fails; left out: any."""

    def passes(self, given: Given) -> bool | None:
        """Look for them."""
        share = loose_overlap(given.text, given.pair.context)
        return None if share is None else share >= self.at_least
