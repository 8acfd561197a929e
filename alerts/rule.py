"""What a rule reads of one stream, and what it says of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar, Protocol

from detectors.catalog import Metric
from detectors.types import Finding, Level, Score, Stream, Window

ALL = "__all__"
"""Deployment and traffic of what is said of a whole endpoint."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What is known of one stream at one moment: a closed window's scores and findings, or the age of its newest record."""

    stream: Stream
    scores: Sequence[Score] = ()
    findings: Sequence[Finding] = ()
    window: Window | None = None
    """The window that closed; None for a look between windows."""
    length: timedelta = timedelta(minutes=15)
    """Length of the endpoint's windows."""

    def value(self, metric: Metric, **attributes: str) -> float | None:
        """Return the score of a metric whose attributes are these, or None."""
        for score in self.scores:
            if score.metric is metric and score.attributes == attributes:
                return score.value
        return None


@dataclass(frozen=True, slots=True)
class Reading:
    """What one rule says of one stream at one moment."""

    alert: str
    """Name of the rule."""
    stream: Stream
    breached: bool | None
    """None: too little data to say."""
    severity: Level
    """How loud the breach is; without one, how loud it would be."""
    metric: Metric
    """What the statistic is a value of."""
    statistic: float
    """NaN: there is none, and the detector's own word counts."""
    threshold: float
    window: Window | None
    values: Mapping[str, float] = field(default_factory=dict)
    details: Mapping[str, str] = field(default_factory=dict)
    summary: str = ""


class Rule(Protocol):
    """A condition over catalogue metrics. Its fields are its options under `alerts:` of an endpoint."""

    name: ClassVar[str]
    metrics: ClassVar[tuple[Metric, ...]]
    """What it reads."""

    @property
    def enabled(self) -> bool:
        """Whether it is read at all."""
        ...

    @property
    def hold(self) -> timedelta:
        """How long a breach must last to fire."""
        ...

    @property
    def keep_firing(self) -> timedelta:
        """How long it must be clear to resolve."""
        ...

    @property
    def levels(self) -> tuple[Level, ...]:
        """Every severity it can have."""
        ...

    def read(self, observation: Observation) -> Reading | None:
        """Judge an observation; None where it holds nothing this rule is about."""
        ...


def readings(rules: Sequence[Rule], observation: Observation) -> tuple[Reading, ...]:
    """Return what every enabled rule says of an observation, in the order of the rules."""
    found = (rule.read(observation) for rule in rules if rule.enabled)
    return tuple(reading for reading in found if reading is not None)
