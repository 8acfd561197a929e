"""One cause, one page: of alerts that see the same thing in two ways only one pages at a time."""

from collections.abc import Callable
from dataclasses import replace

from alerts.rule import Reading
from alerts.rules.attack_burst import AttackBurst
from alerts.rules.content_safety import ContentSafetyShare
from alerts.rules.safety_rate import SafetyRate
from alerts.standing import Standing
from alerts.state import State

KIN: tuple[frozenset[str], ...] = (frozenset({SafetyRate.name, AttackBurst.name, ContentSafetyShare.name}),)
"""Alerts of one cause: a burst of attacks also raises the share of unsafe calls, and a second filter finds what the first did."""


def one_page(reading: Reading, standing: Callable[[str], Standing | None]) -> Reading:
    """Return a reading that would page as a warning where an alert of the same cause pages already for its stream.

    `standing` finds an alert of that stream by its name. Once the other has resolved, a breach that goes on is told as a page.
    """
    kin = next((names for names in KIN if reading.alert in names), frozenset[str]())
    if not reading.breached or reading.severity != "page" or not kin or _pages(standing(reading.alert)):
        return reading
    first = next((name for name in sorted(kin - {reading.alert}) if _pages(standing(name))), None)
    return reading if first is None else replace(reading, severity="warning", details={**reading.details, "paged_by": first})


def _pages(standing: Standing | None) -> bool:
    return standing is not None and standing.status.state is State.FIRING and standing.severity == "page"
