"""Evaluators of golden sets: which answers pass, and what is a gap."""

from random import Random
from typing import Any

import pytest

from agent.golden.asking import Asked
from agent.golden.evaluating import Evaluating, criteria_of
from agent.golden.evaluators import Evaluator, Given, Judged
from agent.golden.evaluators.form import Complete, Json, Length, Overlap, Pattern, Willing
from agent.golden.evaluators.judged import Coherence, Similarity
from agent.golden.evaluators.matching import Alike, Classification, Contains, Exact, Numbers
from agent.golden.pair import Pair
from agent.golden.run import OVERALL
from agent.golden.targets import Reply
from agent.judges.chat import Answer, Unanswered
from agent.judges.criteria import Criterion
from agent.judges.judge import Judge
from agent.judges.spend import Limits, Price, Spent
from agent.registry import component, names
from tests.fakes.rig import Hand

CLASSES = ("billing", "billing dispute", "other")


def pair(truth: str = "", label: str = "", context: str = "") -> Pair:
    return Pair("a", 1, "Which?", truth=truth, label=label, context=context, source="human")


@pytest.mark.parametrize(
    ("evaluator", "expected", "text", "passes"),
    [
        (Exact(), pair("On its way."), "on its way", True),
        (Exact(), pair("Café"), "  CAFE! ", True),
        (Exact(), pair("On its way."), "It is on its way.", False),
        (Exact(strict=True), pair("Yes."), " Yes.\n", True),
        (Exact(strict=True), pair("Yes."), "yes.", False),
        (Exact(), pair(label="billing"), "Billing", True),
        (Contains(), pair("two days"), "It takes two days, at most.", True),
        (Contains(), pair("art"), "It is a party.", False),
        (Classification(), pair(label="billing"), "The class is: Billing.", True),
        (Classification(), pair(label="billing"), "billing dispute", False),
        (Classification(), pair(label="billing dispute"), "This is a billing dispute.", True),
        (Classification(), pair(label="billing"), "billing or other", False),
        (Classification(("a", "billing")), pair(label="billing"), "billing, other", True),
        (Classification(), pair(label="other"), "", False),
        (Alike(), pair("Your card is on its way."), "Your card is on the way.", True),
        (Alike(), pair("Your card is on its way."), "Refunds take a week.", False),
        (Alike(), pair("Your card is on its way."), "", False),
        (Numbers(), pair("1,200 EUR in 3 days"), "That is 1200 EUR within 3 days.", True),
        (Numbers(), pair("1,200 EUR in 3 days"), "That is 1300 EUR within 3 days.", False),
        (Numbers(), pair("soon"), "in 3 days", None),
        (Pattern(r"^Ref: \d+$"), pair(), "Hello.\nRef: 17\nBye.", True),
        (Pattern(r"^Ref: \d+$"), pair(), "Hello. Ref: 17", False),
        (Json(), pair(), '```json\n{"a": 1}\n```', True),
        (Json(("a", "b")), pair(), '{"a": 1}', False),
        (Json(), pair(), "Sure! {}", False),
        (Length(at_least=3, at_most=5), pair(), "four", True),
        (Length(at_most=5), pair(), "longer", False),
        (Length(), pair(), "  ", False),
        (Complete(), pair(), "It is on its way.", True),
        (Complete(), pair(), "It is on the", False),
        (Complete(), pair(), "yes it is yes it is yes it is yes it is.", False),
        (Willing(), pair(), "I'm sorry, but I can't help with that.", False),
        (Willing(), pair(), "Sure: restart it.", True),
        (Overlap(), pair(context="The card arrives in two days by post."), "The card arrives in two days.", True),
        (Overlap(), pair(context="The card arrives in two days by post."), "Call the bank and ask them about refunds.", False),
        (Overlap(), pair(context="Anything."), "Yes.", None),
    ],
)
def test_what_passes(evaluator: Evaluator, expected: Pair, text: str, passes: bool | None) -> None:  # noqa: FBT001 - a table
    """Each evaluator says yes, no, or that it has nothing to say."""
    assert evaluator.passes(Given(expected, text, "", CLASSES)) is passes


