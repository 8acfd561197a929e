"""Another product's evaluators in a worker: their questions, our budget; whatever the worker does is a gap, and it reaches no network."""

import json
import os
import socket
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from random import Random

import httpx
import pytest

from agent.errors import ConfigError
from agent.judges.borrowed import BorrowedQuestions
from agent.judges.chat import Chat, Unanswered
from agent.judges.criteria import Criterion
from agent.judges.judge import Judge
from agent.judges.kinds import AZURE, EVIDENTLY
from agent.judges.lender import cut_off
from agent.judges.options import JudgeOptions
from agent.judges.spend import Limits, Price, Spent
from agent.judges.task import Item
from agent.judges.verdicts import Gap, Verdict
from agent.secret import Secret

ONE = Criterion("one", ("answer",), "", "", "")
TWO = Criterion("two", ("answer",), "", "", "")
ITEM = Item("Where is {my} card?", 'On its "way" to {x} \\ %s.', "It {{is}} on its way.", "It comes.")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)

LENDER = """
import json, os, sys, time
from agent.judges.lender import serve

def evaluate(name, texts, ask):
    if name == "environment":
        ask([{"role": "user", "content": json.dumps(dict(os.environ))}], 50, json=True)
    if name == "none":
        raise ValueError(texts)
    said = json.loads(ask([{"role": "user", "content": f"{name}: {texts['answer']}"}], 50, json=True))
    if said == "again":
        ask([{"role": "user", "content": "and again"}], 50, json=True)
    if said == "die":
        os._exit(3)
    if said == "hang":
        time.sleep(60)
    return said["score"], "since " + said["why"]

serve(evaluate, sys.stdin.buffer, sys.stdout.buffer)
"""


@pytest.fixture(scope="module")
def borrowed() -> Iterator[BorrowedQuestions]:
    """Questions whose worker is a small product of our own."""
    found = BorrowedQuestions("evidently", command=[sys.executable, "-P", "-c", LENDER], patience=(30.0, 2.0))
    yield found
    found.close()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ('{"score": 4, "why": "x"}', Verdict("one", 4, "since x")),
        ('{"score": "4", "why": "x"}', Verdict("one", 4, "since x")),
        ('{"score": 3.5, "why": "x"}', Gap("one", "out_of_range")),
        ('{"score": 9, "why": "x"}', Gap("one", "out_of_range")),
        ('{"score": NaN, "why": "x"}', Gap("one", "missing")),
        ('{"score": null, "why": "x"}', Gap("one", "missing")),
        ('{"score": 4}', Gap("one", "not_json")),
        ("hm", Gap("one", "not_json")),
        ("", Gap("one", "empty")),
        ("I'm sorry, but I can't help with that.", Gap("one", "refused")),
        ("x" * 10_000_000, Gap("one", "too_long")),
        ('"again"', Gap("one", "not_json")),
        ('"die"', Gap("one", "unreadable")),
    ],
)
def test_what_a_product_makes_of_an_answer(borrowed: BorrowedQuestions, said: str, expected: Verdict | Gap) -> None:
    """A whole score from 1 to 5, or a gap by its reason; afterwards it is asked as before."""
    assert borrowed.put(ITEM, [ONE]).messages == [{"role": "user", "content": f"one: {ITEM.answer}"}]
    assert borrowed.read(said, [ONE]) == [expected]
    borrowed.put(ITEM, [TWO])
    assert borrowed.read('{"score": 2, "why": "y"}', [TWO]) == [Verdict("two", 2, "since y")]


def test_a_question_that_is_no_longer_wanted_answers_nobody_else(borrowed: BorrowedQuestions) -> None:
    """A question may be put again and again; what is said belongs to the newest."""
    for number in range(5):
        question = borrowed.put(Item(answer=f"answer {number}"), [ONE])
    assert question.messages[0]["content"] == "one: answer 4"
    assert borrowed.read('{"score": 5, "why": ""}', [ONE]) == [Verdict("one", 5, "since ")]
    with pytest.raises(Unanswered) as raised:
        borrowed.put(ITEM, [Criterion("none", ("answer",), "", "", "")])
    assert raised.value.why == "unfit"
    assert ITEM.answer not in str(raised.value)


def test_a_worker_that_hangs_is_ended_and_begun_anew() -> None:
    """It costs that answer alone."""
    borrowed = BorrowedQuestions("evidently", command=[sys.executable, "-P", "-c", LENDER], patience=(30.0, 0.3))
    borrowed.put(ITEM, [ONE])
    assert borrowed.read('"hang"', [ONE]) == [Gap("one", "unreadable")]
    assert borrowed.put(ITEM, [ONE]).most == 50
    borrowed.close()
    borrowed.close()


@pytest.mark.parametrize("script", ["raise SystemExit(1)", "print('hello', flush=True)", "print('[]', flush=True)"])
def test_a_worker_that_cannot_begin_leaves_the_judge_alone(script: str) -> None:
    """No tokens are reserved; after five failures the breaker opens."""
    borrowed = BorrowedQuestions("evidently", command=[sys.executable, "-P", "-c", script], patience=(30.0, 0.3))
    judge = _judge(borrowed, [ONE], lambda _: httpx.Response(500), Limits(tokens=1))
    assert judge.score(ITEM) == judge.score(ITEM) == [Gap("one", "unreachable")]
    assert judge.take() == {"unreachable": 5}
    assert not judge.open
    assert judge.spent == Spent(NOW.date())


