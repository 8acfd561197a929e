"""Azure Monitor through Application Insights: gauges, counters, one custom event an alert transition and one a judged answer.

The stock exporters do the writing; retries, order and storage stay with the outbox, so nothing is kept twice.
"""

import json
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agent.errors import ConfigError, Permanent, Transient
from agent.point import Point
from agent.secret import Secret
from agent.sinks import Sink
from agent.sinks.azure_exporter import exporters
from alerts import evaluation_event
from alerts.event import Event
from detectors.types import Plain

if TYPE_CHECKING:
    from agent.sinks.azure_answer import Answer

_LATER = {401, 403, 408, 429, 500, 502, 503, 504}
_QUOTA = {402, 439}
"""Over quota: the service drops what is sent, so keep it and come back later."""
_QUOTA_WAIT = 600.0
_READ_SECONDS = 20
"""For an answer; azure-core waits five minutes by default, and the end of the agent would wait for it."""


@dataclass(frozen=True, slots=True)
class AzureMonitor:
    """Options of the sink `azure_monitor`."""

    connection_string: Secret
    """Of the Application Insights resource."""
    credential: str | None = None
    """`managed_identity` or `default` for Entra ID (role Monitoring Metrics Publisher); left out: the key alone."""
    role: str = "driftline"
    """Shown as AppRoleName."""
    gzip: bool = True
    """Compress requests."""
    batch: int = 1000
    """Points, or events, a request."""
    ca_file: str | None = None
    """A certificate authority to trust, for proxies that open TLS."""

    def open(self) -> Sink:
        """Import the exporter and return the sink. Raises ConfigError for an unusable connection string."""
        return _AzureMonitorSink(self)


@dataclass(slots=True)
class _AzureMonitorSink:
    options: AzureMonitor
    _metrics: Any = field(init=False)
    _logs: Any = field(init=False)
    _answer: "Answer" = field(init=False)
    _resource: Any = field(init=False)
    _delivered: set[tuple[Any, ...]] = field(init=False, default_factory=set)
    """What the service took of a write that has to be tried again."""

    def __post_init__(self) -> None:
        metric_exporter, log_exporter = exporters()
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415

        from agent.sinks.azure_answer import Answer  # noqa: PLC0415

        self._answer = Answer(compress=self.options.gzip)
        settings: dict[str, Any] = {
            "connection_string": str(self.options.connection_string),
            "credential": _credential(self.options.credential),
            "disable_offline_storage": True,
            "retry_total": 0,
            "max_envelopes_per_second": 0,
            "read_timeout": _READ_SECONDS,
            "custom_hook_policy": self._answer,
        }
        if self.options.ca_file:
            settings["connection_verify"] = self.options.ca_file
        try:
            self._metrics = metric_exporter(**settings)
            self._logs = log_exporter(**settings)
        except ValueError as error:
            raise ConfigError(
                f"sinks.azure_monitor.connection_string: {error}; copy it from the Application Insights resource's overview page"
            ) from error
        self._resource = Resource({"service.name": self.options.role, "service.instance.id": socket.gethostname()})

    def write(self, points: Sequence[Point], events: Sequence[Event]) -> Sequence[int]:
        """Send what has not been taken yet; what is refused for good is returned by index, points before events."""
        from agent.sinks.otel import metrics_data  # noqa: PLC0415

        refused: list[int] = []
        waiting = [(index, point) for index, point in enumerate(points) if _key(point) not in self._delivered]
        for start in range(0, len(waiting), self.options.batch):
            chunk = waiting[start : start + self.options.batch]
            self._answer.forget()
            self._metrics.export(metrics_data([point for _, point in chunk], self._resource))
            rejected = self._settle([_key(point) for _, point in chunk])
            refused += [chunk[position][0] for position in rejected]
        fresh = [(index, event) for index, event in enumerate(events, len(points)) if (event.id,) not in self._delivered]
        for start in range(0, len(fresh), self.options.batch):
            several = fresh[start : start + self.options.batch]
            self._answer.forget()
            self._logs.export([_record(event, self._resource) for _, event in several])
            rejected = self._settle([(event.id,) for _, event in several])
            refused += [several[position][0] for position in rejected]
        # Of a stretch refused as a whole, what was taken comes again entry by entry: the others' keys stay.
        self._delivered.difference_update(map(_key, points), ((event.id,) for event in events))
        return refused

    def _settle(self, keys: Sequence[tuple[Any, ...]]) -> list[int]:
        """Note what was taken; return positions refused for good; raise for what is to be sent again."""
        answer = self._answer
        if answer.status is None:
            raise Transient("Azure Monitor cannot be reached")
        if answer.status in _QUOTA:
            raise Transient(f"Azure Monitor answered {answer.status}: over quota", _QUOTA_WAIT)
        if answer.status in _LATER:
            raise Transient(f"Azure Monitor answered {answer.status}", answer.retry_after)
        if answer.status not in {200, 206}:
            raise Permanent(f"Azure Monitor answered {answer.status}")
        rejected: list[int] = []
        again: list[int] = []
        for position, status in answer.errors:
            (again if status in _LATER | _QUOTA else rejected).append(position)
        left = set(again)
        self._delivered.update(key for position, key in enumerate(keys) if position not in left)
        if again:
            raise Transient(f"Azure Monitor wants {len(again)} of {len(keys)} items again", answer.retry_after)
        return rejected

    def close(self) -> None:
        """Close both exporters."""
        self._metrics.shutdown()
        self._logs.shutdown()


