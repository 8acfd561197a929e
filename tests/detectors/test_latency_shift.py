"""A lasting step in the time a token takes is told once, with what it is and what it is not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.types import Batch, Category, Column, Finding, Plain, Window
from detectors.usage.latency_shift import MOST_WINDOWS, SETTLED, LatencyShift, Remembered
from detectors.usage.regime import LEAST_BEFORE, RECENT, shift

START = datetime(2026, 1, 1, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
A_DAY = 96


def calls(rng: np.random.Generator, pace: float, tokens: float = 200.0, model: str = "a", rows: int = 120) -> Batch:
    """Return calls of a window: seconds a token, and tokens."""
    written = rng.lognormal(np.log(tokens), 0.3, rows).round() + 1
    columns: dict[str, Column] = {
        "output_tokens": written,
        "input_tokens": np.full(rows, 500.0),
        "duration": written * pace * rng.lognormal(0, 0.2, rows),
        "model": Category.constant(model, rows),
    }
    return Batch("chat", "calls", rows, columns)


def told(batches: list[Batch], detector: LatencyShift | None = None, *, saved: bool = False) -> list[Finding | None]:
    """Return the finding of each window, None where there is none."""
    detector = detector or LatencyShift()
    state, found = detector.restore(None), []
    for number, batch in enumerate(batches):
        window = Window(START + number * QUARTER, START + (number + 1) * QUARTER)
        step = detector.step(state, window, detector.observe(state, batch))
        state = step.state
        found.append(step.findings[0] if step.findings else None)
        if saved:
            plain: Plain = state.plain()
            state = detector.restore(plain)
    assert isinstance(state, Remembered)
    assert len(state.windows) <= MOST_WINDOWS
    return found


def loud(found: list[Finding | None]) -> list[int]:
    """Return the windows with a warning."""
    return [place for place, one in enumerate(found) if one is not None and one.level == "warning"]


def day(rng: np.random.Generator, windows: int, pace: float, **how: float) -> list[Batch]:
    """Return windows with a daily wave of 10 %."""
    return [calls(rng, pace * (1 + 0.1 * np.sin(2 * np.pi * place / A_DAY)), **how) for place in range(windows)]  # type: ignore[arg-type]  # numbers only


@pytest.mark.parametrize("saved", [False, True])
def test_a_lasting_step_is_a_warning_with_its_likely_cause(*, saved: bool) -> None:
    """Half as slow again at the same tokens and version: told within 7 windows, and over once it is the usual level."""
    rng = np.random.default_rng(1)
    found = told([*day(rng, 2 * A_DAY, 0.02), *day(rng, 2 * A_DAY, 0.03)], saved=saved)
    warned = loud(found)
    assert 2 * A_DAY <= warned[0] <= 2 * A_DAY + RECENT
    assert warned[-1] <= warned[0] + SETTLED
    said = found[warned[0] + 4]
    assert said is not None
    assert "neighbour" in said.explanation
    assert (said.kind, said.feature, said.level) == ("latency", "milliseconds_per_token", "warning")
    assert said.severity > 1 == (said.statistic / said.threshold > 1)


@pytest.mark.parametrize(
    ("changed", "words"), [({"tokens": 60.0, "pace": 0.03}, "output tokens changed as well"), ({"model": "b", "pace": 0.03}, "a -> b")]
)
def test_a_step_that_has_an_explanation_is_information(changed: dict[str, float], words: str) -> None:
    """Other tokens, or another version: the step is told with it, and nobody is warned."""
    rng = np.random.default_rng(2)
    found = told([*day(rng, 2 * A_DAY, 0.02), *(calls(rng, **changed) for _ in range(24))])  # type: ignore[arg-type]  # the table of this test
    assert not loud(found)
    after = [one for one in found[2 * A_DAY :] if one is not None and one.level == "information"]
    assert after
    assert any(words in one.explanation for one in after)


def test_what_is_no_lasting_step_is_none() -> None:
    """Longer answers at the same pace, a burst of an hour, a step to faster: no warning."""
    rng = np.random.default_rng(3)
    usual = day(rng, 2 * A_DAY, 0.02)
    assert not loud(told([*usual, *day(rng, 24, 0.02, tokens=800.0)]))
    assert not loud(told([*usual, *day(rng, 4, 0.06), *day(rng, 24, 0.02)]))
    assert not loud(told([*usual, *day(rng, 24, 0.01)]))


def test_little_traffic_says_nothing() -> None:
    """Windows with fewer than 30 calls are no windows of a level."""
    rng = np.random.default_rng(4)
    assert told([calls(rng, 0.02, rows=20) for _ in range(2 * A_DAY)] + [calls(rng, 0.2, rows=20) for _ in range(24)]) == [None] * 216


def test_cold_starts_and_what_is_not_wanted_do_not_count() -> None:
    """Marked calls are left out; with `input: metrics` so are all records."""
    rng = np.random.default_rng(5)
    slow = calls(rng, 0.5)
    cold = replace(slow, columns={**slow.columns, "cold": np.ones(slow.rows, np.bool_)})
    assert not LatencyShift().observe(Remembered(), cold).counts["calls/pace"].any()
    assert not LatencyShift(input="metrics").observe(Remembered(), slow).counts


def _stream(rng: np.random.Generator, days: int, memory: float, spread: float, wave: float) -> NDArray[np.float64]:
    noise = rng.normal(0, spread * np.sqrt(1 - memory**2), days * A_DAY)
    level = np.zeros(days * A_DAY)
    for place in range(1, len(level)):
        level[place] = memory * level[place - 1] + noise[place]
    return level + wave * np.sin(2 * np.pi * np.arange(len(level)) / A_DAY)


def _episodes(levels: NDArray[np.float64]) -> int:
    known: list[float] = []
    episodes, last = 0, -A_DAY
    for place, level in enumerate(levels.tolist()):
        known = [*known, level][-MOST_WINDOWS:]
        found = shift(np.array(known)) if len(known) > A_DAY else None
        if found is not None and found.severity > 1 and found.step > 0:
            episodes += place - last >= A_DAY
            last = place
    return episodes


def test_what_it_costs() -> None:
    """Levels that remember the last hours (autocorrelation .8), with a daily wave: less than one warning in 30 days."""
    rng = np.random.default_rng(6)
    assert sum(_episodes(_stream(rng, 15, 0.8, 0.1, 0.2)) for _ in range(6)) <= 3


def test_too_few_before_is_no_comparison() -> None:
    """32 windows before the newest eight are needed."""
    assert shift(np.zeros(LEAST_BEFORE + RECENT - 1)) is None
    assert shift(np.zeros(LEAST_BEFORE + RECENT)) is not None
