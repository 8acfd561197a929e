"""Signatures are those of Standard Webhooks."""

import base64

import pytest

from agent.errors import ConfigError
from agent.triggers.signature import headers, key_of


def test_the_published_example() -> None:
    """Secret, message, time, body and signature as the specification's own libraries are tested with."""
    key = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    assert headers(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}') == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def secret(size: int) -> str:
    return "whsec_" + base64.b64encode(b"k" * size).decode()


@pytest.mark.parametrize("wrong", ["", "whsec_", "hunter2", "whsec_hunter2!", secret(23), secret(65), secret(32).removeprefix("whsec_")])
def test_a_weak_or_broken_secret_is_refused(wrong: str) -> None:
    """The error says how to make one, and does not show this one."""
    with pytest.raises(ConfigError, match="openssl rand") as raised:
        key_of(wrong)

    assert "hunter2" not in str(raised.value)


def test_keys_of_every_allowed_length_are_taken() -> None:
    """24 to 64 bytes."""
    assert [len(key_of(secret(size))) for size in (24, 32, 64)] == [24, 32, 64]
