"""Signs what is posted, as Standard Webhooks do, so that a receiver can tell who sent it and that nobody changed it."""

import base64
import binascii
import hashlib
import hmac

from agent.errors import ConfigError

PREFIX = "whsec_"
_LEAST, _MOST = 24, 64
"""Bytes of a key, as the specification has them."""


def key_of(secret: str) -> bytes:
    """Return the key in a secret. Raises ConfigError, without the secret."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or not _LEAST <= len(key) <= _MOST:
        raise ConfigError(
            f"secret: must be {PREFIX} and {_LEAST} to {_MOST} bytes as base64; make one with: echo {PREFIX}$(openssl rand -base64 32)"
        )
    return key


def headers(key: bytes, message: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the headers of a body sent now (`timestamp`, seconds since 1970); `message` stays the same when it is sent again.

    Source: github.com/standard-webhooks/standard-webhooks, symmetric signatures (v1).
    """
    digest = hmac.new(key, f"{message}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook-id": message,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
