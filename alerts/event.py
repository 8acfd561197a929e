"""What is worth telling: an alert that fired or resolved, a change of what answers, or what a judge said of one answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from detectors.types import Level


@dataclass(frozen=True, slots=True)
class Event:
    """One transition. The id is the same however often the transition is computed again."""

    id: str
    kind: Literal["alert", "change", "evaluation"]
    name: str
    """The alert's rule (`drift`, `safety_rate`, …), what changed (`model`, `version`, …), `retraining`, or the evaluator."""
    state: Literal["fired", "resolved", "changed", "requested", "judged"]
    severity: Level
    time: datetime
    started: datetime
    """When the condition began; equals `time` for changes; when the judged call ended."""
    attributes: Mapping[str, str]
    """endpoint, deployment, traffic."""
    values: Mapping[str, float] = field(default_factory=dict)
    """Numbers a receiver may chart: severity, threshold, samples, features."""
    details: Mapping[str, str] = field(default_factory=dict)
    """Text a person reads: window_start, window_end, feature, reference_status, …; never prompt or completion."""
    summary: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    """The evidence a called system is given, as JSON; where events are only shown it is left out."""
