"""The built-in rules: drift, safety rate, error share, throttling, stale source."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from annotated_types import Ge, Gt, Lt

from alerts.grouping import group
from alerts.rule import Observation, Reading, Rule
from alerts.share import Share, span
from detectors import catalog
from detectors.catalog import Metric
from detectors.types import Level, Score

Span = Annotated[timedelta, Ge(timedelta(0))]
Threshold = Annotated[float, Ge(0), Lt(1)]
Count = Annotated[int, Ge(1)]
Loud = Literal["warning", "page"]

_NONE = timedelta(0)
_CALM = timedelta(minutes=10)
ATTACKS = {"jailbreak": 0.02, "indirect_attack": 0.02}


@dataclass(frozen=True, slots=True)
class Drift:
    """Features, predictions or data quality of a stream moved away from the reference: one alert for all of them."""

    name: ClassVar[str] = "drift"
    metrics: ClassVar[tuple[Metric, ...]] = (catalog.DRIFT_SEVERITY,)
    levels: ClassVar[tuple[Level, ...]] = ("warning", "page")

    enabled: bool = True
    """Whether the rule is read."""
    hold: Span = _NONE
    """How long a breach must last to fire; the drift rule itself already waits for what matters."""
    keep_firing: Span = timedelta(days=1)
    """How long it must be clear to resolve: days of alarm at most two apart are one episode of the alarm budget."""

    def read(self, observation: Observation) -> Reading | None:
        """Return what the findings say together; the detector has decided which of them are a warning or a page."""
        if not observation.findings:
            return None
        found, stream = group(observation.findings), observation.stream
        judged = any(finding.status != "insufficient" for finding in observation.findings)
        reading = Reading(
            self.name, stream, False if judged else None, "warning", catalog.DRIFT_SEVERITY, float("nan"), 1.0, observation.window
        )
        if found is None:
            severities = [finding.severity for finding in observation.findings if finding.severity >= 0]
            return replace(reading, statistic=max(severities, default=float("nan")))
        worst, count = found.worst, len(found.features)
        return replace(
            reading,
            breached=True,
            severity=found.level,
            statistic=worst.severity,
            values={
                "severity": worst.severity,
                "features": count,
                "samples": worst.samples,
                "p_value": worst.p_value,
                "feature_statistic": worst.statistic,
                "feature_threshold": worst.threshold,
            },
            details={
                "feature": worst.feature,
                "top_features": found.named,
                "kind": worst.kind,
                "reference": worst.reference,
                "reference_status": worst.status,
                "explanation": worst.explanation,
            },
            summary=f"{stream.endpoint}/{stream.deployment}: {count} {'feature' if count == 1 else 'features'} drifted, "
            f"worst {worst.feature} ({worst.explanation})",
        )


@dataclass(frozen=True, slots=True)
class SafetyRate:
    """The content filter annotates or blocks too large a share of calls, in some category and direction."""

    name: ClassVar[str] = "safety_rate"
    metrics: ClassVar[tuple[Metric, ...]] = (catalog.SAFETY_UNSAFE, catalog.SAFETY_UNSAFE_LOWER, catalog.SAFETY_SAMPLES)

    enabled: bool = True
    """Whether the rule is read."""
    threshold: Threshold = 0.05
    """Breached where the lower 95 % bound of a category's unsafe share is above this."""
    thresholds: Mapping[str, Threshold] = field(default_factory=dict)
    """Category to a threshold of its own; left out, jailbreak and indirect_attack have 0.02."""
    min_samples: Count = 5
    """Fewer checked calls in the window say nothing."""
    at_least: Count = 3
    """Unsafe calls in the window it takes to breach."""
    severity: Loud = "page"
    """How loud it is."""
    hold: Span = _NONE
    """How long a breach must last to fire."""
    keep_firing: Span = _CALM
    """How long it must be clear to resolve."""

    @property
    def levels(self) -> tuple[Level, ...]:
        """Return the one severity it has."""
        return (self.severity,)

    def read(self, observation: Observation) -> Reading | None:
        """Return the worst category: by its verdict, then by how far the bound is above its threshold."""
        found = [self._category(observation, score) for score in observation.scores if score.metric is catalog.SAFETY_SAMPLES]
        # `any` mixes categories with thresholds of their own.
        found = [one for one in found if one.category != "any"]
        if not found:
            return None
        worst, stream = max(found), observation.stream
        names = [f"{one.category} in the {one.direction}" for one in sorted(found, reverse=True) if one.breached]
        return Reading(
            self.name,
            stream,
            worst.breached,
            self.severity,
            catalog.SAFETY_UNSAFE_LOWER,
            worst.share.lower,
            worst.threshold,
            observation.window,
            {**worst.share.values, "categories": len(names)},
            {"category": worst.category, "direction": worst.direction, **({"top_categories": ", ".join(names)} if names else {})},
            worst.share.said(f"calls were unsafe, {worst.category} in the {worst.direction}", stream, worst.threshold),
        )

    def _category(self, observation: Observation, samples: Score) -> "_Category":
        category, direction = samples.attributes["category"], samples.attributes["direction"]
        ratio, lower = (
            observation.value(metric, **samples.attributes) or 0.0 for metric in (catalog.SAFETY_UNSAFE, catalog.SAFETY_UNSAFE_LOWER)
        )
        share, threshold = Share(ratio, lower, samples.value), {**ATTACKS, **self.thresholds}.get(category, self.threshold)
        breached, above = share.breached(threshold, self.min_samples, self.at_least), lower - threshold
        # Clear categories do not speak for one that is high on too few calls; those merely too rare to judge hold up nothing.
        rank = 3 if breached else 2 if breached is None and above > 0 else 1 if breached is False else 0
        return _Category(rank, above, category, direction, breached, share, threshold)


