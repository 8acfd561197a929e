"""Which name in a config means which component: the built-ins below, and entry points of other packages."""

from importlib.metadata import entry_points
from pkgutil import resolve_name
from typing import Any, Literal

from agent.errors import ConfigError

Group = Literal["detectors", "sources", "sinks", "notifiers", "triggers", "enrichers", "recognisers", "targets", "evaluators"]

BUILT_IN: dict[Group, dict[str, str]] = {
    "detectors": {
        "usage": "detectors.usage.usage:Usage",
        "latency": "detectors.usage.latency_shift:LatencyShift",
        "safety": "detectors.safety.safety:Safety",
        "attacks": "detectors.safety.attacks:Attacks",
        "drift": "detectors.drift.drift:Drift",
        "text": "detectors.quality.text_signals:TextSignals",
        "retrieval": "detectors.quality.retrieval:Retrieval",
        "tools": "detectors.usage.tools:Tools",
        "conversations": "detectors.quality.conversations:Conversations",
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
    "recognisers": {
        "azure_language": "agent.redaction.recognisers.azure_language:AzureLanguage",
        "presidio": "agent.redaction.recognisers.presidio:Presidio",
    },
    "targets": {
        "azure_openai": "agent.golden.targets.chat:AzureOpenai",
        "openai": "agent.golden.targets.chat:Openai",
        "azureml": "agent.golden.targets.scoring:Azureml",
        "databricks": "agent.golden.targets.scoring:Databricks",
    },
    "evaluators": {
        "exact": "agent.golden.evaluators.matching:Exact",
        "contains": "agent.golden.evaluators.matching:Contains",
        "classification": "agent.golden.evaluators.matching:Classification",
        "alike": "agent.golden.evaluators.matching:Alike",
        "numbers": "agent.golden.evaluators.matching:Numbers",
        "pattern": "agent.golden.evaluators.form:Pattern",
        "json": "agent.golden.evaluators.form:Json",
        "length": "agent.golden.evaluators.form:Length",
        "complete": "agent.golden.evaluators.form:Complete",
        "willing": "agent.golden.evaluators.form:Willing",
        "overlap": "agent.golden.evaluators.form:Overlap",
        "coherence": "agent.golden.evaluators.judged:Coherence",
        "fluency": "agent.golden.evaluators.judged:Fluency",
        "groundedness": "agent.golden.evaluators.judged:Groundedness",
        "relevance": "agent.golden.evaluators.judged:Relevance",
        "similarity": "agent.golden.evaluators.judged:Similarity",
        "classification_accuracy": "agent.golden.evaluators.judged:ClassificationAccuracy",
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
