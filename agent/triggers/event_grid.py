"""A request to train a model anew, published to a custom topic of Azure Event Grid."""

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import orjson
from annotated_types import Gt

from agent.address import is_loopback
from agent.errors import ConfigError, Transient
from agent.posting import LATER, REDIRECTS, client, host_of, post
from agent.secret import Secret
from agent.triggers import Trigger
from agent.triggers.cloud_event import BATCH, cloud_event
from alerts.event import Event

SCOPE = "https://eventgrid.azure.net/.default"
"""What a token of Entra ID is asked for."""
VERSION = "2018-01-01"
"""Of the publishing interface."""

_LATER = LATER | REDIRECTS | {400}
"""A topic made for another schema answers 400 to every CloudEvent until somebody makes it anew."""


@dataclass(frozen=True, slots=True)
class EventGrid:
    """Publishes a CloudEvent to a custom topic whose input schema is CloudEvents 1.0."""

    endpoint: str
    """Of the topic, as `az eventgrid topic show --query endpoint` says: https://NAME.REGION-1.eventgrid.azure.net/api/events."""
    key: Secret | None = None
    """An access key of the topic; left out: the agent's Azure identity, which needs the role EventGrid Data Sender."""
    timeout: Annotated[float, Gt(0)] = 10.0
    """Seconds."""

    def check(self) -> None:
        """Raise ConfigError for an endpoint that cannot be a topic's."""
        host = host_of(self.endpoint, "endpoint")
        parts = urlsplit(self.endpoint)
        if parts.scheme != "https" and not is_loopback(host):
            raise ConfigError("endpoint: must start with https://, or the key is sent in the clear")
        if parts.path.rstrip("/") != "/api/events":
            raise ConfigError(f"endpoint: must end with /api/events, not {parts.path or '/'}; only topics of Event Grid Basic are known")

    def open(self, transport: Any = None, credential: Any = None) -> Trigger:
        """Return the trigger; `transport` (of httpx) and `credential` (of azure-identity) are for tests."""
        self.check()
        return _EventGridTrigger(self, transport, credential)


@dataclass(slots=True)
class _EventGridTrigger:
    options: EventGrid
    transport: Any
    credential: Any

    def call(self, event: Event) -> None:
        """Publish one request; 200 means that Event Grid keeps it."""
        parts = urlsplit(self.options.endpoint)
        query = urlencode({"api-version": VERSION} | dict(parse_qsl(parts.query)))
        headers = {"Content-Type": BATCH, **self._authorization()}
        with client(self.options.timeout, self.transport) as opened:
            post(opened, "Event Grid", parts._replace(query=query).geturl(), orjson.dumps([cloud_event(event)]), headers, _LATER)

    def _authorization(self) -> dict[str, str]:
        if self.options.key is not None:
            return {"aeg-sas-key": str(self.options.key)}
        from azure.core.exceptions import AzureError  # noqa: PLC0415 - only where an identity is used

        if self.credential is None:
            from azure.identity import DefaultAzureCredential  # noqa: PLC0415 (a second to import, needed only here)

            self.credential = DefaultAzureCredential(exclude_interactive_browser_credential=True)
        try:
            return {"Authorization": f"Bearer {self.credential.get_token(SCOPE).token}"}
        except AzureError as error:
            raise Transient(f"Event Grid: the agent's Azure identity gives no token: {type(error).__name__}") from error
