"""Every record finds an endpoint, and nobody fills the memory with made-up ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config import Config, Endpoint
from agent.routing import MatchRouter
from agent.series import OTHER

BOT = Endpoint("bot", match={"service.name": "bot", "env": "prod"})
SHOP = Endpoint("shop", match={"service.name": "shop"})


@pytest.mark.parametrize(
    ("resource", "host", "name"),
    [
        ({"service.name": "bot", "env": "prod", "more": "x"}, "h", "bot"),
        ({"service.name": "bot"}, "h", "h"),
        ({"service.name": "shop"}, "", "shop"),
        ({"service.name": "else"}, "", "else"),
        ({}, "", OTHER),
        ({}, "shop", "shop (unmatched)"),
        ({}, "h" * 300, "h" * 64),
    ],
)
def test_the_first_match_wins_and_the_rest_is_named(resource: dict[str, str], host: str, name: str) -> None:
    """All attributes of a match must fit; what fits none is named after its host, then its service, never like a configured one."""
    router = MatchRouter(Config(endpoints={"bot": BOT, "shop": SHOP}))

    assert router.route(resource, host).name == name


def test_an_endpoint_without_a_match_takes_all() -> None:
    """The short configuration of one application."""
    router = MatchRouter(Config(endpoints={"bot": BOT, "all": Endpoint("all")}))

    assert router.route({}, "anything").name == "all"
    assert router.route({"service.name": "bot", "env": "prod"}, "").name == "bot"


@given(st.lists(st.text(max_size=5), max_size=40))
def test_made_endpoints_are_bounded(hosts: list[str]) -> None:
    """At most so many names, then one for all; the same host keeps its endpoint."""
    router = MatchRouter(Config(endpoints={"bot": BOT}, max_endpoints=5))
    names = [router.route({}, host).name for host in hosts]

    assert len(set(names) - {OTHER}) <= 5
    assert names == [router.route({}, host).name for host in hosts]
