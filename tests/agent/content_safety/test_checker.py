"""Azure AI Content Safety within its budget and rate: asked again where that helps, left alone where it does not, gaps and no zeros."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random

import httpx
import pytest

from agent.content_safety.checker import Checker, Service
from agent.content_safety.options import ContentSafety
from agent.judges.spend import Spent
from agent.judges.task import Item
from agent.judges.verdicts import Gap, Verdict
from agent.secret import Secret

Reply = httpx.Response | Exception
ITEM = Item("Where is my card?", "On its way.")
SAFE = {"categoriesAnalysis": [{"category": "Hate", "severity": 0}]}
CALM = {"userPromptAnalysis": {"attackDetected": False}, "documentsAnalysis": []}


class Rig:
    """A checker whose transport answers with `reply`, and a clock that passes only when somebody waits."""

    def __init__(self, reply: Callable[[httpx.Request], Reply], **changed: object) -> None:
        self.moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
        self.seen: list[httpx.Request] = []
        self.times: list[datetime] = []
        self.waited = 0.0

        def handle(request: httpx.Request) -> httpx.Response:
            self.seen.append(request)
            self.times.append(self.moment)
            found = reply(request)
            if isinstance(found, Exception):
                raise found
            return found

        given: dict[str, object] = {"checks": ("analyze_text", "prompt_shields"), "rate": 1_000.0, **changed}
        options = ContentSafety("https://safety.cognitiveservices.azure.com/", Secret("k"), **given)  # type: ignore[arg-type]  # a table's values
        service = Service.open(options, httpx.MockTransport(handle))
        self.checker = Checker("shop", options, service, Spent(self.moment.date()), lambda: self.moment, self.wait, Random(1))

    def wait(self, seconds: float) -> bool:
        """Let time pass."""
        self.moment += timedelta(seconds=seconds)
        self.waited += seconds
        return False


def well(request: httpx.Request) -> httpx.Response:
    """Answer as the service would to harmless texts."""
    return httpx.Response(200, json=CALM if "shieldPrompt" in request.url.path else SAFE)


def after(*replies: Reply) -> Callable[[httpx.Request], Reply]:
    """Answer with one after another, then well."""
    left: Iterator[Reply] = iter(replies)
    return lambda request: next(left, None) or well(request)


def test_texts_go_to_the_endpoint_alone() -> None:
    """Requests carry the key and one text each, and go to the configured host; a redirect is not followed."""
    rig = Rig(after(httpx.Response(307, headers={"location": "https://elsewhere.example/contentsafety/text:analyze"})))
    found = rig.checker.score(ITEM)
    assert {request.url.host for request in rig.seen} == {"safety.cognitiveservices.azure.com"}
    assert {request.headers["ocp-apim-subscription-key"] for request in rig.seen} == {"k"}
    assert [json.loads(request.content).get("text") for request in rig.seen] == ["Where is my card?", "On its way.", None]
    assert found == [
        Gap("analyze_text", "refused"),
        Verdict("completion/hate/severity", 0, ""),
        Verdict("prompt/jailbreak/detected", 0, ""),
    ]


OUTCOMES: list[tuple[tuple[Reply, ...], str | None, dict[str, int]]] = [
    ((httpx.Response(429, headers={"retry-after": "2"}),), "throttled", {"throttled": 1, "breaker_open": 2}),
    ((httpx.Response(429),), None, {"throttled": 1, "answered": 3}),
    ((httpx.Response(503),), None, {"server": 1, "answered": 3}),
    ((httpx.ReadTimeout("t"),), None, {"timeout": 1, "answered": 3}),
    ((httpx.ConnectError("c"),), None, {"unreachable": 1, "answered": 3}),
    ((httpx.Response(200, text="<html>"),), "unreadable", {"unreadable": 1, "answered": 2}),
    ((httpx.Response(200, json={"categoriesAnalysis": []}),), "unreadable", {"unreadable": 1, "answered": 2}),
    ((httpx.Response(200, content=b"x" * 10_000_000),), "too_long", {"too_long": 1, "answered": 2}),
    ((httpx.Response(400, json={"error": {"code": "InvalidRequestBody"}}),), "refused", {"refused": 1, "answered": 2}),
]


@pytest.mark.parametrize(("replies", "why", "counted"), OUTCOMES, ids=[str(counted) for _, _, counted in OUTCOMES])
def test_every_way_it_answers(replies: tuple[Reply, ...], why: str | None, counted: dict[str, int]) -> None:
    """A finding, or a gap with its reason; each request is counted by what became of it."""
    rig = Rig(after(*replies))
    found = rig.checker.score(ITEM)
    assert found[0] == (Verdict("prompt/hate/severity", 0, "") if why is None else Gap("analyze_text", why))
    assert rig.checker.take() == counted


def test_a_storm_of_429_is_left_alone() -> None:
    """Throttled for five minutes it is asked a few times, with growing pauses, not once a text; nothing of it counts as spent."""
    rig = Rig(lambda _: httpx.Response(429))
    for _ in range(300):
        rig.checker.score(ITEM)
        rig.moment += timedelta(seconds=1)
    assert len(rig.seen) < 15
    assert rig.checker.spent.tokens == 0


def test_a_service_that_hangs_is_left_alone() -> None:
    """After five time-outs it is not waited for any more; all of them count, for nobody knows whether they were billed."""

    def hang(_: httpx.Request) -> Reply:
        return httpx.ReadTimeout("hangs")

    rig = Rig(hang)
    for _ in range(20):
        assert all(isinstance(one, Gap) for one in rig.checker.score(ITEM))
    assert len(rig.seen) == rig.checker.spent.tokens < 10


def test_a_refused_key_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """One clear line, no retries, five minutes between tries; when it is mended and refused again, one more line."""
    state = {"status": 401}

    def reply(request: httpx.Request) -> httpx.Response:
        return well(request) if state["status"] == 200 else httpx.Response(state["status"])

    rig = Rig(reply)
    for _ in range(700):
        rig.checker.score(ITEM)
        rig.moment += timedelta(seconds=1)
    assert len(rig.seen) == 3
    assert len(caplog.messages) == 1
    assert "answered 401: check the key, or the role of the identity" in caplog.messages[0]
    state["status"] = 200
    rig.moment += timedelta(seconds=300)
    assert rig.checker.score(ITEM)[0] == Verdict("prompt/hate/severity", 0, "")
    state["status"] = 403
    rig.checker.score(ITEM)
    assert len(caplog.messages) == 2
    assert not [line for line in caplog.messages if "card" in line]


def test_a_check_its_region_has_not_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    """404 on one path: that check is a gap, asked again after an hour and told once; the others go on."""
    rig = Rig(lambda request: httpx.Response(404) if "shieldPrompt" in request.url.path else well(request))
    for _ in range(5):
        assert rig.checker.score(ITEM)[-1] == Gap("prompt_shields", "not_found")
        rig.moment += timedelta(minutes=10)
    assert len([request for request in rig.seen if "shieldPrompt" in request.url.path]) == 1
    rig.moment += timedelta(hours=1)
    rig.checker.score(ITEM)
    assert len([request for request in rig.seen if "shieldPrompt" in request.url.path]) == 2
    assert len(caplog.messages) == 1


def test_the_budget_of_a_day_is_never_exceeded() -> None:
    """So many requests and no more; the next day it goes on; what could not be asked is a gap."""
    rig = Rig(well, requests_a_day=7)
    found = [rig.checker.score(ITEM) for _ in range(5)]
    assert len(rig.seen) == 7
    assert found[-1] == [Gap("analyze_text", "budget"), Gap("analyze_text", "budget"), Gap("prompt_shields", "budget")]
    rig.moment += timedelta(days=1)
    rig.checker.score(ITEM)
    assert len(rig.seen) == 10


def test_no_faster_than_it_may() -> None:
    """At two a second thirty requests take fourteen and a half seconds."""
    rig = Rig(well, rate=2.0)
    for _ in range(10):
        rig.checker.score(ITEM)
    assert (rig.times[-1] - rig.times[0]).total_seconds() == pytest.approx(14.5)


def test_a_long_text_is_as_bad_as_its_worst_piece_and_unknown_where_one_is() -> None:
    """The worst severity of all pieces counts; where one piece has no answer there is none for the text."""
    long = Item("x " * 12_000)
    severities = iter([0, 4, 2])
    rig = Rig(
        lambda _: httpx.Response(200, json={"categoriesAnalysis": [{"category": "Violence", "severity": next(severities)}]}),
        checks=("analyze_text",),
    )
    assert rig.checker.score(long) == [Verdict("prompt/violence/severity", 2, "")]
    assert max(len(json.loads(request.content)["text"]) for request in rig.seen) == 10_000
    assert Rig(after(httpx.Response(400)), checks=("analyze_text",)).checker.score(long) == [Gap("analyze_text", "refused")]


def test_nothing_to_check_costs_nothing() -> None:
    """A call without texts is no input, and no request."""
    rig = Rig(well)
    assert rig.checker.score(Item()) == [Gap("content_safety", "no_input")]
    assert rig.seen == []


def test_an_identity_signs_where_there_is_no_key() -> None:
    """Without a key a token is sent; one that cannot be had is told as such."""
    seen: list[str] = []

    def reply(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("authorization", ""))
        return well(request)

    def none() -> str:
        raise RuntimeError("no identity here")

    options = ContentSafety("https://safety.cognitiveservices.azure.com", rate=1_000.0)
    now = datetime(2026, 3, 1, tzinfo=UTC)
    for token, expected in ((lambda: "t", Verdict("prompt/hate/severity", 0, "")), (none, Gap("analyze_text", "auth"))):
        service = Service.open(options, httpx.MockTransport(reply), token)
        checker = Checker("shop", options, service, Spent(now.date()), lambda: now, lambda _: False, Random(1))
        assert checker.score(ITEM)[0] == expected
    assert set(seen) == {"Bearer t"}
