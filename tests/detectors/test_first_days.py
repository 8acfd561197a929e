"""The first days of an endpoint whose reference is a training file without time: what is said, and how loud, as days go by."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from detectors import catalog
from detectors.drift.baseline import BaselineBuilder
from detectors.drift.drift import Drift
from detectors.drift.telling import LOUDNESS
from detectors.types import Batch, Step, Window

START = datetime(2025, 3, 3, tzinfo=UTC)
ROWS = 4000


def rows(random: np.random.Generator, count: int, shift: float) -> Batch:
    """Return rows of a model with two features and a prediction; `shift` in sd moves one feature."""
    return Batch(
        "delay-model",
        "rows",
        count,
        {"prediction": random.normal(size=count)},
        {"distance": random.lognormal(6, 0.5, count), "temperature": random.normal(285, 8, count) + 8 * shift},
    )


def live(hours: int, shifted_from: int) -> Iterator[tuple[int, Step]]:
    """Yield each hour's step of a stream that starts from a training file and shifts for good at an hour."""
    random = np.random.default_rng(21)
    builder = BaselineBuilder()
    training = [rows(random, 10_000, 0.0) for _ in range(5)]
    for batch in training:
        builder.learn(batch)
    builder.fix()
    for batch in training:
        builder.count(batch, None)
    detector = Drift()
    state = detector.restore(builder.state().plain())
    for hour in range(hours):
        batch = rows(random, ROWS, 0.5 if hour >= shifted_from else 0.0)
        window = Window(START + timedelta(hours=hour), START + timedelta(hours=hour + 1))
        step = detector.step(state, window, detector.observe(state, batch))
        state = step.state
        yield hour, step


def gauge(step: Step, metric: catalog.Metric, **attributes: str) -> float:
    """Return a gauge of a step."""
    (score,) = [one for one in step.scores if one.metric is metric and attributes.items() <= dict(one.attributes).items()]
    return score.value


@pytest.mark.parametrize(
    ("shifted_from", "status", "level", "days"),
    [
        pytest.param(12, "uncalibrated", "warning", "1 of", id="hour 12"),
        pytest.param(7 * 24, "provisional", "warning", "7 of 29 days", id="day 7"),
        pytest.param(30 * 24, "calibrated", "page", "on 29 days", id="day 30"),
    ],
)
def test_a_lasting_shift_is_told_as_loudly_as_the_reference_allows(shifted_from: int, status: str, level: str, days: str) -> None:
    """0.5 sd from hour 12: information, a warning once it held 3 windows; from day 7: a warning; from day 30: a page."""
    levels: list[str | None] = []
    before: list[str | None] = []
    for hour, step in live(shifted_from + 3, shifted_from):
        by_name = {one.feature: one for one in step.findings if one.reference == "fixed"}
        finding = by_name["temperature"]
        if hour < shifted_from:
            before += [one.level for one in step.findings]
            continue
        levels.append(max((one.level for one in step.findings if one.feature == "temperature"), key=LOUDNESS.index))
        assert finding.status == status
        assert status in finding.explanation
        assert days in finding.explanation
        assert gauge(step, catalog.REFERENCE_STATUS, reference="fixed", status=status) == 1
        missing = gauge(step, catalog.REFERENCE_MISSING, reference="fixed")
        assert (missing == 0) == (status == "calibrated")
        assert "sd and more are seen" in finding.explanation or "no shift can be seen" in finding.explanation
        assert {by_name[name].level for name in ("distance", "prediction")} <= {None, "information"}
    if status == "uncalibrated":
        assert levels == ["information", "information", "warning"]
    else:
        assert level in levels
        assert set(levels) <= {"information", level}
    assert before.count("page") == 0
    # Chance alarms of a month are within the budget of one episode; a day's alarm stands for the rest of the day.
    assert sum(one == "warning" for one in before) <= 24


def test_the_file_is_the_reference_from_the_first_window() -> None:
    """Distances from the file are published at once; a constant offset from it is shown and enters no threshold."""
    (_, step) = next(live(1, 0))
    finding = {finding.feature: finding for finding in step.findings}["temperature"]
    assert finding.methods["wasserstein"] == pytest.approx(0.5, abs=0.1)
    assert finding.status == "uncalibrated"
    assert np.isnan(finding.severity)
    assert gauge(step, catalog.REFERENCE_MISSING) == 29
    thresholds = {}
    for shifted_from in (0, 10_000):
        *_, (_, last) = live(60, shifted_from)
        by_name = {finding.feature: finding for finding in last.findings}
        thresholds[shifted_from] = by_name["temperature"].threshold
        assert (by_name["temperature"].severity > 1) == (shifted_from == 0)
    assert thresholds[0] == pytest.approx(thresholds[10_000], rel=0.35)
