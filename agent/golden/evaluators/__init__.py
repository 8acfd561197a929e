"""Evaluators of a golden set: each says of one answer whether it passes, or by how much; its fields are its options."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from agent.golden.pair import Pair

Needed = Literal["truth", "context", "class"]


@dataclass(frozen=True, slots=True)
class Given:
    """One answer with what it is held against."""

    pair: "Pair"
    text: str
    finish_reason: str = ""
    classes: tuple[str, ...] = ()
    """Every class the set names."""


@runtime_checkable
class Evaluator(Protocol):
    """A component of the group `evaluators` that scores by itself."""

    needs: ClassVar[tuple[Needed, ...]]

    @property
    def least_ratio(self) -> float | None:
        """Share of answers that must pass; None: any."""
        ...

    def passes(self, given: Given) -> bool | None:
        """Return whether an answer passes; None where it has nothing this could be said of."""
        ...


@runtime_checkable
class Judged(Protocol):
    """A component of the group `evaluators` that a judge scores."""

    needs: ClassVar[tuple[Needed, ...]]
    criterion: ClassVar[str]

    @property
    def at_least(self) -> int:
        """Score from which an answer passes."""
        ...

    @property
    def least_ratio(self) -> float | None:
        """Share of answers that must pass; None: any."""
        ...