def test_a_worker_knows_no_secret_of_the_environment() -> None:
    """What it is started with holds no key, no connection string and no proxy; telemetry is off."""
    environment = {**os.environ, "APPLICATIONINSIGHTS_CONNECTION_STRING": "hunter2", "HTTPS_PROXY": "http://p", "JUDGE_KEY": "hunter2"}
    borrowed = BorrowedQuestions("evidently", environment, [sys.executable, "-P", "-c", LENDER])
    question = borrowed.put(ITEM, [Criterion("environment", ("answer",), "", "", "")])
    borrowed.close()
    known = json.loads(question.messages[0]["content"])
    assert known.keys().isdisjoint({"APPLICATIONINSIGHTS_CONNECTION_STRING", "HTTPS_PROXY", "JUDGE_KEY"})
    assert known["DO_NOT_TRACK"] == "1"


@pytest.mark.parametrize(
    ("event", "arguments", "allowed"),
    [
        ("socket.connect", (None, ("127.0.0.1", 80)), True),
        ("socket.connect", (None, ("93.184.216.34", 443)), False),
        ("socket.connect", (None, ("::1", 80, 0, 0)), False),
        ("socket.connect", (None, "/run/docker.sock"), False),
        ("socket.getaddrinfo", ("127.0.0.1", 80, socket.AF_INET, 0, 0), True),
        ("socket.getaddrinfo", ("telemetry.example.com", 443, 0, 0, 0), False),
        ("subprocess.Popen", ("curl", (), None, None), False),
        ("open", ("file", "r", 0), True),
    ],
)
def test_a_worker_is_cut_off(event: str, arguments: tuple[object, ...], allowed: bool) -> None:  # noqa: FBT001 - a column of the table
    """No connection leaves the machine, no other process is begun."""
    if allowed:
        cut_off(event, arguments)
    else:
        with pytest.raises(PermissionError):
            cut_off(event, arguments)


def _judge(questions: BorrowedQuestions, criteria: list[Criterion], reply: object, limits: Limits | None = None) -> Judge:
    asking = Chat("https://judge.openai.azure.com", "judge", Secret("k"), api_version="2024-10-21").open(
        httpx.MockTransport(reply)  # type: ignore[arg-type]  # a function of a request
    )
    return Judge(asking, criteria, Spent(NOW.date()), limits or Limits(), Price(), lambda: NOW, lambda _: False, Random(1), questions)


def _said(content: str) -> httpx.Response:
    usage = {"prompt_tokens": 1_500, "completion_tokens": 40}
    return httpx.Response(200, json={"choices": [{"message": {"content": content}, "finish_reason": "stop"}], "usage": usage})


def test_azures_evaluators_score_within_our_budget() -> None:
    """All of them, as they are, against a look-alike of Azure OpenAI: one question each, settled as billed, ended by the budget."""
    try:
        version("azure-ai-evaluation")
    except PackageNotFoundError:
        pytest.skip("azure-ai-evaluation is not installed: pip install 'driftline[azure-evaluation]'")
    bodies: list[dict[str, object]] = []

    def reply(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        bodies.append(body)
        if "max_completion_tokens" in body:
            return httpx.Response(400, text="Unsupported parameter: 'max_completion_tokens'")
        return _said('{"reason": "It does.", "score": 4, "status": "completed"}')

    criteria = list(AZURE.criteria.values())
    judge = _judge(BorrowedQuestions("azure_ai_evaluation"), criteria, reply, Limits(tokens=100_000))
    try:
        assert judge.score(ITEM) == [Verdict(one.name, 4, "It does.") for one in criteria]
        assert judge.spent.tokens == len(criteria) * 1_540
        assert judge.take() == {"answered": len(criteria)}
        forms = [body["response_format"] for body in bodies]
        assert forms == [{"type": "json_object"}] * (len(criteria) + 1)
        assert all(json.dumps(ITEM.answer)[1:-1] in json.dumps(body["messages"]) for body in bodies if "RETRIEVAL" not in str(body).upper())
        judge.limits = Limits(tokens=judge.spent.tokens)
        assert judge.score(ITEM) == [Gap(one.name, "budget") for one in criteria]
    finally:
        judge.questions.close()


CONFIG = """
version: 1
sources: {{otlp: {{}}}}
endpoints:
  shop:
    content: transient
    judge: {{url: "http://127.0.0.1:1/v1", model: m, {}}}
"""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("kind: evidently", "choose of toxicity, negativity"),
        ("kind: evidently, evaluators: [correctness]", "correctness cannot be judged on live traffic"),
        ("kind: azure_ai_evaluation, evaluators: [toxicity]", "choose of coherence"),
        ("kind: ragas", "ragas"),
    ],
)
def test_a_kind_and_its_evaluators_fit(options: str, message: str) -> None:
    """What cannot be judged, or by nobody, is told at the start, with what there is."""
    from agent.config_file import read  # noqa: PLC0415 - the reader of configurations, for these alone

    with pytest.raises(ConfigError, match=message):
        read(CONFIG.format(options), "it.yaml", Path(), {})


def test_another_kind_is_another_judge() -> None:
    """Labels given to one say nothing of the other; the estimate is of what it asks."""
    own = JudgeOptions("http://127.0.0.1/v1", "m", evaluators=("fluency",))
    lent = JudgeOptions("http://127.0.0.1/v1", "m", kind="evidently", evaluators=("toxicity", "bias"))
    lent.check()
    assert own.rater != lent.rater
    assert lent.estimate(10)[0] == 50 * 10 * 2 * (EVIDENTLY.prompt_tokens + 50)
