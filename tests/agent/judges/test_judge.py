"""A judge within its budget: asked again where that helps, left alone where it does not."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random

import httpx
import pytest

from agent.errors import ConfigError
from agent.judges.chat import Chat, Unanswered
from agent.judges.criteria import CRITERIA
from agent.judges.judge import Judge
from agent.judges.spend import Limits, Price, Spent
from agent.judges.task import Item
from agent.judges.verdicts import Gap, Verdict
from agent.redaction.redactor import Redactor
from agent.secret import Secret

ITEM = Item("Where is my card?", "On its way.")
CHAT = Chat("https://judge.openai.azure.com", "judge", Secret("k"))
Reply = httpx.Response | Exception


class Clock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        """Return the time."""
        return self.moment

    def wait(self, seconds: float) -> bool:
        """Let time pass."""
        self.moment += timedelta(seconds=seconds)
        return False


def said(content: str, read: int = 300, written: int = 40) -> httpx.Response:
    """Return a chat completion."""
    message = {
        "choices": [{"message": {"content": content}, "finish_reason": "stop"}],
        "model": "gpt-4o",
        "usage": {"prompt_tokens": read, "completion_tokens": written},
    }
    return httpx.Response(200, json=message)


def scored(fluency: int) -> httpx.Response:
    """Return a good answer."""
    return said(json.dumps({"fluency": {"reason": "r", "score": fluency}}))


def judge(reply: Callable[[httpx.Request], Reply], clock: Clock, limits: Limits | None = None, price: Price | None = None) -> Judge:
    """Return a judge of fluency whose transport answers with `reply`."""

    def handle(request: httpx.Request) -> httpx.Response:
        found = reply(request)
        if isinstance(found, Exception):
            raise found
        return found

    asking = CHAT.open(httpx.MockTransport(handle))
    spent = Spent(clock.now().date())
    return Judge(asking, [CRITERIA["fluency"]], spent, limits or Limits(), price or Price(), clock.now, clock.wait, Random(1))


def series(*replies: Reply) -> Callable[[httpx.Request], Reply]:
    """Answer with one after another, the last one for ever."""
    left: Iterator[Reply] = iter(replies)
    last: list[Reply] = []

    def reply(_: httpx.Request) -> Reply:
        found = next(left, None)
        if found is not None:
            last[:] = [found]
        return last[0]

    return reply


OUTCOMES = [
    ((scored(4),), Verdict("fluency", 4, "r"), {"answered": 1}),
    ((httpx.Response(429, headers={"retry-after": "2"}), scored(4)), Gap("fluency", "throttled"), {"throttled": 1}),
    ((httpx.Response(503), scored(3)), Verdict("fluency", 3, "r"), {"server": 1, "answered": 1}),
    ((httpx.ReadTimeout("t"), scored(3)), Verdict("fluency", 3, "r"), {"timeout": 1, "answered": 1}),
    ((httpx.ConnectError("c"),), Gap("fluency", "unreachable"), {"unreachable": 3}),
    ((said("hm"), scored(2)), Verdict("fluency", 2, "r"), {"not_json": 1, "answered": 1}),
    ((said("hm"),), Gap("fluency", "not_json"), {"not_json": 2}),
    ((said("I'm sorry, but I can't help with that."),), Gap("fluency", "refused"), {"refused": 1}),
    ((httpx.Response(400, json={"error": {"code": "content_filter"}}),), Gap("fluency", "filtered"), {"filtered": 1}),
    ((httpx.Response(401),), Gap("fluency", "auth"), {"auth": 1}),
    ((httpx.Response(200, text="<html>"),), Gap("fluency", "unreadable"), {"unreadable": 1}),
    ((httpx.Response(200, content=b"x" * 10_000_000),), Gap("fluency", "too_long"), {"too_long": 1}),
    (
        (httpx.Response(200, json={"choices": [{"message": {"content": None}, "finish_reason": "stop"}]}),),
        Gap("fluency", "empty"),
        {"empty": 2},
    ),
]


@pytest.mark.parametrize(("replies", "expected", "counted"), OUTCOMES, ids=[str(counted) for _, _, counted in OUTCOMES])
def test_every_way_a_judge_answers(replies: tuple[Reply, ...], expected: Verdict | Gap, counted: dict[str, int]) -> None:
    """A score, or a gap with its reason; each call is counted by what became of it."""
    asked = judge(series(*replies), Clock())
    assert asked.score(ITEM) == [expected]
    assert asked.take() == counted


def test_parameters_a_deployment_refuses_are_left_out_once_and_for_all() -> None:
    """A model without temperature, without max_completion_tokens and without schemas is asked without them, and then right away."""
    bodies = []

    def reply(request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        bodies.append(body)
        for name, message in (
            ("temperature", "Unsupported value: 'temperature' does not support 0.0 with this model."),
            ("max_completion_tokens", "Unrecognized request argument supplied: max_completion_tokens"),
        ):
            if name in body:
                return httpx.Response(400, json={"error": {"message": message, "param": name}})
        if body.get("response_format", {}).get("type") == "json_schema":
            return httpx.Response(
                400, json={"error": {"message": "Invalid parameter: 'response_format' of type 'json_schema' is not supported"}}
            )
        return scored(5)

    asked = judge(reply, Clock())
    assert asked.score(ITEM) == [Verdict("fluency", 5, "r")]
    assert len(bodies) == 4
    assert asked.score(ITEM) == [Verdict("fluency", 5, "r")]
    assert len(bodies) == 5
    assert "max_tokens" in bodies[-1]
    assert bodies[-1]["response_format"] == {"type": "json_object"}


@pytest.mark.parametrize(("limits", "price"), [(Limits(tokens=20_000), Price()), (Limits(money=0.05), Price(2.5, 10.0))])
def test_the_budget_of_a_day_is_never_exceeded(limits: Limits, price: Price) -> None:
    """Asked for ever, a judge spends no more than a day allows, says `budget` from then on, and goes on the next day."""
    clock = Clock()
    asked = judge(lambda _: scored(4), clock, limits, price)
    outcomes = [asked.score(ITEM)[0] for _ in range(200)]
    assert outcomes[0] == Verdict("fluency", 4, "r")
    assert outcomes[-1] == Gap("fluency", "budget")
    assert limits.tokens is None or asked.spent.tokens <= limits.tokens
    assert limits.money is None or asked.spent.money <= limits.money
    clock.moment += timedelta(days=1)
    assert asked.score(ITEM) == [Verdict("fluency", 4, "r")]


def test_what_nobody_knows_counts_as_spent() -> None:
    """A call that timed out, and one under way when the process was killed, count in full."""
    clock = Clock()
    asked = judge(lambda _: httpx.ReadTimeout("t"), clock)
    asked.score(ITEM)
    assert asked.spent.tokens > 3 * 160
    under_way = Spent(clock.now().date()).reserve(100, 50, Price(1.0, 1.0), Limits())
    assert under_way is not None
    assert Spent.restore(under_way.plain()).tokens == 150


def test_a_judge_that_does_not_answer_is_left_alone() -> None:
    """Throttled for five minutes, it is asked a few times a minute at most, and scores again soon after."""
    clock, asked_at = Clock(), []
    began = clock.now()

    def reply(_: httpx.Request) -> httpx.Response:
        asked_at.append(clock.now())
        return httpx.Response(429, headers={"retry-after": "10"}) if clock.now() < began + timedelta(minutes=5) else scored(4)

    asked = judge(reply, clock)
    while not isinstance(asked.score(ITEM)[0], Verdict):
        clock.wait(5)
    assert len(asked_at) < 20
    assert clock.now() < began + timedelta(minutes=12)


def test_criteria_without_their_texts_cost_nothing() -> None:
    """No context, no groundedness: a gap, and no call."""
    asked = judge(lambda _: pytest.fail("asked"), Clock())
    asked.criteria = [CRITERIA["groundedness"]]
    assert asked.score(ITEM) == [Gap("groundedness", "no_input")]


@pytest.mark.parametrize(
    ("chat", "header"),
    [
        (CHAT, ("api-key", "k")),
        (Chat("http://127.0.0.1:8000/v1", "m", Secret("k")), ("authorization", "Bearer k")),
        (Chat("https://judge.openai.azure.com", "judge"), ("authorization", "Bearer entra")),
    ],
)
def test_each_service_is_asked_its_way(chat: Chat, header: tuple[str, str]) -> None:
    """Azure by key or Entra token, others by bearer token."""
    requests = []

    def handle(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return scored(3)

    token = (lambda: "entra") if chat.key is None else None
    chat.open(httpx.MockTransport(handle), token).ask([{"role": "user", "content": "x"}], 5)
    assert requests[0].headers[header[0]] == header[1]
    assert str(requests[0].url) == chat.address


def test_errors_never_show_the_question() -> None:
    """What the other side repeats of a question goes no further."""
    asking = CHAT.open(httpx.MockTransport(lambda _: httpx.Response(400, text="bad: secret-question")))
    with pytest.raises(Unanswered) as told:
        asking.ask([{"role": "user", "content": "secret-question"}], 5)
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    ("chat", "way_out"),
    [
        (Chat("ftp://x", "m"), "https://"),
        (Chat("http://example.org/v1", "m", Secret("k")), "in the clear"),
        (Chat("https://x/v1?y=1", "m"), "api_version"),
    ],
)
def test_an_address_that_cannot_be_used_is_told(chat: Chat, way_out: str) -> None:
    """Before anything is sent."""
    with pytest.raises(ConfigError, match=way_out):
        chat.check()


@pytest.mark.parametrize(
    ("clean", "expected"), [(Redactor().redact, "It says <email>."), (lambda _: None, ""), (None, "It says anna@example.org.")]
)
def test_nobody_has_a_reason_that_was_not_looked_through(clean: Callable[[str], str | None] | None, expected: str) -> None:
    """What a judge says of an answer may quote it, and may end on disk; what cannot be redacted is left out, the score stays."""
    asked = judge(series(said(json.dumps({"fluency": {"reason": "It says anna@example.org.", "score": 4}}))), Clock())
    asked.reasons = clean
    assert asked.score(ITEM) == [Verdict("fluency", 4, expected)]
