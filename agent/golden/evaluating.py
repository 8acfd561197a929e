"""Holds answers against their pairs: evaluators that need no model, and a judge for the others."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from agent.golden.asking import Asked
from agent.golden.evaluators import Evaluator, Given, Judged
from agent.golden.pair import Pair
from agent.golden.run import OVERALL
from agent.judges.criteria import CRITERIA
from agent.judges.judge import Judge
from agent.judges.task import Item
from agent.judges.verdicts import Verdict

Passed = bool | None
"""None: nobody knows."""


@dataclass(slots=True)
class Evaluating:
    """Says of answers what passes. The same answer to the same question is judged once."""

    evaluators: Mapping[str, Evaluator | Judged]
    classes: tuple[str, ...]
    judge: Judge | None = None
    """Its criteria are those of the judged evaluators, each once."""
    _known: dict[tuple[str, str], dict[str, Passed]] = field(default_factory=dict)
    gaps: dict[str, int] = field(default_factory=dict)
    """Scores the judge did not give, by reason."""

    def passed(self, asked: Asked) -> dict[str, Passed]:
        """Return evaluator to whether an answer passes, the one over all among them; empty where there is no answer."""
        if asked.reply is None:
            return {}
        given = Given(asked.pair, asked.reply.text, asked.reply.finish_reason, self.classes)
        found: dict[str, Passed] = {
            name: evaluator.passes(given) for name, evaluator in self.evaluators.items() if isinstance(evaluator, Evaluator)
        }
        judged = {name: evaluator for name, evaluator in self.evaluators.items() if isinstance(evaluator, Judged)}
        if judged:
            found |= self._judged(given, judged)
        said = [value for name, value in found.items() if value is not None or name in judged]
        # What an evaluator has nothing to say of does not count; what a judge should have said is a gap, unless all fails anyway.
        found[OVERALL] = False if False in said else None if None in said or not said else True
        return found

    def _judged(self, given: Given, judged: Mapping[str, Judged]) -> dict[str, Passed]:
        if not given.text.strip():
            return dict.fromkeys(judged, False)
        key = (given.pair.digest, sha256(given.text.encode("utf-8", "replace")).hexdigest())
        if key in self._known:
            return self._known[key]
        scores: dict[str, int] = {}
        pair = given.pair
        if self.judge is not None:
            item = Item(_asked(pair), given.text, pair.context, pair.truth or pair.label)
            for outcome in self.judge.score(item):
                if isinstance(outcome, Verdict):
                    scores[outcome.evaluator] = outcome.score
                else:
                    self.gaps[outcome.why] = self.gaps.get(outcome.why, 0) + 1
        found: dict[str, Passed] = {
            name: scores[one.criterion] >= one.at_least if one.criterion in scores else None for name, one in judged.items()
        }
        if None not in found.values():
            self._known[key] = found
        return found


def criteria_of(evaluators: Mapping[str, Any]) -> list[Any]:
    """Return the criteria a judge is asked for, each once."""
    names = dict.fromkeys(one.criterion for one in evaluators.values() if isinstance(one, Judged))
    return [CRITERIA[name] for name in names]


def _asked(pair: Pair) -> str:
    if len(pair.conversation) == 1:
        return pair.question
    return "\n".join(f"{role}: {text}" for role, text in pair.conversation)


def judged_all(
    evaluating: Evaluating, asked: Sequence[Asked], ready: Callable[[], bool], advance: Callable[[float], None]
) -> list[dict[str, Passed]]:
    """Return what passes, one mapping a question, in their order. What lacks a score is tried once more at the end.

    `ready` waits until a judge may be asked, and returns False once the end was asked for: the rest is empty.
    """
    found: list[dict[str, Passed]] = []
    for place, one in enumerate(asked, 1):
        found.append(evaluating.passed(one) if ready() else {})
        advance(place / len(asked))
    judged = [name for name, one in evaluating.evaluators.items() if isinstance(one, Judged)]
    lacking = [place for place, one in enumerate(found) if any(name in one and one[name] is None for name in judged)]
    if lacking:
        evaluating.gaps.clear()
    for place in lacking:
        found[place] = evaluating.passed(asked[place]) if ready() else found[place]
        advance(1.0)
    return found
