"""Notifications arrive once, whatever the receiver answers, and its address stays out of every message."""

from datetime import UTC, datetime

import httpx
import pytest

from agent.errors import ConfigError, Permanent, Transient
from agent.secret import Secret
from agent.sinks import Sink
from agent.sinks.webhook import Webhook
from alerts.event import Event

NOW = datetime(2026, 11, 20, tzinfo=UTC)
URL = "https://hooks.example/token-hunter2"


class Receiver:
    """Answers with what it is told to, then 200; remembers what it was sent."""

    def __init__(self, *answers: int | Exception) -> None:
        self.answers = list(answers)
        self.keys: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, Exception):
            raise answer
        if answer == 200:
            self.keys.append(request.headers["Idempotency-Key"])
        return httpx.Response(answer, headers={"Retry-After": "9"})


def sink(receiver: Receiver) -> Sink:
    return Webhook(Secret(URL), Secret("Bearer hunter2")).open(httpx.MockTransport(receiver))


def alerts(names: str) -> list[Event]:
    stream = {"endpoint": "e", "deployment": "d", "traffic": "live"}
    return [Event(name, "alert", "drift", "fired", "page", NOW, NOW, stream) for name in names]


@pytest.mark.parametrize("answer", [401, 403, 404, 408, 425, 429, 500, 503, httpx.ConnectError("no route to hunter2")])
def test_what_somebody_can_mend_is_tried_again_without_repeats(answer: int | Exception) -> None:
    """A wrong token, a wrong path, a receiver that is down: nothing is lost, nothing is sent twice."""
    receiver = Receiver(200, answer)
    opened = sink(receiver)

    with pytest.raises(Transient) as raised:
        opened.write([], alerts("abc"))
    opened.write([], alerts("abc"))

    assert receiver.keys == ["a", "b", "c"]
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("answer", [302, 400, 410, 422])
def test_of_a_refused_stretch_the_others_are_not_sent_twice(answer: int) -> None:
    """The delivery gives the events one by one then: those taken before are known."""
    receiver = Receiver(200, 200, answer, answer)
    opened = sink(receiver)

    with pytest.raises(Permanent):
        opened.write([], alerts("abcd"))
    for name in "abcd":
        if name == "c":
            with pytest.raises(Permanent):
                opened.write([], alerts(name))
        else:
            opened.write([], alerts(name))

    assert receiver.keys == ["a", "b", "d"]


def test_changes_are_not_told_unless_asked_for() -> None:
    """A new model version wakes nobody."""
    receiver = Receiver()
    change = Event("x", "change", "model", "changed", "information", NOW, NOW, {"endpoint": "e", "deployment": "d", "traffic": "live"})

    sink(receiver).write([], [change])

    assert receiver.keys == []


@pytest.mark.parametrize("url", ["ftp://host", "https://", "https://[half", "http://169.254.169.254/x", "no url"])
def test_an_unusable_address_is_a_configuration_error(url: str) -> None:
    """It names the key, not what may hold a token."""
    with pytest.raises(ConfigError, match="url"):
        Webhook(Secret(url)).open()


def test_options_show_no_secret() -> None:
    """Whoever prints the configuration prints no token."""
    assert "hunter2" not in repr(Webhook(Secret(URL), Secret("Bearer hunter2")))
