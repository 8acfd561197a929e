"""Runs held against each other: verdicts, what got worse, gates, exit codes, and the forms in which it is told."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import numpy as np
import pytest
from numpy.typing import NDArray

from agent.errors import InputError
from agent.golden.accepted_file import load, save
from agent.golden.comparing import FILTERED, Comparison, compare
from agent.golden.evaluators.form import Length
from agent.golden.evaluators.matching import Exact
from agent.golden.junit import junit
from agent.golden.options import GoldenOptions
from agent.golden.report import FAIL_ON, Report, report, told
from agent.golden.run import OVERALL, PairResult, Run, restore
from agent.golden.standing import Standing, standing
from agent.golden.targets.chat import Openai
from agent.golden.telling import run_lines
from detectors.quality.regression import Terms

OPTIONS = GoldenOptions(Path("a.jsonl"), Openai("http://127.0.0.1/v1", "m"), {"exact": Exact(), "length": Length()})
MARKS = {"exact": "e", "length": "l"}


def result(number: int, passes: int, *, filtered: int = 0, gaps: int = 0, digest: str = "") -> PairResult:
    """Return a pair of three repeats of which so many pass."""
    answered = 3 - filtered - gaps
    counts = {"exact": (passes, answered), "length": (answered, answered), OVERALL: (passes, answered)}
    return PairResult(f"p-{number}", digest or f"d{number}", number + 1, (f"topic-{number % 4}",), answered, filtered, gaps, counts)


def run(*pairs: PairResult, day: int = 1, **changed: Any) -> Run:
    """Return a run of these pairs."""
    outcomes: Mapping[str, int] = {
        "answered": sum(one.answered for one in pairs),
        "filtered": sum(one.filtered for one in pairs),
        "throttled": sum(one.gaps for one in pairs),
    }
    return replace(
        Run("nightly", "chat", "gpt", f"2026-03-{day:02d}T02:30:00+00:00", 5.0, 3, MARKS, pairs, outcomes, models={"gpt-4o": 1}), **changed
    )


def steady(count: int = 120, **changed: Any) -> Run:
    """Return a run in which all passes but three pairs, now and then."""
    return run(*(result(number, 2 if number in {5, 50, 95} else 3) for number in range(count)), **changed)


def worse(lost: range = range(0, 60, 4), **changed: Any) -> Run:
    """Return a run in which some pairs do not pass any more."""
    return run(*(result(number, 0 if number in lost else 3) for number in range(120)), day=2, **changed)


def compared(before: Run, after: Run, suspected: frozenset[str] = frozenset()) -> Comparison:
    return compare(before, after, Terms(), 0.1, suspected)


def test_a_regression_names_what_got_worse() -> None:
    """The sentence names the evaluator, the tag and the pairs, and what else answers now; the evaluator that did not change is left out."""
    found = compared(steady(), worse(models={"gpt-4o": 1, "gpt-5": 4}))

    assert (found.verdict, found.worse) == ("regressed", ("exact",))
    assert (found.tags[0][0], found.pairs[0].id) == ("topic-0", "p-0")
    # By hand: all fifteen lost, or fourteen and the three better ones turned: (1 + 15 / 8) / 2**15.
    assert told(found) == (
        "99.2% passed before, 87.5% now (p 8.8e-05, 15 pairs worse, 3 better); worse: exact; tags: topic-0 (-50%); "
        "pairs: p-0, p-4, p-8, p-12, p-16; model changed from gpt-4o to gpt-4o, gpt-5"
    )


def test_flake_is_stable() -> None:
    """Other pairs that flake now are no regression."""
    after = run(*(result(number, 1 if number in {7, 70} else 3) for number in range(120)))

    assert compared(steady(), after).verdict == "stable"
    assert "worse:" not in told(compared(steady(), after))


def test_more_filtered_answers_are_a_regression_of_their_own() -> None:
    """Answers that are filtered now and were not before do not fail, and are told all the same."""
    after = run(*(result(number, 0 if number < 20 else 3, filtered=3 if number < 20 else 0) for number in range(120)))
    found = compared(steady(), after)

    assert (found.verdict, found.worse) == ("regressed", (FILTERED,))
    assert found.overall is not None
    assert found.overall.points <= 0
    assert "more answers are filtered" in told(found)


def test_gaps_are_no_failures() -> None:
    """Missing answers change no verdict until there are too many; then a run neither clears nor confirms a suspicion."""
    few = run(*(result(number, 3 - (number % 20 == 0), gaps=int(number % 20 == 0)) for number in range(120)))
    many = run(*(result(number, 3 - (number % 3 == 0) * 2, gaps=2 * int(number % 3 == 0)) for number in range(120)))

    assert compared(steady(), few).verdict == "stable"
    found = compared(steady(), many, frozenset({"exact", OVERALL}))
    assert (found.verdict, found.suspected) == ("insufficient", frozenset({"exact", OVERALL}))


def test_what_changed_is_not_compared() -> None:
    """Pairs with other texts, new pairs, and evaluators with other options are left out, and that is said."""
    other = run(*(result(number, 0 if number < 15 else 3, digest="new" if number < 15 else "") for number in range(121)))
    found = compared(steady(), other)
    assert (found.verdict, found.left_out) == ("stable", 31)

    found = compared(steady(), worse(evaluators={"exact": "changed", "length": "l"}))
    assert (found.overall, "exact" in found.evaluators, found.verdict) == (None, False, "stable")
    assert "accept a run anew" in " ".join(report(worse(), found, OPTIONS).warnings)


def test_one_doubtful_run_waits_for_the_next() -> None:
    """A suspicion is kept between runs, confirmed by a second one, and forgotten after a good one."""
    doubtful = worse(range(0, 36, 4))
    first, said = Standing(accepted=steady()).after(doubtful, Terms(), 0.1)
    assert said is not None
    assert said.verdict == "suspected"
    _, said = standing(first.plain()).after(doubtful, Terms(), 0.1)
    assert said is not None
    assert said.verdict == "regressed"
    cleared, said = first.after(steady(day=3), Terms(), 0.1)
    assert said is not None
    assert (said.verdict, cleared.suspected) == ("stable", frozenset())


def told_of(after: Run, options: GoldenOptions = OPTIONS, before: Run | None = None) -> Report:
    return report(after, None if before is None else compared(before, after), options)


@pytest.mark.parametrize(
    ("said", "fail_on", "code"),
    [
        (told_of(steady()), ("regression", "threshold"), 0),
        (told_of(worse(), before=steady()), ("regression", "threshold"), 1),
        (told_of(worse(), before=steady()), ("threshold",), 0),
        (told_of(worse(range(0, 36, 4)), before=steady()), ("regression",), 0),
        (told_of(worse(range(0, 36, 4)), before=steady()), ("suspicion",), 1),
        (told_of(steady(models={"gpt-5": 1}), before=steady()), ("regression",), 0),
        (told_of(steady(models={"gpt-5": 1}), before=steady()), ("change",), 1),
        (told_of(worse(), replace(OPTIONS, least_ratio=0.95)), ("threshold",), 1),
        (told_of(worse(), replace(OPTIONS, least_ratio=0.90)), ("threshold",), 0),
        (told_of(worse(), replace(OPTIONS, evaluators={"exact": Exact(least_ratio=0.97)})), ("threshold",), 1),
        (told_of(run(*(result(number, 1, gaps=2) for number in range(120)))), FAIL_ON, 3),
        (told_of(run(*(result(number, 0, gaps=3) for number in range(120)))), FAIL_ON, 4),
        (told_of(run(*(result(number, 0, filtered=3) for number in range(120)))), FAIL_ON, 3),
    ],
)
def test_exit_codes_and_junit_agree(said: Report, fail_on: tuple[str, ...], code: int) -> None:
    """0 fine, 1 what was asked to fail on, 3 too few answers, 4 nobody there; JUnit has failures exactly where the code is not 0."""
    assert said.exit_code(fail_on) == code

    suites = fromstring(junit(said, fail_on))  # noqa: S314 - our own
    assert (int(suites.get("failures", "")) > 0) is (code != 0)
    assert int(suites.get("failures", "")) == len(suites.findall(".//failure"))
    assert int(suites.get("tests", "")) == len(suites.findall(".//testcase"))
    assert len(list(run_lines(said))) >= 1


def test_a_ratio_that_chance_may_have_lowered_is_doubted() -> None:
    """A threshold fails on the bound of the interval; between both it is told, and fails nothing."""
    said = told_of(worse(), replace(OPTIONS, least_ratio=0.90))

    assert next(gate.state for gate in said.gates if gate.kind == "threshold") == "suspected"


def test_runs_come_back_from_a_file(tmp_path: Path) -> None:
    """What is remembered is the same after it was written, and holds no text."""
    remembered = Standing(steady(), frozenset({"exact"}), worse())
    save(tmp_path / "accepted.json", remembered)

    assert load(tmp_path / "accepted.json") == remembered
    assert load(tmp_path / "none.json") == Standing()
    assert [path.name for path in tmp_path.iterdir()] == ["accepted.json"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "is no JSON, so no accepted run"),
        (b"[]", "holds no accepted run"),
        (b'{"version": 9, "suspected": []}', "holds no accepted run"),
        (b'{"version": 1, "suspected": [], "accepted": {"version": 2}}', "is no run of a golden set that this driftline reads"),
        (b'{"version": 1, "suspected": [], "accepted": {"version": 1, "pairs": [{}]}}', "is no run of a golden set: KeyError"),
    ],
)
def test_another_file_is_refused(body: bytes, words: str, tmp_path: Path) -> None:
    """A file that is no accepted run is one sentence with its name."""
    path = tmp_path / "accepted.json"
    path.write_bytes(body)
    with pytest.raises(InputError) as caught:
        load(path)

    assert str(caught.value).startswith(f"{path}: {words}")


def test_impossible_counts_are_refused() -> None:
    """Nobody passes more often than there were answers."""
    plain = steady().plain()
    plain["pairs"][0]["passes"]["exact"] = [5, 3]

    with pytest.raises(InputError, match="more answers pass than there are"):
        restore(plain)


def several(shares: Mapping[str, NDArray[np.float64]], chance: np.random.Generator) -> Run:
    """Return a run of several evaluators that pass at random, each pair by its own share."""
    passed = {name: chance.random((120, 3)) < share[:, None] for name, share in shares.items()}
    counts = {name: one.sum(axis=1).tolist() for name, one in passed.items()}
    counts[OVERALL] = np.logical_and.reduce(list(passed.values())).sum(axis=1).tolist()
    pairs = tuple(
        PairResult(f"p-{number}", "d", number, (), 3, 0, 0, {name: (count[number], 3) for name, count in counts.items()})
        for number in range(120)
    )
    return run(*pairs, evaluators={name: name for name in shares})


def alarm(before: Run, shares: Mapping[str, NDArray[np.float64]], nights: int, chance: np.random.Generator) -> Comparison | None:
    """Return the first comparison that is called a regression, within so many nights."""
    suspected: frozenset[str] = frozenset()
    for _ in range(nights):
        found = compared(before, several(shares, chance), suspected)
        if found.verdict == "regressed":
            return found
        suspected = found.suspected
    return None


def test_several_evaluators_cry_no_oftener_and_miss_nothing() -> None:
    """Four evaluators with 5 % flake together: at most 2 of 60 fortnights have an alarm; where one loses ten points it is found in two runs, and named."""
    alarms, found = 0, list[Comparison | None]()
    for seed in range(60):
        chance = np.random.default_rng(seed)
        shares = {name: np.full(120, 0.9873) for name in ("tone", "facts", "form", "length")}
        before = several(shares, chance)
        alarms += alarm(before, shares, 14, chance) is not None
        shares["facts"][chance.choice(120, 13, replace=False)] = 0.0
        found.append(alarm(before, shares, 2, chance))

    assert alarms <= 2
    assert sum(one is not None and "facts" in one.worse for one in found) >= 58
