"""The number of rows of a window: both ways, by hour and weekday, priced by the past, and never said where it is not known."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats  # type: ignore[import-untyped]  # SciPy ships no types

from detectors.drift.calendar import Days
from detectors.drift.drift import Drift
from detectors.drift.row_counts import CUT
from detectors.drift.state import DriftState
from detectors.quality.row_count import LEAST_WINDOWS, Usual, fit, judge
from detectors.quality.volumes import MOST, Volumes
from detectors.types import Batch, Finding, Profile, Step
from tests.fakes.drift_stream import START, batch, day, gauges, history, hour

Ints = NDArray[np.int64]
FIRST = START.toordinal()
DRIFT = Drift()


def volumes(rows: Ints, per_day: int) -> Volumes:
    """Return windows of so many a day from the first day on; those without a row never were."""
    days = FIRST + np.repeat(np.arange(len(rows) // per_day), per_day)
    hours = np.tile(np.arange(per_day) * 24 // per_day, len(rows) // per_day)
    kept = rows > 0
    return Volumes(days[kept] * 86_400, days[kept], hours[kept], rows[kept])


def season(days: int) -> NDArray[np.float64]:
    """Return the rows to be expected in each hour: busy at noon, a third at week-ends, hardly any at night."""
    hours = np.tile(np.arange(24), days)
    weekend = (np.repeat(np.arange(days), 24) + FIRST - 1) % 7 >= 5
    return 20 + 600 * np.exp(-(((hours - 13) / 4) ** 2)) * np.where(weekend, 0.3, 1.0)


@pytest.mark.parametrize(
    ("rows", "unusual"), [(1, True), (200, True), (390, False), (400, False), (410, False), (800, True), (10**7, True)]
)
def test_far_fewer_and_far_more_are_unusual(rows: int, unusual: bool) -> None:  # noqa: FBT001 - a table
    """Against 56 days of some 400 rows; the bounds that are told part the two."""
    usual = fit(volumes(np.random.default_rng(1).poisson(400, 56), 1), FIRST + 56, 1.0)
    verdict = judge(usual, FIRST + 56, 0, rows)
    assert verdict is not None
    assert (verdict.severity > 1) is unusual
    assert verdict.matters is unusual
    assert (verdict.usual[0] <= rows <= verdict.usual[1]) is not unusual
    assert (verdict.p_value == 1 / 57) is unusual


def test_the_scatter_is_that_of_a_negative_binomial() -> None:
    """Counts of mean 300 and size 12 (SciPy's) have the excess 1/12, and a window at the median has no severity."""
    rows = stats.nbinom.rvs(12, 12 / 312, size=24 * 56, random_state=2)
    usual = fit(volumes(rows, 24), FIRST + 56, 1.0)
    assert usual.slots == "none"
    assert usual.excess == pytest.approx(1 / 12, rel=0.25)
    middle = judge(usual, FIRST + 56, 3, int(stats.nbinom.median(12, 12 / 312)))
    assert middle is not None
    assert middle.severity < 0.1


def test_the_night_is_no_alarm_and_a_night_at_noon_is() -> None:
    """Slots are found by themselves: 20 rows are usual at three in the morning, and far too few at noon."""
    usual = fit(volumes(np.random.default_rng(3).poisson(season(56)), 24), FIRST + 56, 1.0)
    assert usual.slots == "hour_of_week"
    night, noon, sunday = (judge(usual, FIRST + 56 + later, at, rows) for later, at, rows in ((0, 3, 20), (0, 12, 20), (6, 12, 200)))
    assert night is not None
    assert noon is not None
    assert sunday is not None
    assert night.severity < 0.5
    assert noon.severity > 3
    assert sunday.severity < 1


def test_what_is_not_known_is_not_said() -> None:
    """Too few windows, and an hour that has hardly been seen, have no verdict: neither good nor bad."""
    few = fit(volumes(np.full(LEAST_WINDOWS - 1, 400), 1), FIRST + 7, 1.0)
    assert judge(few, FIRST + 7, 0, 1) is None
    rows = np.random.default_rng(4).poisson(season(56)).reshape(56, 24)
    rows[:, 4] = 0
    rows[:3, 4] = 20
    usual = fit(volumes(rows.ravel(), 24), FIRST + 56, 1.0)
    assert judge(usual, FIRST + 56, 4, 1) is None
    assert judge(usual, FIRST + 56, 5, 1) is not None


def scattered(kind: str, days: int, random: np.random.Generator) -> Ints:
    """Return hourly rows of a season that scatters as the kind says."""
    rate = season(days)
    if kind == "bursts":
        rate = rate * np.exp(0.15 * random.standard_t(4, len(rate)))
    elif kind == "days":
        rate = rate * np.repeat(np.exp(random.normal(0, 0.25, days)), 24)
    elif kind == "overdispersed":
        rate = rate * random.gamma(15, 1 / 15, len(rate))
    return random.poisson(rate)


@pytest.mark.parametrize("kind", ["independent", "bursts", "days", "overdispersed"])
def test_no_more_warnings_than_the_budget_has_episodes(kind: str) -> None:
    """Over eight streams of 90 live days where nothing changes, the mean is under one warning day per 30 days."""
    random = np.random.default_rng(5)
    told = 0
    for _ in range(8):
        rows = scattered(kind, 56 + 90, random).reshape(-1, 24)
        usual = Usual("none", {}, 0.0, 1.0, np.zeros(0), 0, 0, 1.0)
        for live in range(56, 56 + 90):
            if (live - 56) % 7 == 0:
                usual = fit(volumes(rows[live - 56 : live].ravel(), 24), FIRST + 56, 1.0)
            verdicts = [judge(usual, FIRST + live, at, int(rows[live, at])) for at in range(24)]
            told += any(one is not None and one.severity > 1 and one.matters for one in verdicts)
    assert told / (8 * 90 / 30) < 1


def test_an_outage_among_the_past_windows_does_not_hide_the_next() -> None:
    """One day of 5 rows in 56 is what the budget allows itself: another is told."""
    rows = np.random.default_rng(6).poisson(400, 56)
    rows[20] = 5
    verdict = judge(fit(volumes(rows, 1), FIRST + 56, 1.0), FIRST + 56, 0, 5)
    assert verdict is not None
    assert verdict.severity > 1


@given(st.lists(st.integers(1, 10**9), min_size=LEAST_WINDOWS, max_size=80), st.sampled_from([1, 4, 24]), st.integers(1, 10**9))
@settings(deadline=None)
def test_whatever_was_before_the_answer_is_a_number(rows: list[int], per_day: int, now: int) -> None:
    """Never NaN, never a negative bound; a window between the bounds is usual."""
    whole = rows[: len(rows) // per_day * per_day]
    usual = fit(volumes(np.array(whole, np.int64), per_day), FIRST + len(whole) // per_day, 1.0)
    verdict = judge(usual, FIRST + len(whole) // per_day, 0, now)
    if verdict is not None:
        low, high = verdict.usual
        assert np.isfinite([verdict.z, verdict.severity, verdict.p_value, low, high, verdict.seen]).all()
        assert 0 <= low <= high
        assert (verdict.severity > 1) is not (low - 1e-6 * low <= now <= high + 1e-6 * high) or verdict.severity == pytest.approx(
            1, abs=1e-3
        )


def test_the_past_is_bounded() -> None:
    """No more than `MOST` windows, and none that is older than eight weeks and a few days."""
    starts, days, hours, rows = (np.zeros(MOST, np.int64) + number for number in (0, FIRST, 0, 5))
    past = Volumes(starts, days, hours, rows)
    state = DriftState(volumes=past)
    assert len(state.volumes) == MOST
    state, _ = stepped(state, FIRST - START.toordinal(), 50)
    assert len(state.volumes) == MOST
    state, _ = stepped(state, 100, 50)
    assert len(state.volumes) == 1


def stepped(state: DriftState, number: int, rows: int, detector: Drift = DRIFT, **more: Ints) -> tuple[DriftState, Step]:
    """Judge the n-th day with so many rows."""
    profile = detector.observe(state, batch({"x": np.random.default_rng(number).normal(size=rows)})).merge(Profile(more))
    step = detector.step(state, day(number), profile)
    return step.state, step


def said(step: Step) -> Finding | None:
    """Return what is said of the number of rows."""
    return next((one for one in step.findings if (one.kind, one.feature) == ("quality", "rows")), None)


@pytest.fixture(scope="module")
def fifty_six() -> DriftState:
    """A reference of 56 days of some 400 rows, one of them with 20, which is too few to be judged for drift."""
    random = np.random.default_rng(7)
    sizes = [20 if number == 30 else int(random.poisson(400)) for number in range(56)]
    return history({day(number): batch({"x": random.normal(size=rows)}) for number, rows in enumerate(sizes)})


def test_a_small_window_is_a_warning_of_data_quality(fifty_six: DriftState) -> None:
    """Not the first live window, which may have begun before the agent; then one of 12 rows is told with what is usual."""
    assert len(fifty_six.volumes) == 56
    assert len(fifty_six.windows) == 55
    state, first = stepped(fifty_six, 56, 12)
    assert said(first) is None
    assert ("drift.severity", "quality", "rows", "rolling") not in gauges(first)
    state, fine = stepped(state, 57, 400)
    assert said(fine) is None
    assert gauges(fine)["drift.severity", "quality", "rows", "rolling"] < 1
    state, low = stepped(state, 58, 12)
    told = said(low)
    assert told is not None
    assert (told.level, told.status, told.samples, told.reference) == ("warning", "calibrated", 12, "rolling")
    assert told.explanation.startswith("12 rows in this window, ")
    assert gauges(low)["data.rows.lower",] < 400 < gauges(low)["data.rows.upper",]
    assert {one.status for one in low.findings if one.kind == "data"} == {"insufficient"}


def test_saved_and_taken_back_it_says_the_same(fifty_six: DriftState) -> None:
    """Whatever the moment of a restart."""
    state, _ = stepped(fifty_six, 56, 400)
    state, _ = stepped(state, 57, 400)
    again = DRIFT.restore(state.plain())
    left, right = (stepped(one, 58, 100)[1] for one in (state, again))
    assert said(left) == said(right)
    assert said(left) is not None
    old = {name: value for name, value in state.plain().items() if name not in {"volumes", "usual"}}
    assert said(stepped(DRIFT.restore(old), 58, 100)[1]) is None


def test_a_window_cut_by_the_end_of_a_replay_is_not_judged(fifty_six: DriftState) -> None:
    """Its other rows are not there yet."""
    state, _ = stepped(fifty_six, 56, 400)
    assert said(stepped(state, 57, 12)[1]) is not None
    assert said(stepped(state, 57, 12, cut=np.array([1]))[1]) is None
    assert CUT == "cut"


def test_days_off_are_not_learnt_from_and_warn_nobody(fifty_six: DriftState) -> None:
    """A holiday with few rows is information; a span a person excluded is no part of what is usual."""
    holiday = Drift(holidays=(Days(START.date() + timedelta(days=58), START.date() + timedelta(days=58)),))
    state, _ = stepped(fifty_six, 56, 400, holiday)
    state, _ = stepped(state, 57, 400, holiday)
    told = said(stepped(state, 58, 12, holiday)[1])
    assert told is not None
    assert told.level == "information"
    assert "holiday" in told.explanation
    begin = int(START.timestamp())
    without = fifty_six.exclude(begin, begin + 40 * 86_400)
    state, _ = stepped(without, 56, 400)
    assert state.usual is not None
    assert state.usual.windows == 16


def test_a_lasting_change_is_learnt() -> None:
    """Traffic that halves for good is told of as one stretch, and is the usual after eight weeks at the latest."""
    random = np.random.default_rng(8)
    state = history({day(number): batch({"x": random.normal(size=400)}) for number in range(56)})
    told = []
    for number in range(56, 56 + 70):
        state, step = stepped(state, number, int(random.poisson(150)))
        told.append(said(step) is not None)
    assert told[1]
    assert not any(told[50:])


def test_live_learning_warns_from_twenty_windows_on() -> None:
    """Without any reference: nothing under eight windows, information under twenty, warnings from then on."""
    state = DriftState()
    levels = {}
    for number in range(40):
        random = np.random.default_rng(number)
        low = number in {15, 38}
        one = batch({"x": random.normal(size=5 if low else 100)})
        step = DRIFT.step(state, day(number), DRIFT.observe(state, one))
        state = step.state
        told = said(step)
        levels[number] = told.level if told else None
    assert {number: level for number, level in levels.items() if level} == {15: "information", 38: "warning"}


def test_calls_are_counted_too() -> None:
    """An hour with a tenth of the usual calls is told for endpoints of language models as for tables."""

    def calls(rows: int) -> Batch:
        return Batch("chat", "calls", rows, {"duration": np.random.default_rng(rows).lognormal(size=rows)})

    state = DriftState()
    random = np.random.default_rng(9)
    for number in range(24 * 15):
        state = DRIFT.step(state, hour(number), DRIFT.observe(state, calls(int(random.poisson(60))))).state
    step = DRIFT.step(state, hour(24 * 15), DRIFT.observe(state, calls(6)))
    told = said(step)
    assert told is not None
    assert told.level == "warning"
    assert date.fromordinal(FIRST) == START.date()
