"""What the web hook for retraining is sent, and what becomes of each answer."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx
import pytest

from agent.errors import ConfigError, Permanent, Transient
from agent.secret import Secret
from agent.triggers import Trigger
from agent.triggers.cloud_event import cloud_event
from agent.triggers.webhook import Webhook
from alerts.event import Event

NOW = datetime(2026, 3, 4, tzinfo=UTC)
STREAM = {"endpoint": "delay", "deployment": "blue", "traffic": "live"}
EVENT = Event("key-1", "change", "retraining", "requested", "information", NOW, NOW, STREAM, data={"version": 1, "windows": [{"å": None}]})
URL = "https://hooks.example/train?code=hunter2"
KEY = b"k" * 32
SECRET = Secret("whsec_" + base64.b64encode(KEY).decode())


@dataclass
class Receiver:
    """Answers with what it is told to, then 202; remembers requests."""

    answers: list[httpx.Response | Exception] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        request.read()
        self.requests.append(request)
        answer = self.answers.pop(0) if self.answers else httpx.Response(202)
        if isinstance(answer, Exception):
            raise answer
        return answer


def trigger(receiver: Receiver, options: Webhook | None = None) -> Trigger:
    return (options or Webhook(Secret(URL))).open(httpx.MockTransport(receiver), lambda: 1614265330.9)


def test_a_structured_cloud_event_with_its_key() -> None:
    """One event in the body, its media type, and its id as Idempotency-Key; nothing else is said of us."""
    receiver = Receiver()
    trigger(receiver, Webhook(Secret(URL), header=Secret("Bearer token"))).call(EVENT)

    (request,) = receiver.requests
    assert (request.method, str(request.url)) == ("POST", URL)
    assert request.headers["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    assert request.headers["Idempotency-Key"] == "key-1"
    assert request.headers["Authorization"] == "Bearer token"
    assert not any(name.startswith("webhook-") for name in request.headers)
    assert json.loads(request.content) == cloud_event(EVENT)


def test_a_receiver_can_check_the_signature() -> None:
    """It is over id, time and the bytes that were sent; sent again, the id is the same."""
    receiver = Receiver()
    opened = trigger(receiver, Webhook(Secret(URL), secret=SECRET))
    opened.call(EVENT)
    opened.call(EVENT)

    for request in receiver.requests:
        signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.content
        digest = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
        assert request.headers["webhook-signature"] == f"v1,{digest}"
        assert (request.headers["webhook-id"], request.headers["webhook-timestamp"]) == ("key-1", "1614265330")


@pytest.mark.parametrize(
    "answer", [401, 403, 404, 408, 425, 429, 500, 502, 503, httpx.ReadTimeout("hunter2"), httpx.ConnectError("hunter2")]
)
def test_what_may_pass_is_tried_again(answer: int | Exception) -> None:
    """A receiver that is down, slow or wrongly configured costs no request; its address stays out of the message."""
    given = answer if isinstance(answer, Exception) else httpx.Response(answer, headers={"Retry-After": "9"})

    with pytest.raises(Transient) as raised:
        trigger(Receiver([given])).call(EVENT)

    assert "hunter2" not in str(raised.value)
    assert raised.value.retry_after == (None if isinstance(answer, Exception) else 9)


@pytest.mark.parametrize("answer", [301, 302, 303, 307, 308])
def test_a_redirect_is_neither_followed_nor_the_end(answer: int) -> None:
    """The request goes where the configuration says; it waits until somebody writes the other address."""
    receiver = Receiver([httpx.Response(answer, headers={"Location": "https://elsewhere.example/hunter2"})])

    with pytest.raises(Transient, match=f"answered {answer}: it is at another address") as raised:
        trigger(receiver).call(EVENT)

    assert len(receiver.requests) == 1
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("answer", [304, 400, 410, 413, 415, 422])
def test_what_is_refused_is_not_sent_again(answer: int) -> None:
    """An answer that will be the same tomorrow."""
    receiver = Receiver([httpx.Response(answer)])

    with pytest.raises(Permanent, match=str(answer)):
        trigger(receiver).call(EVENT)

    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (Webhook(Secret("ftp://host/hunter2")), "url: "),
        (Webhook(Secret("http://169.254.169.254/hunter2")), "url: .*metadata address"),
        (Webhook(Secret("https://[half/hunter2")), "url: "),
        (Webhook(Secret(URL), secret=Secret("hunter2")), "secret: "),
    ],
)
def test_what_cannot_work_is_said_at_the_start(options: Webhook, word: str) -> None:
    """The key, and not the value, which may be a secret."""
    with pytest.raises(ConfigError, match=word) as raised:
        options.check()

    assert "hunter2" not in str(raised.value)
    assert "hunter2" not in repr(options)
