"""What the store knows of the performance of an endpoint's windows: labelled late or with their rows, and estimated before."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import nan
from typing import Any

from agent.labels.realised import LABEL_DRIFT, TRUST
from agent.store.store import Store
from detectors.catalog import (
    DRIFT_SEVERITY,
    LABELS_COVERAGE,
    MODEL_DECAY_SEVERITY,
    MODEL_ESTIMATE_TRUST,
    MODEL_PART_PERFORMANCE,
    MODEL_PART_PERFORMANCE_LOWER,
    MODEL_PART_PERFORMANCE_UPPER,
    MODEL_PERFORMANCE_SAMPLES,
)
from detectors.decay.trust import Bounded
from detectors.decay.trusting import bounded_from
from detectors.decay.words import LABEL
from detectors.types import Stream

_PART = (MODEL_PART_PERFORMANCE.name, MODEL_PART_PERFORMANCE_LOWER.name, MODEL_PART_PERFORMANCE_UPPER.name)
Row = tuple[str, float, Mapping[str, Any]]
"""A score as the store keeps it: name of the metric, value, attributes."""


@dataclass(slots=True)
class Seen:
    """One window."""

    realised: dict[str, Bounded] = field(default_factory=dict)
    estimated: dict[str, Bounded] = field(default_factory=dict)
    parts: dict[tuple[str, str], dict[str, Bounded]] = field(default_factory=dict)
    """Segment column (or `class`) and value, to its metrics."""
    labels: int = 0
    coverage: float = nan
    severities: dict[str, float] = field(default_factory=dict)
    """How far errors had risen, by method."""
    moved: float = nan
    """How far the mix of the labels had."""
    doubted: set[str] = field(default_factory=set)
    """Metrics whose estimates labels contradict."""


History = Mapping[Stream, Mapping[int, Seen]]


def history(store: Store, endpoint: str, deployment: str | None) -> History:
    """Return every window with a realised or an estimated value, by stream and start in nanoseconds."""
    found: dict[Stream, dict[int, Seen]] = {}

    def window(stream: Stream, start: int) -> Seen:
        return found.setdefault(stream, {}).setdefault(start, Seen())

    for closed in store.windows(endpoint, 0, 2**62):
        rows = [(name, value, attributes) for name, value, attributes in closed.value["scores"]]
        if any(row[0].startswith("driftline.model.") for row in rows):
            _add(window(closed.stream, closed.start), rows)
    for stored, _ in store.realised(endpoint):
        # Versions come in order: the last one stays.
        seen = window(stored.stream, stored.start)
        seen.realised, seen.parts = {}, {}
        _add(seen, stored.value["scores"])
    for (stream, start), severities in store.severities(endpoint).items():
        if severities:
            _note(window(stream, start), severities)
    chosen = {stream: windows for stream, windows in found.items() if deployment in {None, stream.deployment}}
    return {
        stream: dict(sorted(windows.items())) for stream, windows in sorted(chosen.items()) if any(one.realised for one in windows.values())
    }


def _add(seen: Seen, rows: Iterable[Row]) -> None:
    kept = list(rows)
    seen.realised |= bounded_from(kept, "realised")
    seen.estimated |= bounded_from(kept, "estimated")
    parts: dict[tuple[str, str], dict[str, list[float]]] = {}
    for name, value, about in kept:
        if name in _PART:
            row = parts.setdefault((about["part"], about["value"]), {}).setdefault(about["metric"], [nan, nan, nan])
            row[_PART.index(name)] = value
        elif name == MODEL_PERFORMANCE_SAMPLES.name and about["basis"] == "realised":
            seen.labels = int(value)
        elif name == LABELS_COVERAGE.name:
            seen.coverage = value
        elif name == MODEL_DECAY_SEVERITY.name:
            seen.severities[about["method"]] = value
        elif name == DRIFT_SEVERITY.name and about["kind"] == LABEL:
            seen.moved = value
        elif name == MODEL_ESTIMATE_TRUST.name and about["status"] == "not_trustworthy" and value:
            seen.doubted.add(about["metric"])
    seen.parts |= {part: {metric: Bounded(*row) for metric, row in metrics.items()} for part, metrics in parts.items()}


def _note(seen: Seen, severities: Mapping[str, float]) -> None:
    for name, value in severities.items():
        if name == LABEL_DRIFT:
            seen.moved = value
        elif name.startswith(TRUST):
            if value < 0:
                seen.doubted.add(name.removeprefix(TRUST))
        else:
            seen.severities[name] = value
