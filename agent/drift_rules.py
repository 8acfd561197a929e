"""Which detectors keep references of the drift rule: drift itself, and those that stand beside it with its options and count something else."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from agent.config import Endpoint
from agent.endpoint import detectors_of
from agent.errors import ConfigError
from agent.names import harmless
from detectors.drift.calendar import Days
from detectors.drift.drift import Drift
from detectors.types import Detector

_COUNTED = {"": "records", "metrics": "OTLP metrics", "retrieval": "searches"}


def beside(detector: str) -> str:
    """Return what a detector's id says of what it counts instead of records; empty: records.

    >>> beside("drift"), beside("drift/slow"), beside("metrics/drift"), beside("metrics/drift/slow")
    ('', '', 'metrics', 'metrics')
    """
    kind, slash, _ = detector.partition("/")
    return kind if slash and kind != "drift" else ""


def counted(detector: str) -> str:
    """Return what a detector counts, in words.

    >>> counted("drift"), counted("metrics/drift")
    ('records', 'OTLP metrics')
    """
    return _COUNTED.get(beside(detector), beside(detector))


def behind(detector: str) -> str:
    """Return what is said of a detector behind its stream: nothing where it counts records.

    >>> behind("drift"), behind("metrics/drift")
    ('', ', metrics/drift')
    """
    return f", {detector}" if beside(detector) else ""


def rule_of(detector: object) -> Drift | None:
    """Return the drift detector by whose options a detector keeps its references; None: it keeps none of these."""
    rule = detector if isinstance(detector, Drift) else getattr(detector, "drift", None)
    return rule if isinstance(rule, Drift) else None


def rules_of(endpoint: Endpoint, name: str | None = None) -> Mapping[str, Drift]:
    """Return component id to drift detector, all of an endpoint or the one of a name; that of records comes first.

    Raises ConfigError where there is none.
    """
    rules = {one: rule for one, detector in detectors_of(endpoint, 1).items() if (rule := rule_of(detector)) is not None}
    rules = dict(sorted(rules.items(), key=lambda item: beside(item[0])))
    if not rules:
        raise ConfigError(f"endpoints.{endpoint.name}.detectors: has no drift, so it needs no baseline")
    if name is None:
        return rules
    if name not in rules:
        raise ConfigError(
            f"--detector: '{harmless(name)}' of endpoint {endpoint.name} keeps no reference to accept; those that do: {', '.join(rules)}"
        )
    return {name: rules[name]}


def first_rule(endpoint: Endpoint) -> Drift:
    """Return the drift detector of an endpoint's records. Raises ConfigError where it has none."""
    return next(iter(rules_of(endpoint).values()))


def without(detector: Drift, days: tuple[Days, ...]) -> Drift:
    """Return a drift detector that keeps these days out of its references too."""
    return replace(detector, exclude=(*detector.exclude, *days)) if days else detector


def watching_without(detector: Detector[Any], days: tuple[Days, ...]) -> Any:
    """Return the same of any detector; one that keeps no such references stays as it is."""
    rule = rule_of(detector)
    if rule is None:
        return detector
    cut = without(rule, days)
    return cut if rule is detector else replace(detector, drift=cut)  # type: ignore[type-var]  # a component is a dataclass
