"""What a judge may be asked for: the evaluators, what each needs to see, and what its scores from 1 to 5 mean."""

from dataclasses import dataclass
from typing import Literal

Needed = Literal["question", "answer", "context", "truth"]


@dataclass(frozen=True, slots=True)
class Criterion:
    """One evaluator of a judge. Names and keys are those of Azure's evaluation SDK."""

    name: str
    needs: tuple[Needed, ...]
    asks: str
    lowest: str
    highest: str


CRITERIA = {
    one.name: one
    for one in (
        Criterion(
            "coherence",
            ("question", "answer"),
            "How well do the sentences of the answer fit together, and do they lead from the question to a conclusion in an order one can follow?",
            "words or sentences without any connection",
            "every sentence follows from those before it, and the whole answers in a clear order",
        ),
        Criterion(
            "fluency",
            ("answer",),
            "How well is the answer written, judging language alone: grammar, choice of words, sentences that read naturally?",
            "hardly understandable",
            "written as a skilled writer of that language would",
        ),
        Criterion(
            "groundedness",
            ("answer", "context"),
            "How far is everything the answer claims supported by the context? What is true in the world but not in the context is not supported.",
            "claims that contradict the context or have nothing to do with it",
            "every claim stands in the context or follows from it",
        ),
        Criterion(
            "relevance",
            ("question", "answer"),
            "How far does the answer deal with what was asked, completely and without beside the point?",
            "it has nothing to do with the question",
            "it answers all of the question and nothing else",
        ),
        Criterion(
            "similarity",
            ("question", "answer", "truth"),
            "How far does the answer say the same as the expected answer, whatever its words?",
            "it says something else",
            "it says exactly the same",
        ),
        Criterion(
            "classification_accuracy",
            ("question", "answer", "truth"),
            "Does the answer name the same class as the expected answer? Only 1 (another class, or none) and 5 (the same class) may be given.",
            "another class, or none",
            "the same class",
        ),
    )
}
"""Name to criterion."""

PASSES_FROM = 3.0
"""Score from which an answer passes, unless configured otherwise; as in Azure's SDK."""
