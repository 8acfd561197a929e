"""Attacks on the application come in a burst."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from alerts.rule import Observation, Reading
from alerts.rules.options import AT_ONCE, Count, Span
from alerts.share import span
from detectors import catalog_attacks
from detectors.catalog import Metric
from detectors.types import Level

_NUMBERS: Mapping[str, Metric] = {
    "attacks": catalog_attacks.SAFETY_BURST_ATTACKS,
    "passed": catalog_attacks.SAFETY_BURST_PASSED,
    "usual": catalog_attacks.SAFETY_BURST_USUAL,
    "start": catalog_attacks.SAFETY_BURST_START,
    "length": catalog_attacks.SAFETY_BURST_LENGTH,
}
_LOUDNESS: tuple[Level, ...] = ("information", "warning", "page")


@dataclass(frozen=True, slots=True)
class AttackBurst:
    """Jailbreaks or indirect attacks come in a burst: more in a few minutes than the endpoint's own past makes likely."""

    name: ClassVar[str] = "attack_burst"
    metrics: ClassVar[tuple[Metric, ...]] = (catalog_attacks.SAFETY_BURST_SEVERITY, *_NUMBERS.values())

    enabled: bool = True
    """Whether the rule is read."""
    warn_from: Count = 5
    """Attacks in the burst from which it is a warning; fewer are for information."""
    page_from: Count = 20
    """Attacks in the burst that the filter did not block from which it is a page. What merely looks like a known text never is one."""
    hold: Span = AT_ONCE
    """How long a breach must last to fire."""
    keep_firing: Span = timedelta(hours=1)
    """How long it must be clear to resolve: an attacker who tries again within the hour is one incident."""

    @property
    def levels(self) -> tuple[Level, ...]:
        """Return every severity it can have."""
        return _LOUDNESS

    def read(self, observation: Observation) -> Reading | None:
        """Return the loudest burst, by its level and then its severity; None where none was looked for."""
        found = [
            (self._level(observation, score.attributes), score.value, score.attributes)
            for score in observation.scores
            if score.metric is catalog_attacks.SAFETY_BURST_SEVERITY
        ]
        if not found:
            return None
        level, severity, attributes = max(found, key=lambda one: (one[1] > 1, _LOUDNESS.index(one[0]), one[1]))
        numbers = {name: value for name, value in _numbers(observation, attributes).items() if value is not None}
        summary, began = _said(observation, attributes, numbers) if numbers else ("", {})
        details = {"category": attributes["category"], "direction": attributes["direction"], **began}
        return Reading(
            self.name,
            observation.stream,
            severity > 1,
            level,
            catalog_attacks.SAFETY_BURST_SEVERITY,
            severity,
            1.0,
            observation.window,
            numbers,
            details,
            summary,
        )

    def _level(self, observation: Observation, attributes: Mapping[str, str]) -> Level:
        numbers = _numbers(observation, attributes)
        attacks, passed = numbers["attacks"] or 0.0, numbers["passed"] or 0.0
        if attacks < self.warn_from:
            return "information"
        return "page" if passed >= self.page_from and attributes["category"] != "known_template" else "warning"


def _numbers(observation: Observation, attributes: Mapping[str, str]) -> dict[str, float | None]:
    return {name: observation.value(metric, **attributes) for name, metric in _NUMBERS.items()}


def _said(observation: Observation, attributes: Mapping[str, str], numbers: Mapping[str, float]) -> tuple[str, dict[str, str]]:
    """Return a sentence, and when the burst began."""
    stream, length = observation.stream, timedelta(seconds=numbers["length"])
    began, when = dict[str, str](), ""
    if observation.window is not None:
        start = max(observation.window.start, (observation.window.start + timedelta(seconds=numbers["start"])).replace(second=0))
        began, when = {"began": start.isoformat()}, f" from {start:%H:%M}"
    what = {"jailbreak": "jailbreak attempts", "indirect_attack": "indirect attacks"}.get(
        attributes["category"], "prompts like known texts"
    )
    through = f", {numbers['passed']:.0f} of them not blocked" if attributes["category"] != "known_template" else " in the sample"
    who = f"{stream.endpoint}/{stream.deployment}"
    many = f"{numbers['attacks']:.0f} {what} in the {attributes['direction']} within {span(length)}{when}{through}"
    return f"{who}: {many}; {numbers['usual']:.2g} are usual in as many calls", began
