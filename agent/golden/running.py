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
from agent.golden.asking import Asked, Asker, Purse, outcome, purse
from agent.golden.evaluating import Evaluating, Passed, criteria_of, judged_all
from agent.golden.options import GoldenOptions
from agent.golden.pair import Pair
from agent.golden.run import PairResult, Run
from agent.judges.judge import Judge
from agent.judges.spend import Spent

Advance = Callable[[float], None]


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
    judged = any(hasattr(one, "criterion") for one in options.evaluators.values())
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
    asked = asker.ask(rounds, (lambda share: advance(0.5 * share)) if judged else advance)
    classes = tuple(dict.fromkeys(pair.label for pair in pairs if pair.label))
    judge = _judge(options, around, money)
    evaluating = Evaluating(options.evaluators, classes, judge)
    passed = judged_all(
        evaluating, asked, lambda: around.wait(0.0), (lambda share: advance(0.5 + 0.5 * share)) if judged else lambda _: None
    )
    total = money.spent if judge is None else judge.spent
    before = spent.on(started.date()) if spent is not None else Spent(started.date())
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
        tokens=total.tokens - before.tokens,
        money=round(total.money - before.money, 6),
        **{key: _said(asked, part) for key, part in (("models", "model"), ("fingerprints", "fingerprint"), ("versions", "version"))},
    )
    return found, total


def _judge(options: GoldenOptions, around: Around, money: Purse) -> Judge | None:
    criteria = criteria_of(options.evaluators)
    if options.judge is None or not criteria:
        return None
    asking = options.judge.open(around.judge_transport)
    return Judge(asking, criteria, money.spent, money.limits, money.price, around.now, around.wait, around.random)


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
