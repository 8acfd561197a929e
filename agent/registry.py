"""Which name in a config means which component: the built-ins below, and entry points of other packages."""

from importlib.metadata import entry_points
from pkgutil import resolve_name
from typing import Any, Literal

from agent.errors import ConfigError

Group = Literal["detectors", "sources", "sinks", "notifiers", "triggers", "enrichers"]

BUILT_IN: dict[Group, dict[str, str]] = {
    "detectors": {
        "usage": "detectors.usage.usage:Usage",
        "latency": "detectors.usage.latency_shift:LatencyShift",
        "safety": "detectors.safety.safety:Safety",
        "drift": "detectors.drift.drift:Drift",
        "text": "detectors.quality.text_signals:TextSignals",
        "data_quality": "detectors.quality.data_quality:DataQuality",
        "decay": "detectors.decay.decay:Decay",
        "performance": "detectors.decay.confidence_based:ConfidenceBased",
        "regression_performance": "detectors.decay.direct_loss:DirectLoss",
    },
    "sources": {
        "otlp": "agent.sources.otlp.source:Otlp",
        "collector": "agent.sources.collector:Collector",
        "azureml_blobs": "agent.sources.azureml_blobs:AzuremlBlobs",
        "files": "agent.sources.files:Files",
        "labels": "agent.sources.labels:LabelIntake",
    },
    "sinks": {
        "azure_monitor": "agent.sinks.azure_monitor:AzureMonitor",
        "prometheus": "agent.sinks.prometheus:Prometheus",
        "json_lines": "agent.sinks.json_lines:JsonLines",
    },
    "notifiers": {
        "webhook": "agent.sinks.webhook:Webhook",
        "log": "agent.sinks.log:Log",
    },
    "triggers": {
        "webhook": "agent.triggers.webhook:Webhook",
        "event_grid": "agent.triggers.event_grid:EventGrid",
    },
    "enrichers": {
        "text": "agent.enrichers.text:Text",
        "image": "agent.enrichers.image:Image",
        "embedding": "agent.enrichers.embedding:Embedding",
    },
}


def names(group: Group) -> list[str]:
    """Return every known component name of a group, sorted."""
    return sorted(_table(group))


def component(group: Group, name: str) -> type[Any]:
    """Return the component class of a name, importing it. Raises ConfigError for an unknown name."""
    table = _table(group)
    if name not in table:
        message = f"{group}: unknown '{name}'; known: {', '.join(sorted(table))}"
        raise ConfigError(message)
    found: type[Any] = resolve_name(table[name])
    return found


def _table(group: Group) -> dict[str, str]:
    table = dict(BUILT_IN[group])
    for point in entry_points(group=f"driftline.{group}"):
        if point.name in table:
            message = f"{group}: '{point.name}' ({point.value}) is already taken by {table[point.name]}"
            raise ConfigError(message)
        table[point.name] = point.value
    return table