class _Category(NamedTuple):
    """One category in one direction; the greatest is what the rule says."""

    rank: int
    above: float
    category: str
    direction: str
    breached: bool | None
    share: Share
    threshold: float


@dataclass(frozen=True, slots=True)
class ErrorShare:
    """Too large a share of calls fail. Throttled calls and calls a content filter refused are no failures."""

    name: ClassVar[str] = "error_share"
    metrics: ClassVar[tuple[Metric, ...]] = (catalog.REQUEST_ERROR_RATIO, catalog.REQUEST_ERROR_LOWER, catalog.REQUEST_SAMPLES)

    enabled: bool = True
    """Whether the rule is read."""
    threshold: Threshold = 0.05
    """Breached where the lower 95 % bound of the failed share is above this."""
    min_samples: Count = 5
    """Fewer answered calls in the window say nothing."""
    at_least: Count = 3
    """Failed calls in the window it takes to breach."""
    severity: Loud = "page"
    """How loud it is."""
    hold: Span = _NONE
    """How long a breach must last to fire."""
    keep_firing: Span = _CALM
    """How long it must be clear to resolve."""

    @property
    def levels(self) -> tuple[Level, ...]:
        """Return the one severity it has."""
        return (self.severity,)

    def read(self, observation: Observation) -> Reading | None:
        """Return whether calls fail."""
        share = _share(observation, catalog.REQUEST_ERROR_RATIO, catalog.REQUEST_ERROR_LOWER, "error")
        return None if share is None else _rate(self, observation, share, catalog.REQUEST_ERROR_LOWER, "calls failed")


@dataclass(frozen=True, slots=True)
class Throttling:
    """Too large a share of calls is refused with 429: the quota is too small for the traffic."""

    name: ClassVar[str] = "throttling"
    metrics: ClassVar[tuple[Metric, ...]] = (catalog.REQUEST_THROTTLED_RATIO, catalog.REQUEST_THROTTLED_LOWER, catalog.REQUEST_SAMPLES)

    enabled: bool = True
    """Whether the rule is read."""
    threshold: Threshold = 0.05
    """Breached where the lower 95 % bound of the throttled share is above this."""
    min_samples: Count = 5
    """Fewer calls in the window say nothing."""
    at_least: Count = 3
    """Throttled calls in the window it takes to breach."""
    severity: Loud = "warning"
    """How loud it is."""
    hold: Span = _NONE
    """How long a breach must last to fire."""
    keep_firing: Span = _CALM
    """How long it must be clear to resolve."""

    @property
    def levels(self) -> tuple[Level, ...]:
        """Return the one severity it has."""
        return (self.severity,)

    def read(self, observation: Observation) -> Reading | None:
        """Return whether calls are throttled."""
        share = _share(observation, catalog.REQUEST_THROTTLED_RATIO, catalog.REQUEST_THROTTLED_LOWER, "throttled")
        return None if share is None else _rate(self, observation, share, catalog.REQUEST_THROTTLED_LOWER, "calls were throttled")


