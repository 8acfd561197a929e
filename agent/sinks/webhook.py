"""Events to a web hook as Azure's common alert schema, so that receivers of Azure alerts understand them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from agent.point import Point
from agent.posting import client, host_of, post
from agent.secret import Secret
from agent.sinks import Sink
from alerts.common_schema import payload
from alerts.event import Event


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
        host_of(str(self.url))

    def open(self, transport: Any = None) -> Sink:
        """Return the notifier; `transport` is an httpx transport, for tests. Raises ConfigError for an unusable URL."""
        self.check()
        opened = client(self.timeout, transport)
        headers = {"Content-Type": "application/json", **({"Authorization": str(self.header)} if self.header else {})}

        def send(body: bytes, key: str) -> None:
            post(opened, "web hook", str(self.url), body, {**headers, "Idempotency-Key": key})

        return _WebhookNotifier(send, opened.close, alerts_only=self.alerts_only)


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
