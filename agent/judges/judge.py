"""Asks a judge about one answer: within the day's budget, as fast as it may, and again where it makes sense."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from random import Random
from typing import Protocol

from agent.judges.breaker import Breaker
from agent.judges.chat import Answer, Unanswered
from agent.judges.criteria import Criterion
from agent.judges.questions import OwnQuestions, Questions
from agent.judges.spend import Limits, Price, Spent, most_tokens
from agent.judges.task import Item
from agent.judges.verdicts import Gap, Verdict

_TRIES = 3
"""Times an item is asked about: where there was no answer, and once more where it was junk."""
_PAUSE, _LONGEST_PAUSE = 1.0, 20.0
"""Seconds before the next try, doubled, up to the longest; a longer wait is the breaker's."""
Outcome = Verdict | Gap


class Asks(Protocol):
    """A model that can be asked."""

    def ask(self, messages: Sequence[dict[str, str]], most: int, schema: Mapping[str, object] | None = None) -> Answer:
        """Return its answer. Raises Unanswered."""
        ...


@dataclass(slots=True)
class Judge:
    """One judge with its budget. Used from one thread."""

    asks: Asks
    criteria: Sequence[Criterion]
    spent: Spent
    limits: Limits
    price: Price
    now: Callable[[], datetime]
    """The time, aware, UTC: the day of the budget is UTC's."""
    wait: Callable[[float], bool]
    """Waits so many seconds; returns whether the end was asked for."""
    random: Random
    questions: Questions = field(default_factory=OwnQuestions)
    reasons: Callable[[str], str | None] | None = None
    """What reasons go through before anybody has them, as they may end on disk; None: as they are."""
    breaker: Breaker = field(default_factory=Breaker)
    outcomes: Counter[str] = field(default_factory=Counter)
    """Calls by what became of them, since `take`: `answered`, or why not."""
    answered_at: datetime | None = None
    """When it answered last with a score."""

    def score(self, item: Item) -> list[Outcome]:
        """Return a verdict or a gap for each criterion; criteria whose texts are missing are `no_input`, and nothing is spent on them."""
        asked = [one for one in self.criteria if item.has(one)]
        found: dict[str, Outcome] = {one.name: Gap(one.name, "no_input") for one in self.criteria}
        for group in [asked] if self.questions.together and asked else [[one] for one in asked]:
            found |= {outcome.evaluator: self._cleaned(outcome) for outcome in self._scored(item, group)}
        return list(found.values())

    def take(self) -> Counter[str]:
        """Return the outcomes since the last call."""
        found, self.outcomes = self.outcomes, Counter()
        return found

    def rest(self) -> None:
        """Let go of a worker that lends another product's questions: it takes hundreds of megabytes."""
        self.questions.close()

    @property
    def open(self) -> bool:
        """Whether it may be asked now."""
        return self.breaker.may(self.now().timestamp())

    def _cleaned(self, outcome: Outcome) -> Outcome:
        if self.reasons is None or not isinstance(outcome, Verdict):
            return outcome
        return replace(outcome, reason=self.reasons(outcome.reason) or "")

    def _scored(self, item: Item, asked: Sequence[Criterion]) -> Sequence[Outcome]:
        gaps: Sequence[Outcome] = [Gap(one.name, "stopped") for one in asked]
        for attempt in range(_TRIES):
            answer, why, pause = self._asked(item, asked)
            if answer is not None:
                outcomes = self.questions.read(answer.text, asked)
                if any(isinstance(outcome, Verdict) for outcome in outcomes):
                    self.answered_at = self.now()
                    self.outcomes["answered"] += 1
                    return outcomes
                gaps, why = outcomes, str(getattr(outcomes[0], "why", "missing"))
                self.outcomes[why] += 1
                if why in {"refused", "too_long"} or attempt:
                    return gaps
                continue
            gaps = [Gap(one.name, why) for one in asked]
            if pause is None or attempt == _TRIES - 1 or not self.open or self.wait(pause * 2**attempt * (0.5 + self.random.random())):
                return gaps
        return gaps

    def _asked(self, item: Item, asked: Sequence[Criterion]) -> tuple[Answer | None, str, float | None]:
        """Return the answer, or why there is none and the seconds after which it may be worth trying again."""
        now = self.now()
        if not self.breaker.may(now.timestamp()):
            self.outcomes["breaker_open"] += 1
            return None, "breaker_open", None
        reserved = (0, 0)
        try:
            question = self.questions.put(item, asked)
            reserved = (most_tokens([one["content"] for one in question.messages]), question.most)
            room = self.spent.on(now.date()).reserve(*reserved, self.price, self.limits)
            if room is None:
                self.outcomes["budget"] += 1
                return None, "budget", None
            self.spent = room
            answer = self.asks.ask(question.messages, question.most, question.schema)
        except Unanswered as error:
            # Throttled and refused calls are not billed; of one that timed out nobody knows.
            used = None if error.why in {"timeout", "too_long", "unreadable", "filtered", "refused"} else (0, 0)
            if reserved != (0, 0):
                self.spent = self.spent.settle(reserved, used, self.price)
            self.outcomes[error.why] += 1
            if error.why not in {"filtered", "refused", "unfit"}:
                self.breaker = self.breaker.failed(self.now().timestamp(), error.retry_after)
            pause = max(error.retry_after or 0.0, _PAUSE)
            return None, error.why, pause if error.passing and pause <= _LONGEST_PAUSE else None
        used = None if answer.read is None or answer.written is None else (answer.read, answer.written)
        self.spent = self.spent.settle(reserved, used, self.price)
        self.breaker = self.breaker.succeeded()
        return answer, "", None