@dataclass(frozen=True, slots=True)
class SourceStale:
    """Nothing has been seen of an endpoint for too long. It must have had traffic before: no traffic ever is no alert."""

    name: ClassVar[str] = "source_stale"
    metrics: ClassVar[tuple[Metric, ...]] = (catalog.AGENT_WINDOW_AGE,)

    enabled: bool = True
    """Whether the rule is read."""
    windows: Annotated[float, Gt(0)] = 3.0
    """Breached after so many windows of silence …"""
    at_least: Span = timedelta(minutes=10)
    """… and never before this."""
    severity: Loud = "warning"
    """How loud it is."""
    hold: Span = _NONE
    """How long a breach must last to fire."""
    keep_firing: Span = _NONE
    """How long it must be clear to resolve."""

    @property
    def levels(self) -> tuple[Level, ...]:
        """Return the one severity it has."""
        return (self.severity,)

    def read(self, observation: Observation) -> Reading | None:
        """Return whether the age of the newest record is above the limit."""
        age = observation.value(catalog.AGENT_WINDOW_AGE)
        if age is None:
            return None
        limit = max(self.windows * observation.length, self.at_least)
        silence, endpoint = span(timedelta(seconds=age)), observation.stream.endpoint
        return Reading(
            self.name,
            observation.stream,
            age > limit.total_seconds(),
            self.severity,
            catalog.AGENT_WINDOW_AGE,
            age,
            limit.total_seconds(),
            observation.window,
            {"age": age},
            {},
            f"{endpoint}: nothing seen for {silence} (limit {span(limit)}); its other alerts keep their last state",
        )


RULES: tuple[type[Rule], ...] = (Drift, SafetyRate, ErrorShare, Throttling, SourceStale)
"""Every rule there is. That the agent itself died is told from outside, by the generated rules."""


def rules(changed: Mapping[str, Rule | Mapping[str, Any]]) -> tuple[Rule, ...]:
    """Return every rule, with what `alerts:` says in place of the defaults: a rule, or options by name.

    Raises KeyError for an unknown rule.

    >>> [rule.name for rule in rules({"drift": Drift(enabled=False)}) if rule.enabled]
    ['safety_rate', 'error_share', 'throttling', 'source_stale']
    """
    unknown = sorted(set(changed) - {rule.name for rule in RULES})
    if unknown:
        raise KeyError(f"unknown alert {', '.join(unknown)}; known: {', '.join(rule.name for rule in RULES)}")
    given = ((rule, changed.get(rule.name, {})) for rule in RULES)
    return tuple(rule(**options) if isinstance(options, Mapping) else options for rule, options in given)


def _share(observation: Observation, ratio: Metric, lower: Metric, share: str) -> Share | None:
    """Return a share from its three gauges. Without calls there is a count of 0 and no ratio: a share of nothing."""
    number = observation.value(catalog.REQUEST_SAMPLES, share=share)
    return None if number is None else Share(observation.value(ratio) or 0.0, observation.value(lower) or 0.0, number)


def _rate(rule: ErrorShare | Throttling, observation: Observation, share: Share, metric: Metric, what: str) -> Reading:
    return Reading(
        rule.name,
        observation.stream,
        share.breached(rule.threshold, rule.min_samples, rule.at_least),
        rule.severity,
        metric,
        share.lower,
        rule.threshold,
        observation.window,
        share.values,
        {},
        share.said(what, observation.stream, rule.threshold),
    )
