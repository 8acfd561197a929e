"""What watches an endpoint: its configured detectors, or the usual ones, with its share of the alarm budget."""

from collections.abc import Mapping
from dataclasses import fields, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from agent.config import Columns, Endpoint
from agent.registry import component
from detectors.drift.drift import Drift
from detectors.drift.endpoint_drift import EndpointDrift
from detectors.quality.retrieval_drift import RetrievalDrift
from detectors.types import Detector

if TYPE_CHECKING:
    from detectors.decay.decay import Decay

USUAL = ("usage", "safety", "drift", "data_quality", "latency", "retrieval", "tools", "conversations")
"""Detectors of an endpoint that names none."""


def detectors_of(endpoint: Endpoint, deployments: int) -> Mapping[str, Detector[Any]]:
    """Return component id to detector; the endpoint's alarm budget is divided among its deployments.

    Rows that bring their label are watched for decay, unless detectors are named. A drift detector with `thresholds` brings a second one, which looks at kept rows and has a state of its own; one of an endpoint that may be sent metrics brings one for those, and one for searches.
    """
    chosen = endpoint.detectors or _usual()
    if not endpoint.detectors and endpoint.columns.label is not None:
        chosen = {**chosen, "decay": component("detectors", "decay")()}
    if endpoint.sampled and not any(isinstance(one, component("detectors", "text")) for one in chosen.values()):
        chosen = {**chosen, "text": component("detectors", "text")()}
    kinds = {name.partition("/")[0] for name in chosen}
    if "safety" in kinds and "attacks" not in kinds:
        chosen = {**chosen, "attacks": component("detectors", "attacks")()}
    budget = endpoint.alarm_budget.per_30_days / deployments
    named = _named(endpoint.columns)
    found = {name: _adjusted(detector, endpoint, budget, named) for name, detector in chosen.items()}
    if endpoint.labels is not None:
        from detectors.decay.decay import Decay  # noqa: PLC0415 - most endpoints expect no labels

        # Its labels come later, and are counted when they do.
        found = {name: detector for name, detector in found.items() if not isinstance(detector, Decay)}
    for name, detector in tuple(found.items()):
        if isinstance(detector, Drift) and endpoint.source is None:
            found[f"metrics/{name}"] = EndpointDrift(detector)
            found[f"retrieval/{name}"] = RetrievalDrift(detector)
        if isinstance(detector, Drift) and detector.thresholds is not None:
            from detectors.drift.parity.detector import Parity  # noqa: PLC0415 - only for who moves over from another product

            found[f"{name}/{detector.thresholds}"] = Parity(detector.thresholds, detector.features)
    return found


def late_decay(endpoint: Endpoint, deployments: int) -> "tuple[str, Decay] | None":
    """Return id and detector of decay as an endpoint whose labels come later has it configured, or the usual one; None for any other."""
    if endpoint.labels is None:
        return None
    from detectors.decay.decay import Decay  # noqa: PLC0415 - as above

    configured = ((name, one) for name, one in endpoint.detectors.items() if isinstance(one, Decay))
    name, found = next(configured, ("decay", Decay()))
    if found.task == "auto" and endpoint.columns.probability is not None:
        # A window whose labelled rows happen to lack their probability is no regression.
        found = replace(found, task="classification")
    return name, _adjusted(found, endpoint, endpoint.alarm_budget.per_30_days / deployments, ())


def watchers(endpoint: Endpoint) -> Mapping[str, Any]:
    """Return every detector that may begin from a reference: those of its windows, and that of labels that come later."""
    late = late_decay(endpoint, 1)
    return {**detectors_of(endpoint, 1), **({} if late is None else dict([late]))}


@lru_cache(maxsize=1)
def _usual() -> Mapping[str, Any]:
    return {name: component("detectors", name)() for name in USUAL}


def _named(columns: Columns) -> tuple[str, ...]:
    """Return what the detectors call the columns whose categories may be named."""
    return tuple("prediction" if column == columns.prediction else column for column in columns.categorical)


def _adjusted(detector: Any, endpoint: Endpoint, budget: float, named: tuple[str, ...]) -> Any:
    if isinstance(detector, Drift):
        detector = replace(detector, pages=endpoint.reference.pages, named=named)
    names = {item.name for item in fields(detector)}
    if {"exclude", "holidays"} <= names:
        detector = replace(detector, exclude=endpoint.reference.exclude, holidays=endpoint.reference.holidays)
    given = {"budget": budget, "input": endpoint.input}
    return replace(detector, **{name: value for name, value in given.items() if name in names})