def _key(point: Point) -> tuple[Any, ...]:
    return (point.metric.name, point.attributes, point.time)


def _credential(kind: str | None) -> Any:
    if kind is None:
        return None
    from azure.identity import DefaultAzureCredential, ManagedIdentityCredential  # noqa: PLC0415

    known = {"managed_identity": ManagedIdentityCredential, "default": DefaultAzureCredential}
    if kind not in known:
        raise ConfigError(f"sinks.azure_monitor.credential: unknown '{kind}'; known: {', '.join(sorted(known))}")
    return known[kind]()


def event_properties(event: Event) -> Plain:
    """Return the properties of the custom event: text a rule or a person reads; the numbers are in its measurements.

    The message and severity of a log record do not reach Application Insights, so both stand here. What a judge said has
    neither; its score is a property too, as other tools that write `gen_ai.evaluation.result` have it.
    """
    if event.kind == "evaluation":
        told = {name: value for name, value in event.details.items() if name not in {evaluation_event.TRACE, evaluation_event.SPAN}}
        scores = {name: value for name, value in event.values.items() if name == evaluation_event.SCORE}
        return {"event_id": event.id, **event.attributes, **told, **scores}
    return {
        "event_id": event.id,
        "alert": event.name,
        "state": event.state,
        "alert_severity": event.severity,
        "started": event.started.isoformat(),
        "summary": event.summary,
        **event.attributes,
        **event.details,
    }


def _record(event: Event, resource: Any) -> Any:
    from opentelemetry._logs import LogRecord  # noqa: PLC0415
    from opentelemetry.sdk._logs import ReadableLogRecord  # noqa: PLC0415

    from agent.clock import to_nanoseconds  # noqa: PLC0415
    from agent.sinks.otel import SCOPE  # noqa: PLC0415

    attributes = {
        "microsoft.custom_event.name": evaluation_event.NAME if event.kind == "evaluation" else f"driftline.{event.kind}",
        "microsoft.custom_measurements": json.dumps(_finite(event.values.items())),
        **event_properties(event),
    }
    trace, span = (int(event.details.get(name) or "0", 16) for name in (evaluation_event.TRACE, evaluation_event.SPAN))
    record = LogRecord(timestamp=to_nanoseconds(event.time), trace_id=trace, span_id=span, body=event.summary, attributes=attributes)
    return ReadableLogRecord(record, resource, SCOPE)


def _finite(values: Iterable[tuple[str, float]]) -> dict[str, float]:
    return {name: value for name, value in values if value - value == 0}
