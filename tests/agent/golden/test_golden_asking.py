"""Putting golden questions: what is sent where, and what becomes of endpoints that fail, stall, or refuse."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from agent.errors import ConfigError
from agent.golden.asking import Asked, Asker, outcome, purse
from agent.golden.pair import Pair
from agent.golden.targets import CANARY, Reply, Target
from agent.golden.targets.chat import AzureOpenai, Openai
from agent.golden.targets.scoring import Azureml, Databricks
from agent.judges.chat import Unanswered
from agent.judges.spend import Limits, Price
from agent.secret import Secret
from tests.fakes.golden_endpoint import KEY, GoldenEndpoint

ASKED = Pair("a", 1, "What is the capital of 7?", context="A {question} in a text.", source="human")
TODAY = datetime(2026, 3, 1, tzinfo=UTC).date()


@pytest.fixture
def endpoint() -> Iterator[GoldenEndpoint]:
    with GoldenEndpoint().serve() as served:
        yield served


def targets(url: str, key: str = KEY, timeout: float = 5.0) -> dict[str, Target]:
    """Return a target of each kind, all at one address."""
    secret = Secret(key)
    own = {"dataframe_records": [{"question": "{question}"}]}
    return {
        "azure_openai": AzureOpenai(url, "gpt", secret, system="Use: {context}", timeout=timeout),
        "openai": Openai(f"{url}/v1", "gpt", secret, timeout=timeout),
        "azureml": Azureml(f"{url}/score", secret, deployment="blue", timeout=timeout),
        "databricks": Databricks(f"{url}/serving-endpoints/chat/invocations", secret, timeout=timeout),
        "databricks, a model of one's own": Databricks(
            f"{url}/serving-endpoints/own/invocations", secret, body=own, answer="predictions.0", timeout=timeout
        ),
    }


KINDS = tuple(targets(""))
PATHS = {
    "azure_openai": "/openai/deployments/gpt/chat/completions",
    "openai": "/v1/chat/completions",
    "azureml": "/score",
    "databricks": "/serving-endpoints/chat/invocations",
    "databricks, a model of one's own": "/serving-endpoints/own/invocations",
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_endpoint_answers(kind: str, endpoint: GoldenEndpoint) -> None:
    """The question arrives at the address and in the form of its kind, signed and marked as canary traffic, and the answer is read."""
    opened = targets(endpoint.url)[kind].open()
    try:
        reply = opened.ask(ASKED)
    finally:
        opened.close()

    assert reply.text == "City 7"
    assert dict(endpoint.seen) == {PATHS[kind]: 1}
    assert CANARY.items() <= endpoint.headers[0].items()
    if kind == "azureml":
        assert (endpoint.headers[0]["azureml-model-deployment"], reply.version) == ("blue", "blue")
        assert endpoint.bodies[0] == {"question": ASKED.question, "chat_history": []}
    elif "own" not in kind:
        assert (reply.model, reply.fingerprint, reply.read, reply.written) == ("gpt-4o-2024-08-06", "fp_a", 20, 5)
    if kind == "azure_openai":
        assert [one["content"] for one in endpoint.bodies[0]["messages"]] == ["Use: A {question} in a text.", ASKED.question]
        assert "temperature" not in endpoint.bodies[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("mode", "key", "why"),
    [
        ("well", "another", "auth"),
        ("throttled", KEY, "throttled"),
        ("down", KEY, "server"),
        ("junk", KEY, "unreadable"),
        ("hang", KEY, "timeout"),
    ],
)
def test_each_failure_has_its_reason(kind: str, mode: Any, key: str, why: str, endpoint: GoldenEndpoint) -> None:
    """Wrong keys, 429, 503, HTML where JSON was asked for and silence are told apart; the message holds no question and no key."""
    endpoint.mode = mode
    opened = targets(endpoint.url, key, timeout=0.3)[kind].open()
    with pytest.raises(Unanswered) as caught:
        opened.ask(ASKED)
    opened.close()

    assert caught.value.why == why
    assert "capital" not in str(caught.value)
    assert key not in str(caught.value)


def test_a_filtered_question_is_no_gap(endpoint: GoldenEndpoint) -> None:
    """What the content filter refuses is `filtered`, whatever the status."""
    endpoint.mode = "filtered"
    for kind in ("azure_openai", "openai", "databricks"):
        opened = targets(endpoint.url)[kind].open()
        with pytest.raises(Unanswered) as caught:
            opened.ask(ASKED)
        opened.close()
        assert caught.value.why == "filtered"


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (Openai("http://models.example/v1", "m", Secret("k")), "must start with https://, or the key is sent in the clear"),
        (Azureml("http://a.example/score", Secret("k")), "must start with https://, or the key is sent in the clear"),
        (Databricks("ftp://a.example"), "must start with https://"),
        (Azureml("http://169.254.169.254/score"), "is a metadata address of the cloud"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(target: Any, words: str) -> None:
    """A key is never sent in the clear, and the cloud's own addresses are never asked."""
    with pytest.raises(ConfigError, match=words):
        target.check()


class Hours:
    """A clock that waiting moves."""

    def __init__(self) -> None:
        self.time = 0.0
        self.waits: list[float] = []
        self.lock = threading.Lock()

    def now(self) -> float:
        """Return the time."""
        return self.time

    def wait(self, seconds: float) -> bool:
        """Let time pass."""
        with self.lock:
            self.time += seconds
            self.waits.append(seconds)
        return False


