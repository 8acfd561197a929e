"""Sums over whole days: small changes that last are found, wild days weigh no more than others, and states survive a restart."""

import json
from dataclasses import replace

import msgpack  # type: ignore[import-untyped]  # msgpack ships no types
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats  # type: ignore[import-untyped]  # SciPy ships no types

from detectors.drift.calibration import Calibration, DayState, FeatureHistory, MinEffect, calibrate
from detectors.drift.days import reached_by
from detectors.drift.evidence import LEAST_DAYS, span_sums
from detectors.drift.feature_evidence import SPANS
from detectors.drift.verdict import FeatureVerdict

Ints = NDArray[np.int64]

EDGES = stats.norm.ppf(np.arange(1, 20) / 20)
DAYS = 56
ROWS = 800


def numbers(days: int, rows: int, shift: float, wander: float, random: np.random.Generator) -> Ints:
    """Return the counts [days, 21] of a normal column whose mean wanders from day to day."""
    means = shift + wander * random.standard_normal(days)
    below = np.column_stack([np.zeros(days), stats.norm.cdf(EDGES - means[:, None]), np.ones(days)])
    return np.array([[*random.multinomial(rows, share), 0] for share in np.diff(below, axis=1)])


def categories(days: int, rows: int, first: float, random: np.random.Generator) -> Ints:
    """Return the counts [days, 8] of five values, `first` the share of the first; last other, new, missing."""
    rest = (1 - first) * np.array([0.4, 0.3, 0.2, 0.1])
    return np.array([[*random.multinomial(rows, [first, *rest]), 0, 0, 0] for _ in range(days)])


def histories(random: np.random.Generator, days: int = DAYS, a_day: int = 1) -> list[FeatureHistory]:
    none = np.zeros(days * a_day, np.int64)
    return [
        FeatureHistory("age", "numeric", numbers(days * a_day, ROWS, 0.0, 0.1, random), none),
        FeatureHistory("income", "numeric", numbers(days * a_day, ROWS, 0.0, 0.05, random), none),
        FeatureHistory("plan", "categorical", categories(days * a_day, ROWS, 0.2, random), none),
    ]


