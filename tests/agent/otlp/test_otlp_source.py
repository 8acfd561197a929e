"""Where the listeners may be, and what is said when they may not."""

import socket
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from agent.errors import ConfigError, Unavailable

Listen = Callable[..., Any]


@pytest.mark.parametrize("key", ["http", "grpc"])
def test_a_taken_port_is_said_in_a_sentence(listen: Listen, key: str) -> None:
    """Another collector on the port: Unavailable, naming the address."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(Unavailable, match=address):
            listen(**{key: address})


@pytest.mark.parametrize("key", ["http", "grpc"])
def test_other_machines_need_an_explicit_word(listen: Listen, key: str) -> None:
    """Beyond loopback there is neither TLS nor a password: refused, with the key and the way out."""
    with pytest.raises(ConfigError, match=rf"sources\.otlp\.{key}.*allow_insecure"):
        listen(**{key: "0.0.0.0:0"})


def test_with_that_word_any_name_is_answered(listen: Listen) -> None:
    """Listening for others on purpose: they may call us by any name."""
    on = listen(allow_insecure=True)
    headers = {"content-type": "application/json", "host": "driftline.monitoring.svc"}
    assert httpx.post(f"{on.http}/v1/traces", content=b"{}", headers=headers).status_code == 200


def test_a_name_can_be_allowed(listen: Listen) -> None:
    """A name of allowed_hosts is answered on loopback, others are not."""
    on = listen(allowed_hosts=("sidecar",))
    for host, status in (("sidecar:4318", 200), ("[::1]:4318", 200), ("other", 403)):
        headers = {"content-type": "application/json", "host": host}
        assert httpx.post(f"{on.http}/v1/traces", content=b"{}", headers=headers).status_code == status


def test_no_address_is_no_source(listen: Listen) -> None:
    """Neither HTTP nor gRPC: ConfigError."""
    with pytest.raises(ConfigError, match="http or grpc"):
        listen(http=None, grpc=None)


@pytest.mark.parametrize("address", ["4318", "localhost", "localhost:port", ":4318", "127.0.0.1:70000"])
def test_an_unreadable_address_is_named(listen: Listen, address: str) -> None:
    """What is no host:port is told with its key."""
    with pytest.raises(ConfigError, match=r"sources\.otlp\.http"):
        listen(http=address)
