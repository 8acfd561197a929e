"""Runs a golden set: asks, evaluates, counts."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from itertools import groupby
from random import Random
from threading import Event
from typing import Any

from agent.clock import WallClock
from agent.golden.asking import Asked, Asker, outcome, purse
from agent.golden.evaluating import Evaluating, Passed, criteria_of, judged_all
from agent.golden.options import GoldenOptions
from agent.golden.pair import Pair
from agent.golden.run import PairResult, Run
from agent.judges.judge import Judge
from agent.judges.questions import OwnQuestions, questions_of
from agent.judges.spend import Spent

Advance = Callable[[float], None]

_PATIENCE, _LOOK = 900.0, 5.0
"""Seconds a run waits in all for a judge that does not answer, and between looks whether it may be asked again."""


@dataclass(slots=True)
class Around:
    """What a run is given from outside."""

    now: Callable[[], datetime] = field(default_factory=lambda: WallClock().now)
    elapsed: Callable[[], float] = time.monotonic
    """Seconds of a clock that never goes back."""
    wait: Callable[[float], bool] = field(default_factory=lambda: Event().wait)
    """Waits so many seconds; returns whether the end was asked for."""
    random: Random = field(default_factory=Random)
    transport: Any = None
    """An httpx transport for the target, for tests."""
    judge_transport: Any = None


@dataclass(slots=True)
class _Bill:
    """What a run took of the day's budget."""

    last: Spent
    """What the day had spent when it was looked at last."""
    tokens: int
    money: float

    def add(self, spent: Spent) -> None:
        tokens, money = _used(spent, self.last)
        self.last, self.tokens, self.money = spent, self.tokens + tokens, self.money + money


@dataclass(slots=True)
class _Patience:
    """Waits for a judge that does not answer, as long as there is any left."""

    judge: Judge | None
    wait: Callable[[float], bool]
    left: float = _PATIENCE
    """Seconds."""

    def ready(self) -> bool:
        """Return whether to go on: false once the end was asked for."""
        judge = self.judge
        # A wrong key or address is not mended by waiting.
        while judge is not None and not judge.open and self.left > 0 and not judge.outcomes.keys() & {"auth", "not_found"}:
            if self.wait(_LOOK):
                return False
            self.left -= _LOOK
        return not self.wait(0.0)


def run(
    name: str,
    endpoint: str,
    options: GoldenOptions,
    pairs: Sequence[Pair],
    around: Around,
    spent: Spent | None = None,
    advance: Advance = lambda _: None,
) -> tuple[Run, Spent]:
    """Return what became of a set and what the day has spent; `spent` is what it had spent before. A target that fails leaves gaps."""
    started, began = around.now(), around.elapsed()
    budget = options.budget
    money = purse(started.date(), budget.limits, budget.price, spent)
    asker = Asker(
        lambda: options.target.open(around.transport),
        options.target.most,
        money,
        options.concurrency,
        options.time_limit.total_seconds(),
        around.random,
        around.elapsed,
        around.wait,
    )
    # Rounds, not one pair's repeats together: caches on the way are less likely to answer, and a bad minute hits no pair alone.
    rounds = [pair for _ in range(options.repeats) for pair in pairs]
    criteria = criteria_of(options.evaluators)
    # Opened before anything is paid for: what is wrong with it is known at once.
    judging = options.judge.open(around.judge_transport) if options.judge is not None and criteria else None
    questions = questions_of(options.judge.kind) if options.judge is not None else OwnQuestions()
    try:
        asked = asker.ask(rounds, (lambda share: advance(0.5 * share)) if criteria else advance)
        classes = tuple(dict.fromkeys(pair.label for pair in pairs if pair.label))
        bill = _Bill(money.spent, *_used(money.spent, spent))
        judge = (
            Judge(judging, criteria, money.spent, money.limits, money.price, around.now, around.wait, around.random, questions)
            if judging
            else None
        )

        def judged(share: float) -> None:
            if judge is not None:
                bill.add(judge.spent)
                advance(0.5 + 0.5 * share)

        evaluating = Evaluating(options.evaluators, classes, judge)
        passed = judged_all(evaluating, asked, _Patience(judge, around.wait).ready, judged)
    finally:
        if judging is not None:
            judging.close()
        questions.close()
    found = Run(
        name,
        endpoint,
        options.shown_under,
        started.isoformat(timespec="seconds"),
        round(around.elapsed() - began, 3),
        options.repeats,
        {key: _mark(one) for key, one in options.evaluators.items()},
        _results(asked, passed),
        dict(Counter(outcome(one) for one in asked)),
        dict(evaluating.gaps),
        tokens=bill.tokens,
        money=round(bill.money, 6),
        **{key: _said(asked, part) for key, part in (("models", "model"), ("fingerprints", "fingerprint"), ("versions", "version"))},
    )
    return found, bill.last


def _used(after: Spent, before: Spent | None) -> tuple[int, float]:
    """Return tokens and money spent since; a run that goes past midnight is counted from there."""
    if before is None or before.day != after.day:
        return after.tokens, after.money
    return after.tokens - before.tokens, after.money - before.money


def _results(asked: Sequence[Asked], passed: Sequence[dict[str, Passed]]) -> tuple[PairResult, ...]:
    """Return the counts of each pair, in the order of their lines."""
    both = sorted(zip(asked, passed, strict=True), key=lambda one: one[0].pair.line)
    found = []
    for _, group in groupby(both, key=lambda one: one[0].pair.line):
        answers = list(group)
        pair, became = answers[0][0].pair, Counter(outcome(one) for one, _ in answers)
        counts: dict[str, tuple[int, int]] = {}
        for _, one in answers:
            for name, value in one.items():
                good, of = counts.get(name, (0, 0))
                counts[name] = (good + (value is True), of + (value is not None))
        gaps = len(answers) - became["answered"] - became["filtered"]
        found.append(PairResult(pair.id, pair.digest, pair.line, pair.tags, became["answered"], became["filtered"], gaps, counts))
    return tuple(found)


def _said(asked: Sequence[Asked], part: str) -> dict[str, int]:
    said = Counter(getattr(one.reply, part)[:100] for one in asked if one.reply is not None)
    return {name: count for name, count in said.most_common(20) if name}


def _mark(evaluator: Any) -> str:
    # What decides whether an answer passes: the share that must pass is no part of it.
    options = {name: repr(getattr(evaluator, name)) for name in type(evaluator).__dataclass_fields__ if name != "least_ratio"}
    return sha256(f"{type(evaluator).__name__}{sorted(options.items())}".encode()).hexdigest()[:12]
