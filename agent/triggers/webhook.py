"""A request to train a model anew, posted to a web hook as one CloudEvent."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from annotated_types import Gt

from agent.posting import LATER, REDIRECTS, client, host_of, post
from agent.secret import Secret
from agent.triggers import Trigger
from agent.triggers.cloud_event import ONE, cloud_event
from agent.triggers.signature import headers, key_of
from alerts.event import Event


@dataclass(frozen=True, slots=True)
class Webhook:
    """Posts a CloudEvent (structured mode) with its id as Idempotency-Key; any 2xx means it was taken."""

    url: Secret
    """Where to POST; often holds a token."""
    header: Secret | None = None
    """Value of the Authorization header, such as `Bearer …`."""
    secret: Secret | None = None
    """Signs each call as Standard Webhooks do; `whsec_` and a key of 24 to 64 bytes as base64."""
    timeout: Annotated[float, Gt(0)] = 10.0
    """Seconds."""

    def check(self) -> None:
        """Raise ConfigError for an unusable URL or secret."""
        host_of(str(self.url))
        if self.secret is not None:
            key_of(str(self.secret))

    def open(self, transport: Any = None, clock: Callable[[], float] = time.time) -> Trigger:
        """Return the trigger; `transport` is an httpx transport and `clock` gives seconds since 1970, for tests."""
        self.check()
        return _WebhookTrigger(self, transport, None if self.secret is None else key_of(str(self.secret)), clock)


@dataclass(slots=True)
class _WebhookTrigger:
    options: Webhook
    transport: Any
    key: bytes | None
    clock: Callable[[], float]

    def call(self, event: Event) -> None:
        """Post one request."""
        body = orjson.dumps(cloud_event(event))
        sent = {"Content-Type": ONE, "Idempotency-Key": event.id}
        if self.options.header is not None:
            sent["Authorization"] = str(self.options.header)
        if self.key is not None:
            sent |= headers(self.key, event.id, int(self.clock()), body)
        with client(self.options.timeout, self.transport) as opened:
            post(opened, "the web hook for retraining", str(self.options.url), body, sent, LATER | REDIRECTS)
