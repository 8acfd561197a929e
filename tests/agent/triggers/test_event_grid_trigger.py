"""What a custom topic of Event Grid is sent: the contract of its publishing interface, 2018-01-01."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

import httpx
import pytest
from azure.core.exceptions import ClientAuthenticationError

from agent.errors import ConfigError, Permanent, Transient
from agent.secret import Secret
from agent.triggers.cloud_event import cloud_event
from agent.triggers.event_grid import EventGrid
from alerts.event import Event

NOW = datetime(2026, 3, 4, tzinfo=UTC)
STREAM = {"endpoint": "delay", "deployment": "blue", "traffic": "live"}
EVENT = Event("key-1", "change", "retraining", "requested", "information", NOW, NOW, STREAM, data={"version": 1})
TOPIC = "https://retraining.westeurope-1.eventgrid.azure.net/api/events"


@dataclass
class Topic:
    """Answers with a status, then 200; remembers requests."""

    statuses: list[int] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        request.read()
        self.requests.append(request)
        return httpx.Response(self.statuses.pop(0) if self.statuses else 200)


class Token(NamedTuple):
    """An access token, as azure-core has it."""

    token: str
    expires_on: int


@dataclass
class Credential:
    """An identity that gives a token a call, or none."""

    scopes: list[str] = field(default_factory=list)
    refuses: bool = False

    def get_token(self, *scopes: str) -> Token:
        """Give a token for scopes."""
        if self.refuses:
            raise ClientAuthenticationError("hunter2 is not known here")
        self.scopes += scopes
        return Token(f"token-{len(self.scopes)}", 0)


def test_a_batch_of_one_with_the_access_key() -> None:
    """Media type, version of the interface and key stand where Microsoft documents them."""
    topic = Topic()
    EventGrid(TOPIC, Secret("abc=")).open(httpx.MockTransport(topic)).call(EVENT)

    (request,) = topic.requests
    assert (request.method, str(request.url)) == ("POST", f"{TOPIC}?api-version=2018-01-01")
    assert request.headers["Content-Type"] == "application/cloudevents-batch+json; charset=utf-8"
    assert request.headers["aeg-sas-key"] == "abc="
    assert "Authorization" not in request.headers
    assert json.loads(request.content) == [cloud_event(EVENT)]


def test_without_a_key_the_identity_is_asked_each_time() -> None:
    """The credential keeps tokens and makes new ones in time; the scope is Event Grid's."""
    topic, credential = Topic(), Credential()
    opened = EventGrid(TOPIC).open(httpx.MockTransport(topic), credential)
    opened.call(EVENT)
    opened.call(EVENT)

    assert [request.headers["Authorization"] for request in topic.requests] == ["Bearer token-1", "Bearer token-2"]
    assert credential.scopes == ["https://eventgrid.azure.net/.default"] * 2
    assert "aeg-sas-key" not in topic.requests[0].headers


def test_an_identity_that_is_not_there_yet_is_asked_again() -> None:
    """Roles take minutes to arrive; the request waits, and no name is told."""
    with pytest.raises(Transient, match="gives no token") as raised:
        EventGrid(TOPIC).open(httpx.MockTransport(Topic()), Credential(refuses=True)).call(EVENT)

    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(("status", "error"), [(400, Transient), (401, Transient), (404, Transient), (503, Transient), (413, Permanent)])
def test_answers(status: int, error: type[Exception]) -> None:
    """A wrong key, path or schema of the topic is mended by somebody; what is too large stays so."""
    with pytest.raises(error, match=f"Event Grid answered {status}"):
        EventGrid(TOPIC, Secret("abc=")).open(httpx.MockTransport(Topic([status]))).call(EVENT)


@pytest.mark.parametrize(
    ("endpoint", "word"),
    [
        ("retraining.westeurope-1.eventgrid.azure.net", "must start with https"),
        ("http://retraining.westeurope-1.eventgrid.azure.net/api/events", "in the clear"),
        ("https://retraining.westeurope-1.eventgrid.azure.net", "must end with /api/events, not /;"),
        ("https://space.westeurope-1.eventgrid.azure.net/topics/a:publish", "Event Grid Basic"),
        ("https://169.254.169.254/api/events", "metadata address"),
    ],
)
def test_what_is_no_topic_is_said_at_the_start(endpoint: str, word: str) -> None:
    """The key of the configuration and the way out."""
    with pytest.raises(ConfigError, match=word):
        EventGrid(endpoint).check()


def test_a_local_stand_in_may_be_plain_http() -> None:
    """Loopback is nobody else's wire."""
    EventGrid("http://127.0.0.1:8080/api/events").check()
