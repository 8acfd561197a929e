"""A request to train a model anew as a CloudEvent 1.0 in JSON: what web hooks and Azure Event Grid take."""

from datetime import UTC
from typing import Any
from urllib.parse import quote

from alerts.event import Event

TYPE = "driftline.retraining.requested"

ONE = "application/cloudevents+json; charset=utf-8"
"""Media type of one event (CloudEvents 1.0.2, JSON format, 3)."""
BATCH = "application/cloudevents-batch+json; charset=utf-8"
"""Media type of a list of events (the same, 4)."""


def cloud_event(event: Event) -> dict[str, Any]:
    """Return the event with its evidence. `source` and `id` name it: one delivered again has both the same.

    Schema: github.com/cloudevents/spec, CloudEvents 1.0.2 and its JSON format.
    """
    endpoint, deployment = event.attributes["endpoint"], event.attributes["deployment"]
    return {
        "specversion": "1.0",
        "id": event.id,
        "source": f"/driftline/endpoints/{quote(endpoint, safe='')}",
        "type": TYPE,
        "subject": _printable(f"{endpoint}/{deployment}"),
        "time": event.time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": dict(event.data),
    }


def _printable(text: str) -> str:
    """Return a text without the control characters that no attribute may hold."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
