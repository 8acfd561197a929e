"""A burst of attacks is told at the level it deserves, with its numbers, and never pages beside the share rule."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from alerts.builtin import rules
from alerts.common_schema import payload
from alerts.engine import Key, advance
from alerts.event import Event
from alerts.rule import Observation, readings
from alerts.standing import Standing
from detectors import catalog, catalog_attacks
from detectors.types import Score, Stream, Window

START = datetime(2026, 3, 1, 14, tzinfo=UTC)
LENGTH = timedelta(minutes=15)
STREAM = Stream("chat", "gpt", "live")
RULES = rules({})


def burst(severity: float, attacks: int, passed: int, category: str = "jailbreak") -> list[Score]:
    """Return the gauges of a burst as the detector gives them."""
    attributes = {"category": category, "direction": "prompt"}
    values = (severity, attacks, passed, 0.25, 180.0, 120.0)
    metrics = (
        catalog_attacks.SAFETY_BURST_SEVERITY,
        catalog_attacks.SAFETY_BURST_ATTACKS,
        catalog_attacks.SAFETY_BURST_PASSED,
        catalog_attacks.SAFETY_BURST_USUAL,
        catalog_attacks.SAFETY_BURST_START,
        catalog_attacks.SAFETY_BURST_LENGTH,
    )
    return [Score(metric, value, attributes) for metric, value in zip(metrics, values, strict=True)]


def share(ratio: float, lower: float) -> list[Score]:
    """Return the gauges of the unsafe share of jailbreaks among 300 calls."""
    attributes = {"category": "jailbreak", "direction": "prompt"}
    values = ((catalog.SAFETY_SAMPLES, 300.0), (catalog.SAFETY_UNSAFE, ratio), (catalog.SAFETY_UNSAFE_LOWER, lower))
    return [Score(metric, value, attributes) for metric, value in values]


class Lived:
    """Takes in windows one after another."""

    def __init__(self) -> None:
        self.states: dict[Key, Standing] = {}
        self.number = 0

    def window(self, scores: Sequence[Score]) -> tuple[Event, ...]:
        """Return the events of the next window."""
        window = Window(START + self.number * LENGTH, START + (self.number + 1) * LENGTH)
        self.number += 1
        moved = advance(self.states, readings(RULES, Observation(STREAM, scores, window=window)), window.end, RULES)
        self.states = dict(moved.states)
        return moved.events


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        (burst(0.9, 30, 30), (False, "page")),
        (burst(1.2, 4, 4), (True, "information")),
        (burst(1.2, 9, 9), (True, "warning")),
        (burst(1.2, 60, 19), (True, "warning")),
        (burst(1.2, 60, 20), (True, "page")),
        (burst(1.2, 60, 60, "known_template"), (True, "warning")),
        ([*burst(3.0, 4, 4), *burst(1.1, 9, 0, "indirect_attack")], (True, "warning")),
        (share(0.0, 0.0), None),
    ],
    ids=["usual", "few", "some", "most blocked", "let through", "in the sample", "the loudest speaks", "not looked for"],
)
def test_levels(scores: list[Score], expected: tuple[bool, str] | None) -> None:
    """Few attacks are information, blocked ones a warning, many that got through a page; a likeness alone is never one."""
    found = next((one for one in readings(RULES, Observation(STREAM, scores)) if one.alert == "attack_burst"), None)
    assert (None if found is None else (found.breached, found.severity)) == expected


def test_the_event_says_what_happened() -> None:
    """Category, direction, count, usual, when it began and where; the same goes out in a notification."""
    (event,) = Lived().window(burst(1.4, 12, 5))
    assert (event.name, event.severity, event.attributes["deployment"]) == ("attack_burst", "warning", "gpt")
    assert event.details["category"] == "jailbreak"
    assert event.details["began"] == "2026-03-01T14:03:00+00:00"
    assert event.values["attacks"] == 12
    assert event.values["usual"] == 0.25
    assert event.summary == (
        "chat/gpt: 12 jailbreak attempts in the prompt within 2 min from 14:03, 5 of them not blocked; 0.25 are usual in as many calls"
    )
    told = payload(event)["data"]["customProperties"]
    assert (told["began"], told["category"], told["direction"]) == ("2026-03-01T14:03:00+00:00", "jailbreak", "prompt")


def test_one_incident_pages_once() -> None:
    """Whichever comes first pages; the other is a warning beside it, also in later windows, and says who paged."""
    both = [*burst(2.0, 40, 40), *share(0.2, 0.15)]
    for first, second in ((share(0.2, 0.15), both), (burst(2.0, 40, 40), both), (both, both)):
        lived = Lived()
        events = [*lived.window(first), *lived.window(second), *lived.window(second)]
        assert [event.severity for event in events].count("page") == 1
        beside = next(event for event in events if event.severity == "warning")
        assert {beside.name, beside.details["paged_by"]} == {"safety_rate", "attack_burst"}


def test_what_goes_on_pages_once_the_other_is_over() -> None:
    """When the burst is over and resolved, a share that stays too high is told as a page of its own."""
    lived = Lived()
    lived.window(burst(2.0, 40, 40))
    events = [event for _ in range(8) for event in lived.window([*burst(0.1, 2, 0), *share(0.2, 0.15)])]
    assert [(event.name, event.state, event.severity) for event in events] == [
        ("safety_rate", "fired", "warning"),
        ("attack_burst", "resolved", "page"),
        ("safety_rate", "fired", "page"),
    ]


def test_a_burst_every_half_hour_is_one_incident() -> None:
    """An attacker who comes again within the hour fires once and resolves once."""
    lived = Lived()
    events = [event for number in range(24) for event in lived.window(burst(1.5 if number % 3 == 0 and number < 12 else 0.0, 9, 0))]
    assert [(event.state, event.severity) for event in events] == [("fired", "warning"), ("resolved", "warning")]