def run(calibration: Calibration, counts: dict[str, Ints], a_day: int = 1) -> list[dict[str, FeatureVerdict]]:
    """Judge windows one after the other, from the day after the reference."""
    state, found = DayState(), []
    for row in range(len(next(iter(counts.values())))):
        state, verdict = calibration.judge(state, DAYS + row // a_day, {name: vectors[row] for name, vectors in counts.items()})
        found.append({one.feature: one for one in verdict.features})
    return found


def live(random: np.random.Generator, days: int, shift: float = 0.0, first: float = 0.2) -> dict[str, Ints]:
    return {
        "age": numbers(days, ROWS, shift, 0.1, random),
        "income": numbers(days, ROWS, 0.0, 0.05, random),
        "plan": categories(days, ROWS, first, random),
    }


def test_a_shift_that_lasts_is_found_where_a_day_hardly_sees_it() -> None:
    """Twice what the days differ by themselves, from the fourth day on: sums flag at least twice the days that single days do."""
    flagged = {True: 0, False: 0}
    for seed in range(8):
        random = np.random.default_rng([3, seed])
        reference, counts = histories(random), live(random, 14, shift=0.2)
        for evidence in flagged:
            verdicts = run(calibrate(reference, np.arange(DAYS), 1.0, evidence=evidence), counts)
            flagged[evidence] += sum(found["age"].alarm for found in verdicts[3:])
    assert flagged[True] >= 2 * flagged[False]
    assert flagged[True] >= 0.7 * 8 * 11


def test_a_sum_says_what_it_saw() -> None:
    """The sentence names the days, the direction and the size; severity is strength over its line; the other features are quiet."""
    random = np.random.default_rng(3)
    calibration = calibrate(histories(random), np.arange(DAYS), 1.0, evidence=True)
    verdicts = run(calibration, live(random, 9, shift=0.2))
    assert not any(found["income"].alarm or found["plan"].alarm for found in verdicts)
    last = verdicts[-1]["age"]
    assert (last.test, last.span, last.level) == ("location", 7, "page")
    assert last.severity == pytest.approx(last.statistic / last.threshold)
    assert last.severity > 1
    assert last.explanation.startswith("over the last 7 days values higher by 0.2")


def test_a_category_that_grows_is_found() -> None:
    """Four points more of one category are found within a week, and named a share."""
    random = np.random.default_rng(4)
    calibration = calibrate(histories(random), np.arange(DAYS), 1.0, evidence=True)
    verdicts = run(calibration, live(random, 10, first=0.24))
    assert verdicts[6]["plan"].alarm
    assert verdicts[6]["plan"].test == "share"
    assert "share of one category" in verdicts[6]["plan"].explanation


def test_one_wild_day_is_left_to_the_rule() -> None:
    """However far a day lies out, it adds no more than the bound: no sum of days alarms for it."""
    random = np.random.default_rng(5)
    calibration = calibrate(histories(random), np.arange(DAYS), 1.0, evidence=True)
    counts = live(random, 12)
    counts["age"][3] = numbers(1, ROWS, 5.0, 0.0, random)[0]
    verdicts = run(calibration, counts)
    assert verdicts[3]["age"].alarm
    assert not any(found["age"].span and found["age"].alarm for found in verdicts)


def test_one_row_a_day_is_no_change() -> None:
    """One missing row and one new category a day sum up to nothing, for they rise by less than matters."""
    random = np.random.default_rng(6)
    calibration = calibrate(histories(random), np.arange(DAYS), 1.0, evidence=True)
    counts = live(random, 14)
    for name, column in (("age", -1), ("plan", -2)):
        counts[name][:, 0] -= 1
        counts[name][:, column] += 1
    for found in run(calibration, counts):
        for name in ("age", "plan"):
            assert not (found[name].alarm and found[name].span)


def test_without_whole_weeks_there_is_none() -> None:
    """Below six weeks of days a calibration has no evidence, and its lines are those of single days."""
    reference = histories(np.random.default_rng(7), LEAST_DAYS - 1)
    calibration = calibrate(reference, np.arange(LEAST_DAYS - 1), 1.0, evidence=True)
    assert calibration.evidence is None
    assert calibration.line == calibration.replay.gamma


@pytest.mark.parametrize("a_day", [1, 4])
def test_a_restart_changes_nothing(a_day: int) -> None:
    """A state saved and restored after any window leads to the same verdicts."""
    random = np.random.default_rng(8)
    calibration = calibrate(histories(random, a_day=a_day), np.repeat(np.arange(DAYS), a_day), 1.0, evidence=True)
    counts = live(random, 10 * a_day, shift=0.1)
    kept = restarted = DayState()
    for row in range(10 * a_day):
        window = {name: vectors[row] for name, vectors in counts.items()}
        kept, expected = calibration.judge(kept, DAYS + row // a_day, window)
        packed = msgpack.packb(restarted.plain(), default=lambda array: array.tolist())
        restarted, actual = calibration.judge(DayState.from_plain(msgpack.unpackb(packed)), DAYS + row // a_day, window)
        assert repr(actual) == repr(expected)


def test_a_state_without_sums_is_read() -> None:
    """A state of the rule of single days carries over; it has seen no whole day yet."""
    saved = json.loads(json.dumps(DayState().plain()))
    assert DayState.from_plain(saved) == DayState()
    del saved["whole"]
    assert DayState.from_plain(saved) == DayState()


def test_days_of_many_windows_count_when_they_are_over() -> None:
    """With four windows a day nothing of today is in the sum; a day of one window is left out."""
    random = np.random.default_rng(9)
    calibration = calibrate(histories(random, a_day=4), np.repeat(np.arange(DAYS), 4), 1.0, evidence=True)
    state = DayState()
    for row in range(40):
        day = DAYS + row // 4
        if day == DAYS + 5 and row % 4:
            continue
        before = list(state.whole.weighed)
        state, _ = calibration.judge(state, day, {name: vectors[0] for name, vectors in live(random, 1).items()})
        assert day not in state.whole.weighed
        assert (list(state.whole.weighed) == before) == (row % 4 > 0 or row == 0 or day == DAYS + 6)
    assert DAYS + 5 not in state.whole.weighed
    assert len(state.whole.weighed) == 6


def test_another_reference_reads_the_days_it_knows() -> None:
    """After a refit with other categories the days already weighed still count for the labels both have."""
    random = np.random.default_rng(10)
    reference = histories(random)
    first = calibrate(reference, np.arange(DAYS), 1.0, evidence=True)
    lost = reference[2].counts.copy()
    lost[:, 0] += lost[:, 4]
    lost[:, 4] = 0
    second = calibrate([*reference[:2], replace(reference[2], counts=lost)], np.arange(DAYS), 1.0, evidence=True)
    state = DayState()
    for row in range(6):
        state, _ = first.judge(state, DAYS + row, {name: vectors[0] for name, vectors in live(random, 1, shift=0.5).items()})
    _, verdict = second.judge(state, DAYS + 6, {name: vectors[0] for name, vectors in live(random, 1, shift=0.5).items()})
    assert verdict.of("age").alarm


def test_sums_of_independent_days_are_standard() -> None:
    """Over days that are all there the sum over the root of their number has variance 1, whatever the span."""
    values = np.random.default_rng(11).standard_normal((4000, 2))
    days = np.arange(4000)
    for span in SPANS:
        sums = span_sums(days, values, days, span)
        assert np.isnan(sums[: span // 2]).all()
        assert np.var(sums[span:]) == pytest.approx(1, abs=0.15)


def test_lines_hold_on_other_days_of_the_same_kind() -> None:
    """Over many references, other days of the same kind stay under the line: at most one day in thirty is above it, all features together."""
    above, seen = 0, 0
    for seed in range(12):
        random = np.random.default_rng([12, seed])
        calibration = calibrate(histories(random), np.arange(DAYS), 1.0, evidence=True)
        for found in run(calibration, live(random, 40)):
            above += any(one.alarm for one in found.values())
            seen += 1
    assert above <= seen / 30


def test_smallest_effect_keeps_a_page_away() -> None:
    """A shift that is real but smaller than what matters is information."""
    random = np.random.default_rng(13)
    strict = calibrate(histories(random), np.arange(DAYS), 1.0, MinEffect(sd=1.0, psi=1.0), evidence=True)
    last = run(strict, live(random, 10, shift=0.25))[-1]["age"]
    assert last.alarm
    assert last.level == "information"
    assert "too small to matter" in last.explanation


def test_wild_spread_leaves_the_line_of_location_alone() -> None:
    """Days on which the spread of some column bursts raise no line of location where sums are judged; without sums one line holds both."""
    days, lines = np.arange(DAYS), {}
    for name in ("calm", "wild"):
        random = np.random.default_rng(14)
        reference = histories(random)
        for place, day in enumerate((4, 11, 20, 26, 33, 47)):
            counts = numbers(DAYS, ROWS, 0.0, 0.1, random)
            if name == "wild":
                counts[day] = 0
                counts[day, [0, 19]] = ROWS // 2
            reference.append(FeatureHistory(f"x{place}", "numeric", counts, np.zeros(DAYS, np.int64)))
        for evidence in (True, False):
            replayed = calibrate(reference, days, 1.0, evidence=evidence).replay
            lines[evidence, name] = replayed.thresholds[replayed.tests.index("location")]
    assert lines[True, "wild"] < 1.2 * lines[True, "calm"]
    assert lines[False, "wild"] > 1.5 * lines[False, "calm"]


def test_days_that_stand_together_count_once() -> None:
    """With two episodes allowed, two wild days in a row leave room for another; far apart they are the two. What sets the line is named."""
    days, lines = np.arange(2 * DAYS), {}
    for name, second in (("together", 41), ("apart", 80)):
        reference = histories(np.random.default_rng(15), len(days))
        for place, day in ((0, 40), (1, second)):
            reference[place].counts[day] = numbers(1, ROWS, 2.0, 0.0, np.random.default_rng(16))[0]
        calibration = calibrate(reference, days, 0.6, evidence=True)
        assert calibration.replay.rank == 2
        lines[name] = calibration.line
        if name == "apart":
            assert {one.day for one in calibration.deciding if one.decides} == {40, second}
    assert lines["together"] < 0.7 * lines["apart"]


@pytest.mark.parametrize(("episodes", "expected"), [(1, 9.0), (2, 5.0), (3, 2.0), (4, 1.0)])
def test_a_line_is_reached_by_so_many_episodes(episodes: int, expected: float) -> None:
    """Days at most two apart join, days without a value count for nothing, and with too few episodes the lowest value is taken."""
    present = np.array([1, 3, 4, 8, 10, 12, 20])
    values = np.array([9.0, 8.0, 7.0, np.nan, 5.0, 1.0, 2.0])
    assert reached_by(present, values, episodes) == expected
