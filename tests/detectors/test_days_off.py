"""Days kept out of the references: neither learnt from nor paged on, judged all the same."""

from datetime import timedelta

import numpy as np
import pytest

from detectors.drift.calendar import Days
from detectors.drift.drift import Drift
from detectors.drift.state import DriftState
from detectors.types import Step
from tests.fakes.drift_stream import START, batch, day, finding, history

RANDOM = np.random.default_rng(51)
ROWS = 400
STEADY = [RANDOM.normal(size=ROWS) for _ in range(120)]


def days(first: int, last: int | None = None) -> Days:
    """Return the n-th day, or a span of them."""
    start = START.date()
    return Days(start + timedelta(days=first), start + timedelta(days=first if last is None else last))


def state(burst: float = 3.0) -> DriftState:
    """Return 58 days with a burst on day 20."""
    return history({day(n): batch({"x": STEADY[n] + burst * (n == 20)}) for n in range(58)})


def run(detector: Drift, start: DriftState, shifts: dict[int, float]) -> list[Step]:
    """Run a detector over days with shifts."""
    found = []
    for n, shift in shifts.items():
        step = detector.step(start, day(n), detector.observe(start, batch({"x": STEADY[n] + shift})))
        start = step.state
        found.append(step)
    return found


def line(step: Step) -> float:
    """Return the alarm line of the fixed reference."""
    calibration = step.state.calibration
    assert calibration is not None
    return float(calibration.line)


def test_an_excluded_day_of_the_reference_sets_no_line() -> None:
    """The burst raises the line of both references; excluded, it does not, and they have a day less."""
    before = run(Drift(), state(), {58: 0.35})[0]
    after = run(Drift(exclude=(days(20),)), state(), {58: 0.35})[0]
    for reference in ("fixed", "rolling"):
        assert finding(after, "x", reference).severity > finding(before, "x", reference).severity
    assert "calibrated on 57 days" in finding(after, "x").explanation
    assert after.state.totals.sum() == before.state.totals.sum() - ROWS


@pytest.mark.parametrize(
    ("option", "word"), [({"exclude": (days(58, 59),)}, "excluded day"), ({"holidays": (days(58), days(59))}, "holiday")]
)
def test_a_live_day_off_is_judged_but_wakes_nobody_and_is_not_learnt(option: dict[str, tuple[Days, ...]], word: str) -> None:
    """It has a severity and says why it does not page; it is in no reference, and does not last into the next day."""
    detector = Drift(**option)  # type: ignore[arg-type]  # a table
    off, second, next_day = run(detector, state(0.0), {58: 3.0, 59: 3.0, 60: 0.0})
    for step in (off, second):
        assert finding(step, "x", "rolling").severity > 1
        assert {one.level for one in step.findings} == {"information"}
        assert word in finding(step, "x", "rolling").explanation
    assert finding(next_day, "x", "rolling").severity < 0.5
    rolling = next_day.state.rolling
    assert rolling is not None
    assert [window.day - day(0).day for window in rolling.since] == [60]
    loud = run(Drift(), state(0.0), {58: 3.0})[0]
    assert finding(loud, "x", "rolling").level == "page"


def test_days_off_may_come_and_go_while_a_stream_lives() -> None:
    """Taking a day out recalibrates, putting it back leads to the lines of before."""
    first = run(Drift(), state(), {58: 0.0})[0]
    without = run(Drift(exclude=(days(20),)), first.state, {59: 0.35})[0]
    back = run(Drift(), without.state, {60: 0.35})[0]
    again = run(Drift(), first.state, {60: 0.35})[0]
    assert line(without) < line(first)
    assert line(back) == line(again) == line(first)


def test_a_stream_that_learns_skips_days_off() -> None:
    """Without a reference, windows of days off are judged and never collected."""
    detector = Drift(holidays=(days(7),))
    found = run(detector, DriftState(), dict.fromkeys(range(12), 0.0))
    assert [window.day - day(0).day for window in found[-1].state.windows] == [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11]
