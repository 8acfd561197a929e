"""Events to a web hook as Azure's common alert schema, so that receivers of Azure alerts understand them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson

from agent.errors import ConfigError, Permanent, Transient
from agent.point import Point
from agent.secret import Secret
from agent.sinks import Sink
from alerts.common_schema import payload
from alerts.event import Event

_BLOCKED_HOSTS = {"169.254.169.254", "168.63.129.16"}
"""Azure's metadata and wire servers answer to anybody on the machine: never a receiver."""

_LATER = {401, 403, 404, 408, 425, 429}
"""A wrong token or address is mended by somebody, and the page must not be lost until then."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """Options of the notifier `webhook`."""

    url: Secret
    """Where to POST; often holds a token."""
    header: Secret | None = None
    """Value of the Authorization header."""
    timeout: float = 10.0
    """Seconds."""
    alerts_only: bool = True
    """Leave out changes of model or deployment."""

    def check(self) -> None:
        """Raise ConfigError for an unusable URL."""
        try:
            url = urlsplit(str(self.url))
            host = url.hostname
        except ValueError:
            host = None
        if host is None or url.scheme not in {"http", "https"}:
            raise ConfigError("url: must start with https:// (or http://) and name a host")
        if host in _BLOCKED_HOSTS or host.startswith("169.254."):
            raise ConfigError(f"url: {host} is a metadata address of the cloud, not a receiver")

    def open(self, transport: Any = None) -> Sink:
        """Return the notifier; `transport` is an httpx transport, for tests. Raises ConfigError for an unusable URL."""
        import httpx  # noqa: PLC0415 - only where a web hook is configured

        self.check()
        url = httpx.URL(str(self.url))
        headers = {"Content-Type": "application/json", **({"Authorization": str(self.header)} if self.header else {})}
        client = httpx.Client(timeout=self.timeout, follow_redirects=False, headers=headers, transport=transport, trust_env=False)
        return _WebhookNotifier(lambda body, key: _post(client, str(url), body, key), client.close, alerts_only=self.alerts_only)


@dataclass(slots=True)
class _WebhookNotifier:
    post: Callable[[bytes, str], None]
    let_go: Callable[[], None]
    alerts_only: bool
    _delivered: set[str] = field(init=False, default_factory=set)

    def write(self, points: Sequence[Point], events: Sequence[Event]) -> Sequence[int]:  # noqa: ARG002 - a notifier has no use for points
        """Send each event once; the receiver can tell repeats by the Idempotency-Key."""
        for event in events:
            if event.id in self._delivered or (self.alerts_only and event.kind != "alert"):
                continue
            self.post(orjson.dumps(payload(event)), event.id)
            self._delivered.add(event.id)
        # Of a stretch refused as a whole, what was taken comes again entry by entry: the others' ids stay.
        self._delivered.difference_update(event.id for event in events)
        return ()

    def close(self) -> None:
        """Close connections."""
        self.let_go()


def _post(client: Any, url: str, body: bytes, key: str) -> None:
    import httpx  # noqa: PLC0415 - loaded already where this is called

    try:
        with client.stream("POST", url, content=body, headers={"Idempotency-Key": key}) as response:
            status, retry_after = response.status_code, response.headers.get("Retry-After", "")
    except httpx.HTTPError as error:
        raise Transient(f"web hook cannot be reached: {type(error).__name__}") from error
    if status >= 500 or status in _LATER:
        raise Transient(f"web hook answered {status}", float(retry_after) if retry_after.isascii() and retry_after.isdigit() else None)
    if status >= 300:
        raise Permanent(f"web hook answered {status}")
