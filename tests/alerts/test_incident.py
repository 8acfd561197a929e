"""Whole incidents, from the calls of each window to what people are told."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from alerts.builtin import rules
from alerts.engine import Key, advance, plain, restore
from alerts.event import Event
from alerts.rule import Observation, readings
from alerts.standing import Standing
from detectors.safety.names import Names
from detectors.safety.results import encode, entry
from detectors.safety.safety import Safety
from detectors.types import Batch, Category, Stream, Window
from detectors.usage.usage import Nothing, Usage

START = datetime(2026, 3, 1, tzinfo=UTC)
LENGTH = timedelta(minutes=15)
STREAM = Stream("chat", "gpt", "live")
RULES = rules({})

CLEAN = encode([entry("prompt", "jailbreak"), entry("prompt", "hate", severity="safe")])
ATTACK = encode([entry("prompt", "jailbreak", detected=True), entry("prompt", "hate", severity="safe")])
CALLS: dict[str, tuple[str | None, str | None]] = {
    "ok": (None, CLEAN),
    "bare": (None, None),
    "failed": ("InternalServerError", None),
    "throttled": ("429", None),
    "attack": (None, ATTACK),
    "blocked": ("content_filter", None),
}


def window(**calls: int) -> Batch:
    """Return a window of so many calls of each sort."""
    names = [name for name, count in calls.items() for _ in range(count)]
    return Batch(
        "chat",
        "calls",
        len(names),
        {
            "error_type": Category.of([CALLS[name][0] for name in names]),
            "filters": Category.of([CALLS[name][1] for name in names]),
            "throttled": np.array([name == "throttled" for name in names], np.bool_),
            "blocked_prompt": np.array([name == "blocked" for name in names], np.bool_),
        },
    )


def told(windows: list[Batch]) -> list[str]:
    """Run windows through detectors, rules and states, with a restart after each; return `alert state @window`."""
    usage, safety = Usage(), Safety()
    names, states = Names(), dict[Key, Standing]()
    events: list[Event] = []
    for index, batch in enumerate(windows):
        span = Window(START + index * LENGTH, START + (index + 1) * LENGTH)
        judged = safety.step(names, span, safety.observe(names, batch))
        names = safety.restore(judged.state.plain())
        scores = (*usage.step(Nothing(), span, usage.observe(Nothing(), batch)).scores, *judged.scores)
        found = readings(RULES, Observation(STREAM, scores, window=span, length=LENGTH))
        step = advance(states, found, span.end, RULES)
        states = restore(plain(step.states))
        events += step.events
    return [f"{event.name} {event.state} @{(event.time - START) // LENGTH - 1}" for event in events]


CALM, SILENT = window(ok=100), window()


@pytest.mark.parametrize(
    ("windows", "expected"),
    [
        ([CALM] * 5, []),
        ([CALM, window(ok=40, throttled=60), window(ok=10, throttled=90), CALM, CALM], ["throttling fired @1", "throttling resolved @4"]),
        ([CALM, window(ok=70, failed=30), CALM, window(ok=70, failed=30), CALM, CALM], ["error_share fired @1", "error_share resolved @5"]),
        ([CALM, window(ok=80, attack=20), CALM, CALM], ["safety_rate fired @1", "safety_rate resolved @3"]),
        ([CALM, window(ok=80, blocked=20), CALM, CALM], ["safety_rate fired @1", "safety_rate resolved @3"]),
        (
            [window(bare=90), window(bare=80, blocked=20), window(bare=90), window(bare=90)],
            ["safety_rate fired @1", "safety_rate resolved @3"],
        ),
        ([CALM, window(ok=80, attack=20), *[SILENT] * 9], ["safety_rate fired @1"]),
        ([CALM, window(ok=80, attack=20), *[window(ok=2)] * 9], ["safety_rate fired @1"]),
        ([window(ok=1, failed=1), window(failed=2), window(throttled=2), window(blocked=2), window(attack=2)], []),
    ],
    ids=["calm", "storm", "outage", "attack", "blocked", "blocked, no categories", "silence", "too few calls", "handfuls"],
)
def test_an_incident_is_told_once_and_under_one_name(windows: list[Batch], expected: list[str]) -> None:
    """Each cause fires the one alert that names it, which resolves when calls show it is over, and not by silence."""
    assert told(windows) == expected
