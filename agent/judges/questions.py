"""How a judge is asked and understood: driftline's own way, or that of another product."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from agent.judges.chat import Kind
from agent.judges.criteria import Criterion
from agent.judges.task import Item, messages, schema
from agent.judges.verdicts import Gap, Verdict, read

_REASONING_TOKENS = 160
"""Tokens a criterion's sentence and score take at most."""


class Question(NamedTuple):
    """What a model is asked."""

    messages: Sequence[dict[str, str]]
    most: int
    """Tokens of the answer at most."""
    schema: Mapping[str, Any] | None
    """JSON Schema of the answer; an empty one: any JSON object; None: prose will do."""


class Questions(Protocol):
    """Makes a question of an answer to judge, and verdicts of what a model says to it. Used from one thread."""

    @property
    def together(self) -> bool:
        """Whether one question asks for all criteria."""
        ...

    def put(self, item: Item, asked: Sequence[Criterion]) -> Question:
        """Return the question. Raises Unanswered where there is none; the answer to the newest one alone can be read."""
        ...

    def read(self, answer: str, asked: Sequence[Criterion]) -> list[Verdict | Gap]:
        """Return a verdict or a gap for each criterion, in their order."""
        ...

    def close(self) -> None:
        """Let go of what it takes; it may be asked again. From any thread."""
        ...


class OwnQuestions:
    """All criteria in one question."""

    together = True

    def put(self, item: Item, asked: Sequence[Criterion]) -> Question:
        """Return the question."""
        return Question(messages(item, asked), _REASONING_TOKENS * len(asked), schema(asked))

    def read(self, answer: str, asked: Sequence[Criterion]) -> list[Verdict | Gap]:
        """Return a verdict or a gap for each criterion."""
        return read(answer, asked)

    def close(self) -> None:
        """Nothing to let go of."""


def questions_of(kind: Kind) -> Questions:
    """Return how a judge of a kind is asked; a worker process begins with the first question."""
    if kind == "driftline":
        return OwnQuestions()
    from agent.judges.borrowed import BorrowedQuestions  # noqa: PLC0415 - only where it is configured

    return BorrowedQuestions(kind)