class Play:
    """A target that answers, or does not, by a rule over the number of the request."""

    def __init__(self, rule: Callable[[int], Unanswered | None], clock: Hours | None = None, takes: float = 0.0) -> None:
        self.rule, self.clock, self.takes, self.requests, self.closed = rule, clock, takes, 0, 0
        self.lock = threading.Lock()

    def ask(self, pair: Pair) -> Reply:
        """Answer by the rule."""
        with self.lock:
            self.requests += 1
            said = self.rule(self.requests)
            if self.clock is not None:
                self.clock.time += self.takes
        if said is not None:
            raise said
        return Reply(f"to {pair.id}", read=10, written=5)

    def close(self) -> None:
        """Count it."""
        self.closed += 1


def put(play: Play, clock: Hours, count: int = 60, limits: Limits | None = None, seconds: float = 3600.0) -> list[Asked]:
    """Put so many questions, four at a time."""
    money = purse(TODAY, limits or Limits(), Price())
    asker = Asker(lambda: play, 100, money, 4, seconds, Random(1), clock.now, clock.wait)
    found = asker.ask([Pair(f"p-{number}", number + 1, "Why?", source="human") for number in range(count)])
    assert play.closed == min(4, count)
    if limits is not None and limits.tokens is not None:
        assert money.spent.tokens <= limits.tokens
    return found


def test_answers_stand_where_their_questions_do() -> None:
    """Whatever thread asked, answers come back in the order of the questions."""
    found = put(Play(lambda _: None), Hours())

    assert [one.reply.text if one.reply else "" for one in found] == [f"to p-{number}" for number in range(60)]


def test_a_storm_of_429_is_waited_out() -> None:
    """All wait as long as the server asks, then everything is answered."""
    clock = Hours()
    found = put(Play(lambda request: Unanswered("throttled", "throttled", 20.0) if request <= 8 else None), clock)

    assert {outcome(one) for one in found} == {"answered"}
    assert max(clock.waits) >= 20.0


def test_a_storm_without_end_leaves_gaps_within_the_time() -> None:
    """What is throttled for good is a gap with its reason, and the run ends in its time."""
    clock = Hours()
    found = put(Play(lambda _: Unanswered("throttled", "throttled", 5.0)), clock, seconds=120.0)

    assert {outcome(one) for one in found} <= {"throttled", "time_limit"}
    assert clock.time <= 180.0


@pytest.mark.parametrize("why", ["auth", "not_found"])
def test_a_wrong_key_is_tried_once(why: Any) -> None:
    """Where no question will ever be answered, the others are not put."""
    play = Play(lambda _: Unanswered("no", why))
    found = put(play, Hours())

    assert {outcome(one) for one in found} == {why}
    assert play.requests <= 4


@pytest.mark.parametrize("why", ["timeout", "server", "unreachable"])
def test_a_dead_endpoint_is_given_up(why: Any) -> None:
    """After eight questions in a row without an answer the rest is not put; after an outage that ends it is."""
    dead = Play(lambda _: Unanswered("no", why))
    assert {outcome(one) for one in put(dead, Hours())} == {why}
    assert dead.requests <= 8 * 4 + 3 * 4

    back = Play(lambda request: Unanswered("no", why) if 20 < request <= 30 else None)
    assert sum(outcome(one) == "answered" for one in put(back, Hours())) >= 54


def test_a_filter_is_no_failure() -> None:
    """Filtered questions are not asked again, and never give an endpoint up."""
    play = Play(lambda _: Unanswered("filtered", "filtered"))
    found = put(play, Hours())

    assert ({outcome(one) for one in found}, play.requests) == ({"filtered"}, 60)


def test_time_ends_a_run() -> None:
    """What was not asked in time is a gap."""
    clock = Hours()
    found = [outcome(one) for one in put(Play(lambda _: None, clock, takes=1.0), clock, seconds=20.0)]

    assert 15 <= found.count("answered") <= 24
    assert set(found) == {"answered", "time_limit"}


def test_the_budget_is_never_exceeded() -> None:
    """A question that might cost more than is left is not put, also where several are under way and usage is not told."""
    play = Play(lambda _: None)
    found = [outcome(one) for one in put(play, Hours(), limits=Limits(tokens=500))]

    assert set(found) == {"answered", "budget"}
    assert found.count("answered") == play.requests


def test_a_target_that_stumbles_costs_its_questions_only(caplog: pytest.LogCaptureFixture) -> None:
    """An error nobody foresaw is a gap, told once in the log without what was asked."""

    class Broken(Play):
        def ask(self, pair: Pair) -> Reply:
            """Fail at every third question."""
            if pair.line % 3 == 0:
                raise KeyError(pair.question)
            return super().ask(pair)

    found = [outcome(one) for one in put(Broken(lambda _: None), Hours())]

    assert (found.count("failed"), found.count("answered")) == (20, 40)
    assert len(caplog.records) == 1
    assert "Why?" not in caplog.text


def test_a_stop_ends_at_once() -> None:
    """Once the end is asked for, nothing more is put."""
    play = Play(lambda _: Unanswered("no", "server"))
    asker = Asker(lambda: play, 100, purse(TODAY, Limits(), Price()), 2, 3600.0, Random(1), lambda: 0.0, lambda _: True)
    found = asker.ask([Pair(f"p-{number}", number + 1, "Why?", source="human") for number in range(30)])

    assert {outcome(one) for one in found} == {"stopped", "server"} or {outcome(one) for one in found} == {"stopped"}
    assert play.requests <= 2
