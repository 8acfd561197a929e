"""Who is called when a model is to be trained anew: each endpoint's trigger takes its own requests out of the outbox, at least once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from agent.config import Config
from agent.point import Point
from agent.sinks import Sink
from alerts.event import Event
from alerts.retraining_event import NAME


class Trigger(Protocol):
    """Calls what trains models. It holds nothing open: hundreds of endpoints may have one, and call once in a while."""

    def call(self, event: Event) -> None:
        """Deliver a request; its id is the idempotency key. Raises Transient or Permanent."""
        ...


@dataclass(frozen=True, slots=True)
class Triggered:
    """The trigger of one endpoint, as a sink that takes nothing but the endpoint's requests."""

    endpoint: str
    options: Any

    def open(self) -> Sink:
        """Return the sink. Raises ConfigError for options that cannot be used."""
        return _TriggerSink(self.endpoint, self.options.open())


@dataclass(slots=True)
class _TriggerSink:
    endpoint: str
    trigger: Trigger

    def write(self, points: Sequence[Point], events: Sequence[Event]) -> Sequence[int]:  # noqa: ARG002 - there is nothing in numbers to call for
        """Call once for each request; one that comes again, as another in its stretch failed, is called for again under its key."""
        for event in events:
            if event.name == NAME and event.attributes.get("endpoint") == self.endpoint:
                self.trigger.call(event)
        return ()

    def close(self) -> None:
        """Nothing to let go of."""


def triggered(config: Config) -> dict[str, Triggered]:
    """Return the trigger of each endpoint that has one, by its name in the outbox: that stays when its address is mended."""
    wanted = {name: endpoint.retraining.trigger for name, endpoint in config.endpoints.items() if endpoint.retraining is not None}
    return {f"{NAME}/{name}": Triggered(name, trigger) for name, trigger in wanted.items() if trigger is not None}
