"""What Content Safety finds in samples alerts by the bound of its interval; its silence alerts too."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from alerts.builtin import rules
from alerts.rule import ALL, Observation, Reading, readings
from detectors import catalog_attacks as catalog
from detectors.types import Score, Stream, Window

START = datetime(2026, 3, 1, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(minutes=15))
STREAM = Stream("chat", "gpt", "live")


def shares(category: str, samples: float, bounds: Mapping[str, tuple[float, float]]) -> list[Score]:
    """Return the gauges of a category in prompts; `bounds` maps a severity to its share and lower bound."""
    attributes = {"category": category, "direction": "prompt"}
    found = [Score(catalog.SAFETY_CONTENT_SAFETY_SAMPLES, samples, attributes)]
    for severity, (ratio, lower) in bounds.items():
        said = {**attributes, "least_severity": severity}
        found += [Score(catalog.SAFETY_CONTENT_SAFETY, ratio, said), Score(catalog.SAFETY_CONTENT_SAFETY_LOWER, lower, said)]
    return found


def read(scores: list[Score], **changed: object) -> Reading | None:
    """Return what the rule says."""
    given = rules({"content_safety": changed} if changed else {})
    return next((one for one in readings(given, Observation(STREAM, scores, window=WINDOW)) if one.alert == "content_safety"), None)


LOW = {"low": (0.3, 0.2), "medium": (0.01, 0.0), "high": (0.0, 0.0)}
MEDIUM = {"low": (0.3, 0.2), "medium": (0.12, 0.07), "high": (0.0, 0.0)}


@pytest.mark.parametrize(
    ("scores", "changed", "expected"),
    [
        (shares("hate", 100, MEDIUM), {}, True),
        (shares("hate", 100, LOW), {}, False),
        (shares("hate", 100, LOW), {"least_severity": "low"}, True),
        (shares("hate", 100, MEDIUM), {"thresholds": {"hate": 0.1}}, False),
        (shares("jailbreak", 100, {"detected": (0.06, 0.03)}), {}, True),
        (shares("protected_material_text", 100, {"detected": (0.06, 0.03)}), {}, False),
        (shares("hate", 12, {}), {}, None),
        ([], {}, None),
    ],
    ids=["medium", "low only", "low asked for", "own threshold", "attack", "no attack", "too few", "not asked"],
)
def test_the_lower_bound_decides(scores: list[Score], changed: dict[str, object], expected: bool | None) -> None:  # noqa: FBT001 - a column of the table
    """From medium severity on, or where detected, above the threshold of its category; a gap says nothing."""
    found = read(scores, **changed)
    assert (None if found is None else found.breached) is expected


def test_the_worst_is_named() -> None:
    """Category, direction and numbers stand in the reading; by itself it is a warning."""
    found = read([*shares("hate", 100, LOW), *shares("jailbreak", 100, {"detected": (0.2, 0.11)})])
    assert found is not None
    assert (found.severity, found.details["category"], found.threshold) == ("warning", "jailbreak", 0.02)
    assert "20.0 % of 100 sampled calls were unsafe by Content Safety, jailbreak in the prompt" in found.summary


def test_silence_is_told() -> None:
    """A window that waits longer than one length is a stall; of the judge nothing is said."""
    for seconds, breached in ((100.0, False), (1_000.0, True)):
        seen = Observation(Stream("chat", ALL, ALL), (Score(catalog.AGENT_CONTENT_SAFETY_LAG, seconds),))
        found = {one.alert: one.breached for one in readings(rules({}), seen)}
        assert found == {"content_safety_stalled": breached}
