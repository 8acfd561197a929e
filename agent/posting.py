"""Posts to a web hook somebody configured: which addresses are none, and which answers mean later or never."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from agent.cut_off import cut_off
from agent.errors import ConfigError, Permanent, Transient

_BLOCKED_HOSTS = {"169.254.169.254", "168.63.129.16"}
"""Azure's metadata and wire servers answer to anybody on the machine: never a receiver."""

LATER = frozenset({401, 403, 404, 408, 425, 429})
"""A wrong token or address is mended by somebody, and what is told must not be lost until then."""
REDIRECTS = frozenset({301, 302, 303, 307, 308})
"""Never followed: what is told goes where the configuration says. For what must arrive they are a wrong address."""


_STEPS = 4
"""A call is cut off after so many times its timeout, which httpx counts anew at every step: name, connection, sending, each byte that comes."""


def host_of(url: str, key: str = "url") -> str:
    """Return the host of an address to post to. Raises ConfigError, without the address: it may hold a token."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        host = None
    if host is None or parts.scheme not in {"http", "https"}:
        raise ConfigError(f"{key}: must start with https:// (or http://) and name a host")
    if host in _BLOCKED_HOSTS or host.startswith("169.254."):
        raise ConfigError(f"{key}: {host} is a metadata address of the cloud, not a receiver")
    return host


def client(timeout: float, transport: Any = None) -> Any:
    """Return an httpx client; `transport` is an httpx transport, for tests."""
    import httpx  # noqa: PLC0415 - only where something is posted

    return httpx.Client(timeout=timeout, follow_redirects=False, transport=transport, trust_env=False)


def post(opened: Any, what: str, url: str, body: bytes, headers: Mapping[str, str], later: frozenset[int] = LATER) -> None:
    """Post a body with a client. Raises Transient where it may succeed later (5xx, `later`, no answer), Permanent where it never will.

    `what` names the other side in errors; they never show its address.
    """
    import httpx  # noqa: PLC0415 - loaded already where this is called

    try:
        with (
            cut_off(_STEPS * (opened.timeout.read or 0)) as trace,
            opened.stream("POST", httpx.URL(url), content=body, headers=headers, extensions={"trace": trace}) as response,
        ):
            status, retry_after = response.status_code, response.headers.get("Retry-After", "")
    except httpx.HTTPError as error:
        raise Transient(f"{what} cannot be reached: {type(error).__name__}") from error
    said = f"{what} answered {status}"
    if status in REDIRECTS:
        said += ": it is at another address, which is not followed; write that one"
    if status >= 500 or status in later:
        raise Transient(said, float(retry_after) if retry_after.isascii() and retry_after.isdigit() else None)
    if status >= 300:
        raise Permanent(said)