def test_every_registered_evaluator_is_one() -> None:
    """Whatever the registry names scores by itself or is judged, and never both."""
    for name in names("evaluators"):
        made: Any = component("evaluators", name)(**({"regex": "a"} if name == "pattern" else {}))
        assert isinstance(made, Evaluator) is not isinstance(made, Judged), name
        assert set(made.needs) <= {"truth", "context", "class"}, name


class Script:
    """A judge's model that answers by a script: text, or why it does not."""

    def __init__(self, *said: Any) -> None:
        self.said = list(said)
        self.asked = 0

    def ask(self, messages: Any, most: int, schema: Any = None) -> Answer:  # noqa: ARG002 - the script knows what comes
        """Say what comes next."""
        self.asked += 1
        said = self.said.pop(0) if len(self.said) > 1 else self.said[0]
        if isinstance(said, Unanswered):
            raise said
        return Answer(said, "stop", "judge", "", 100, 20)


def judge(script: Script, criteria: list[Criterion]) -> Judge:
    return Judge(script, criteria, Spent(Hand().now().date()), Limits(), Price(), Hand().now, lambda _: False, Random(1))


def asked(text: str, one: Pair | None = None) -> Asked:
    return Asked(one or pair("On its way."), Reply(text))


def test_a_judge_is_asked_once_for_the_same_answer() -> None:
    """Repeats that answer alike cost one call, and all criteria go in it."""
    evaluators: dict[str, Evaluator | Judged] = {"similarity": Similarity(), "coherence": Coherence(at_least=5), "exact": Exact()}
    script = Script('{"similarity": {"reason": "Same.", "score": 4}, "coherence": {"reason": "So so.", "score": 4}}')
    evaluating = Evaluating(evaluators, (), judge(script, criteria_of(evaluators)))

    found = [evaluating.passed(asked("It comes.")) for _ in range(3)]

    assert found == [{"exact": False, "similarity": True, "coherence": False, OVERALL: False}] * 3
    assert script.asked == 1


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("I'm sorry, but I can't help with that.", "refused"),
        ("no JSON at all", "not_json"),
        ('{"similarity": {"reason": "", "score": 9}}', "out_of_range"),
        (Unanswered("filtered", "filtered"), "filtered"),
        (Unanswered("throttled", "throttled", 600.0), "throttled"),
    ],
)
def test_a_missing_score_is_a_gap(said: Any, why: str) -> None:
    """What a judge does not say is neither a pass nor a failure; where another evaluator fails, the answer fails all the same."""
    evaluators: dict[str, Evaluator | Judged] = {"similarity": Similarity(), "exact": Exact()}
    evaluating = Evaluating(evaluators, (), judge(Script(said), criteria_of(evaluators)))

    assert evaluating.passed(asked("On its way.")) == {"exact": True, "similarity": None, OVERALL: None}
    assert evaluating.passed(asked("Never."))[OVERALL] is False
    assert set(evaluating.gaps) <= {why, "breaker_open"}


def test_no_answer_passes_nothing_and_fails_nothing() -> None:
    """Gaps and filtered answers are outcomes of their own; an empty answer fails, and no judge is paid for it."""
    evaluators = {"similarity": Similarity()}
    script = Script("never asked")
    evaluating = Evaluating(evaluators, (), judge(script, criteria_of(evaluators)))

    assert evaluating.passed(Asked(pair("a"), why="filtered")) == {}
    assert evaluating.passed(asked("  \n")) == {"similarity": False, OVERALL: False}
    assert script.asked == 0


def test_what_has_nothing_to_say_does_not_count() -> None:
    """A pair without numbers is judged by the other evaluators; by none at all nobody knows."""
    assert Evaluating({"numbers": Numbers(), "exact": Exact()}, ()).passed(asked("on its way")) == {
        "numbers": None,
        "exact": True,
        OVERALL: True,
    }
    assert Evaluating({"numbers": Numbers()}, ()).passed(asked("on its way")) == {"numbers": None, OVERALL: None}
