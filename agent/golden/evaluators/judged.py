"""Answers that a judge scores from 1 to 5: one evaluator for each of its criteria, named as in Azure's evaluation SDK."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge, Le

from agent.golden.evaluators import Needed
from agent.golden.evaluators.matching import Share

Score = Annotated[int, Ge(1), Le(5)]


@dataclass(frozen=True, slots=True)
class Coherence:
    """Sentences fit together and lead from the question to an answer. Needs a judge."""

    needs: ClassVar[tuple[Needed, ...]] = ()
    criterion: ClassVar[str] = "coherence"

    at_least: Score = 3
    """Score from which an answer passes."""
    least_ratio: Share | None = None
    """Share of answers that must pass, or the run fails; left out: any."""


@dataclass(frozen=True, slots=True)
class Fluency:
    """The answer is well written, judging language alone. Needs a judge."""

    needs: ClassVar[tuple[Needed, ...]] = ()
    criterion: ClassVar[str] = "fluency"

    at_least: Score = 3
    """Score from which an answer passes."""
    least_ratio: Share | None = None
    """Share of answers that must pass, or the run fails; left out: any."""


@dataclass(frozen=True, slots=True)
class Groundedness:
    """What the answer claims stands in the pair's context. Needs a judge."""

    needs: ClassVar[tuple[Needed, ...]] = ("context",)
    criterion: ClassVar[str] = "groundedness"

    at_least: Score = 3
    """Score from which an answer passes."""
    least_ratio: Share | None = None
    """Share of answers that must pass, or the run fails; left out: any."""


@dataclass(frozen=True, slots=True)
class Relevance:
    """The answer deals with what was asked. Needs a judge."""

    needs: ClassVar[tuple[Needed, ...]] = ()
    criterion: ClassVar[str] = "relevance"

    at_least: Score = 3
    """Score from which an answer passes."""
    least_ratio: Share | None = None
    """Share of answers that must pass, or the run fails; left out: any."""


@dataclass(frozen=True, slots=True)
class Similarity:
    """The answer says the same as the truth, whatever its words. Needs a judge."""

    needs: ClassVar[tuple[Needed, ...]] = ("truth",)
    criterion: ClassVar[str] = "similarity"

    at_least: Score = 4
    """Score from which an answer passes."""
    least_ratio: Share | None = None
    """Share of answers that must pass, or the run fails; left out: any."""


@dataclass(frozen=True, slots=True)
class ClassificationAccuracy:
    """The answer names the same class as the truth. Needs a judge; `classification` does without."""

    needs: ClassVar[tuple[Needed, ...]] = ("class",)
    criterion: ClassVar[str] = "classification_accuracy"

    at_least: Score = 5
    """Score from which an answer passes."""
    least_ratio: Share | None = None
    """Share of answers that must pass, or the run fails; left out: any."""
