"""Season slots: night is held against nights once there are enough of them, in the endpoint's own time zone."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.drift.calendar import Slots, slot_of
from detectors.drift.calibration import FeatureHistory, calibrate
from detectors.drift.days import blocks_of
from detectors.drift.drift import Drift
from detectors.drift.seasons import Season, all_by_slot, others_by_slot
from detectors.drift.state import DriftState
from detectors.types import Finding, Step, Window
from tests.fakes.drift_stream import batch, finding, history

ZONE = ZoneInfo("America/New_York")
ROWS = 200


def window(number: int) -> Window:
    """Return the n-th three hours since 1 February 2025 in New York; 9 March has 23 hours."""
    clock = datetime(2025, 2, 1) + timedelta(hours=3 * number)  # noqa: DTZ001 - local clock time, the zone follows
    return Window(clock.replace(tzinfo=ZONE), (clock + timedelta(hours=3)).replace(tzinfo=ZONE))


def values(random: np.random.Generator, number: int, shift: float = 0.0) -> NDArray[np.float64]:
    """Return what comes in the n-th window: nights lie 4 sd from days."""
    return random.normal(4.0 * (window(number).start.hour >= 12) + shift, 1.0, ROWS)


def stream(days: int) -> DriftState:
    """Return a reference of so many days."""
    random = np.random.default_rng(41)
    return history({window(n): batch({"x": values(random, n)}) for n in range(8 * days)})


def judged(detector: Drift, state: DriftState, number: int, shift: float, random: np.random.Generator) -> Step:
    """Return the step of one window."""
    return detector.step(state, window(number), detector.observe(state, batch({"x": values(random, number, shift)})))


def test_night_against_day_is_no_alarm_and_a_shift_within_the_night_is() -> None:
    """With hour-of-day slots two weeks of live windows call nobody, and 0.5 sd at night pages; without, no shift can be told."""
    random, state = np.random.default_rng(42), stream(56)
    slotted, plain = Drift(slots="hour_of_day"), Drift()
    levels = set()
    live = state
    for number in range(8 * 56, 8 * 70):
        step = judged(slotted, live, number, 0.0, random)
        live = step.state
        levels |= {one.level for one in step.findings}
    assert not levels & {"warning", "page"}
    night = judged(slotted, state, 8 * 56 + 1, 0.5, random)
    assert finding(night, "x", "rolling").level == "page"
    assert finding(night, "x").methods["psi"] < 1
    unsplit = judged(plain, state, 8 * 56 + 1, 0.5, random)
    assert np.isnan(finding(unsplit, "x").mde)
    assert finding(night, "x").mde < 0.5


def test_before_slots_are_learnt_the_first_day_is_shown_as_what_it_is() -> None:
    """Without a reference day against nights is told as a gross change, to nobody; once 29 days are learnt, two weeks say nothing."""
    random, detector = np.random.default_rng(44), Drift(slots="hour_of_day")
    state, early, late = detector.restore(None), list[Finding](), list[Finding]()
    for number in range(8 * 48):
        step = judged(detector, state, number, 0.0, random)
        state = step.state
        found = [one for one in step.findings if one.feature == "x"]
        early += found if number < 20 else []
        late += found if number >= 8 * 34 else []
    loud = [one for one in early if one.level is not None]
    assert {one.level for one in loud} == {"information"}
    assert all("a gross change, on a reference that is not calibrated" in one.explanation for one in loud)
    assert any("values higher by" in one.explanation for one in loud)
    assert {one.status for one in late} == {"calibrated"}
    assert not {one.level for one in late} & {"warning", "page"}


def test_a_season_the_reference_lacks_wakes_nobody() -> None:
    """The first night after 56 days without nights is told as a change and pages nobody, nor does the noon that follows it."""
    random, detector = np.random.default_rng(45), Drift(slots="hour_of_day")
    state = history({window(n): batch({"x": values(random, n)}) for n in range(8 * 56) if window(n).start.hour >= 12})
    night = judged(detector, state, 8 * 56 + 1, 0.0, random)
    told = finding(night, "x", "rolling")
    assert told.severity > 1
    assert told.level == "information"
    assert "too few windows of this season" in told.explanation
    noon = judged(detector, night.state, 8 * 56 + 4, 0.0, random)
    assert {one.level for one in noon.findings if one.feature == "x"} == {None}
    shifted = judged(detector, night.state, 8 * 56 + 4, 0.5, random)
    assert finding(shifted, "x", "rolling").level == "page"


@pytest.mark.parametrize(("slots", "expected"), [("none", 0), ("weekday", 5), ("hour_of_day", 6), ("hour_of_week", 5 * 24 + 6)])
def test_slots_are_those_of_the_local_clock(slots: Slots, expected: int) -> None:
    """1 February 2025 is a Saturday; the third window begins at 6 in New York, also after the clocks have changed."""
    assert slot_of(slots, window(2).day, window(2).start.hour) == expected
    summer = window(8 * 42 + 2)
    assert slot_of(slots, summer.day, summer.start.hour) == expected


def test_comparison_counts_are_those_of_the_slot_without_the_own_block() -> None:
    """A slot with four windows is held against its own outside the block, one with three against all others."""
    days = np.arange(date(2025, 2, 3).toordinal(), date(2025, 2, 3).toordinal() + 28)
    slots = np.array([1 if n % 7 == 0 else 2 if n in {1, 8, 15} else 3 for n in range(28)])
    counts = np.arange(1, 29)[:, None] * np.array([[1, 2]])
    blocks = blocks_of(days)
    season, all_scored, unseen = Season.of(slots, blocks), np.ones(28, np.bool_), np.zeros(28, np.int64)
    rest = np.array([counts[blocks != block].sum(axis=0) for block in blocks])
    held, _ = others_by_slot(season, all_scored, counts, unseen, rest, unseen)
    assert held[0].tolist() == counts[[7, 14, 21]].sum(axis=0).tolist()
    assert held[8].tolist() == rest[8].tolist()
    places, live, _ = all_by_slot(season, all_scored, counts, unseen)
    assert places == {1: 1, 3: 2}
    assert live[0].tolist() == counts[[0, 7, 14, 21]].sum(axis=0).tolist()


def test_one_slot_is_no_slot() -> None:
    """Where all windows are of one season, the lines are those without seasons."""
    random = np.random.default_rng(43)
    counts = random.multinomial(ROWS, np.full(12, 1 / 12), 60)
    feature = FeatureHistory("x", "numeric", np.hstack([counts, np.zeros((60, 1), np.int64)]), np.zeros(60, np.int64))
    days = np.arange(60)
    plain, slotted = calibrate([feature], days, 1.0), calibrate([feature], days, 1.0, slots=np.full(60, 5))
    assert slotted.replay.raw.tolist() == plain.replay.raw.tolist()
    assert slotted.replay.gamma == plain.replay.gamma
    assert slotted.compared("x", 5) is not None
    assert slotted.compared("x", 5).tolist() == plain.compared("x").tolist()  # type: ignore[union-attr]  # both are there
