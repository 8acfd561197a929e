"""The drift detector: how a reference comes to be, and what a window's profile holds."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.plain import pack, unpack
from detectors import catalog
from detectors.drift.baseline import BaselineBuilder
from detectors.drift.drift import Drift
from detectors.drift.histories import Histories
from detectors.drift.state import MOST_COUNTS, MOST_WINDOWS, DriftState, state_from
from detectors.drift.stored_window import When
from detectors.types import Category, Profile
from tests.fakes.drift_stream import DRIFT, batch, day, finding, gauges, history, hour, ordinary, same, steps

COLUMNS = st.lists(st.tuples(st.floats(width=64), st.sampled_from(["a", "b", "", "zebra", None]), st.booleans()), min_size=1, max_size=40)


@given(COLUMNS, st.lists(st.integers(0, 40), max_size=3), st.randoms(use_true_random=False), st.booleans())
@settings(max_examples=100, deadline=None)
def test_profiles_do_not_depend_on_cut_or_order(rows: list[Any], cuts: list[int], random: Any, fixed: bool) -> None:  # noqa: FBT001 - drawn
    """The same rows cut and ordered in any way merge to bit-identical profiles, before and after cells exist."""
    generator = np.random.default_rng(1)
    state = (
        history(
            {
                day(n): batch({"x": generator.normal(size=90), "c": Category.of(["a", "b", "q"] * 30), "f": generator.normal(size=90) > 0})
                for n in range(3)
            }
        )
        if fixed
        else DriftState()
    )
    numbers, names, flags = zip(*rows, strict=True)
    whole = batch({"x": np.array(numbers), "c": Category.of(names), "f": np.array(flags)})
    order = list(range(len(rows)))
    random.shuffle(order)
    merged = Profile()
    for part in np.split(np.array(order, np.intp), sorted(min(cut, len(order)) for cut in cuts)):
        merged = merged.merge(DRIFT.observe(state, whole.take(part)))
    one = DRIFT.observe(state, whole)
    zero = {name: np.zeros_like(vector) for name, vector in one.counts.items()}
    tallies = {name: {value: rows for value, rows in tally.items() if rows} for name, tally in merged.tallies.items()}
    assert same(Profile(zero, {}).merge(Profile(merged.counts, tallies)), one)


def test_a_window_that_began_before_its_cells_counts_the_same() -> None:
    """Rows tallied before the cells were cut and rows counted after it give the vector that all rows counted after it give."""
    random = np.random.default_rng(2)
    state = DriftState()
    open_window = batch(ordinary(random, 500))
    early = DRIFT.observe(state, open_window.take(np.arange(200)))
    *_, last = steps(state, {hour(n): batch(ordinary(random, 700)) for n in range(3)})
    late = DRIFT.observe(last.state, open_window.take(np.arange(200, 500)))
    mixed = DRIFT.step(last.state, hour(3), early.merge(late))
    whole = DRIFT.step(last.state, hour(3), DRIFT.observe(last.state, open_window))
    assert [one.methods["psi"] for one in mixed.findings] == [one.methods["psi"] for one in whole.findings]
    assert mixed.state.windows[-1].packed == whole.state.windows[-1].packed


def test_without_a_reference_cells_are_cut_at_two_thousand_rows_and_all_windows_count() -> None:
    """Nothing is said before 2,000 rows; then earlier windows are the reference, and it grows until calibrated."""
    random = np.random.default_rng(3)
    found = steps(DriftState(), {day(n): batch(ordinary(random, 400)) for n in range(60)})
    assert [len(step.findings) for step in found[:5]] == [0, 0, 0, 0, 2]
    assert [len(step.state.windows) for step in found[:6]] == [0, 0, 0, 0, 5, 6]
    statuses = [finding(step, "x").status for step in found[4:]]
    assert statuses == ["uncalibrated"] * 16 + ["provisional"] * 30 + ["calibrated"] * 10
    assert len(found[-1].state.windows) == 50
    assert found[-1].state.frozen
    assert np.isnan(finding(found[7], "x").severity)
    assert not np.isnan(finding(found[8], "x").severity)
    assert "provisional: 29 of 50 days" in finding(found[29], "x").explanation
    assert "calibrated on 50 days" in finding(found[-1], "x").explanation


def test_history_starts_calibrated_and_finds_a_shift() -> None:
    """56 days of history judge the first live window; half a sd pages on the first day, with a sentence that says so."""
    random = np.random.default_rng(4)
    state = history({day(n): batch(ordinary(random, 1000), prediction=random.normal(size=1000)) for n in range(56)})
    shifted = {**ordinary(random, 1000), "x": random.normal(0.5, 1, 1000)}
    (step,) = steps(state, {day(56): batch(shifted, prediction=random.normal(size=1000))})
    assert (finding(step, "x").severity, finding(step, "x").level) == (finding(step, "x", "rolling").severity, "information")
    found = finding(step, "x", "rolling")
    assert (found.kind, found.reference, found.status, found.level, found.mde_unit) == ("data", "rolling", "calibrated", "page", "sd")
    assert found.severity > 1
    assert found.severity == pytest.approx(found.statistic / found.threshold)
    assert "median" in found.explanation
    assert "calibrated on 56 days; shifts of" in found.explanation
    assert finding(step, "prediction").kind == "prediction"
    seen = gauges(step)
    assert seen["drift.severity", "data", "x", "fixed"] == found.severity
    assert seen["drift.features.ratio", "data", "fixed"] == 0.5
    assert seen["drift.features.ratio", "prediction", "fixed"] == 0
    assert seen["drift.score", "data", "x", "fixed", "wasserstein"] == pytest.approx(0.5, abs=0.15)
    assert seen["reference.status", "fixed", "calibrated"] == 1
    assert seen["reference.status", "rolling", "calibrated"] == 1
    assert sum(value for name, value in seen.items() if name[0] == "reference.status") == 2
    assert seen["reference.missing", "fixed"] == 0
    assert ("drift.mde", "data", "x", "fixed") in seen
    assert ("drift.mde", "data", "c", "fixed") not in seen


def test_every_gauge_is_of_the_catalogue_with_its_attributes() -> None:
    """Scores use the metrics the detector lists, with exactly their attributes beside the stream's."""
    random = np.random.default_rng(5)
    state = history({day(n): batch(ordinary(random, 200)) for n in range(30)})
    (step,) = steps(state, {day(30): batch(ordinary(random, 200))})
    for score in step.scores:
        assert score.metric in Drift.metrics
        assert set(score.attributes) | set(catalog.STREAM) == set(score.metric.attributes)
        assert np.isfinite(score.value)


def test_file_and_history_together() -> None:
    """The file fixes cells and distribution, the windows of the history the variation: a constant offset from the file is drift."""
    random = np.random.default_rng(6)
    training = batch({"x": random.normal(size=20_000)})
    builder = BaselineBuilder()
    builder.learn(training)
    builder.fix()
    builder.count(training, None)
    past = BaselineBuilder(start=builder.state())
    for n in range(56):
        past.count(batch({"x": random.normal(0.3, 1, 1000)}), day(n))
    (step,) = steps(past.state(), {day(56): batch({"x": random.normal(0.3, 1, 1000)})})
    found = finding(step, "x")
    assert found.status == "calibrated"
    assert found.severity > 1
    assert found.methods["wasserstein"] == pytest.approx(0.3, abs=0.1)


@pytest.mark.parametrize("at", [1, 4, 5, 12, 25, 55])
def test_a_saved_state_goes_on_as_if_nothing_had_happened(at: int) -> None:
    """State packed and unpacked at any point of a reference's life leads to the same findings."""
    random = np.random.default_rng(7)
    windows = {day(n): batch(ordinary(random, 450)) for n in range(at + 4)}
    first = steps(DriftState(), dict(list(windows.items())[:at]))
    again = DRIFT.restore(unpack(pack(first[-1].state.plain())))
    rest = dict(list(windows.items())[at:])
    left, right = steps(first[-1].state, rest), steps(again, rest)
    assert repr([step.findings for step in left]) == repr([step.findings for step in right])
    assert pack(left[-1].state.plain()) == pack(right[-1].state.plain())
    with pytest.raises(ValueError, match="version"):
        state_from({**again.plain(), "version": 99})


def test_too_few_rows_are_insufficient_and_never_fine() -> None:
    """Windows of 1 and 20 rows are published as such, alarm nothing and enter no reference; no rows at all say nothing."""
    random = np.random.default_rng(8)
    state = history({day(n): batch(ordinary(random, 200)) for n in range(30)})
    for rows in (1, 20):
        (step,) = steps(state, {day(30): batch(ordinary(random, rows))})
        assert {(one.status, one.level) for one in step.findings} == {("insufficient", None)}
        assert f"{rows} rows" in step.findings[0].explanation
        assert gauges(step)["reference.status", "fixed", "insufficient"] == 1
        assert len(step.state.windows) == 30
    assert DRIFT.step(state, day(31), Profile()).scores == ()


def test_ten_million_rows_are_judged() -> None:
    """Counts of 10^7 rows against a reference of 10^4 a window: no overflow, no false alarm on the same shares."""
    random = np.random.default_rng(9)
    state = history({day(n): batch({"x": random.normal(size=10_000)}) for n in range(56)})
    profile = DRIFT.observe(state, batch({"x": random.normal(size=100_000)}))
    large = Profile({name: counts * 100 for name, counts in profile.counts.items()})
    found = finding(DRIFT.step(state, day(56), large), "x")
    assert found.samples == 10_000_000
    # A hundred times the same 100,000 rows are no 10^7 independent ones: certain, and far too small to matter.
    assert found.level in {None, "information"}
    assert found.methods["wasserstein"] < 0.02


def test_a_reference_smaller_than_the_window_is_judged() -> None:
    """Eight windows of 40 rows judge one of 5,000, as information only."""
    random = np.random.default_rng(10)
    state = history({day(n): batch({"x": random.normal(size=40)}) for n in range(8)})
    (step,) = steps(state, {day(8): batch({"x": random.normal(3, 1, 5000)})})
    assert finding(step, "x").status == "uncalibrated"
    assert finding(step, "x").level == "information"


def test_values_only_one_block_has_are_unseen() -> None:
    """A value of the vocabulary that occurs in one week only is unseen there, whether it has a cell of its own or not."""
    common = ["a", "b"] * 30
    windows = {day(n): batch({"c": Category.of([*common, *([f"rare {n}"] if n in {9, 30} else []), "both"])}) for n in range(35)}
    windows |= {day(35): batch({"c": Category.of([*common, "rare 30"])})}
    state = history(windows)
    features = Histories(state)
    assert np.flatnonzero(features[0].unseen).tolist() == [9]
    many = {day(n): batch({"c": Category.of([*(f"k{number}" for number in range(20)), *common, f"rare {n // 8}"] * 3)}) for n in range(35)}
    state = history(many)
    features = Histories(state)
    # "rare 0" has days 0-7, two weeks; "rare 1" 8-15, "rare 2" 16-23, "rare 3" 24-31, "rare 4" 32-34, the last one week.
    assert np.flatnonzero(features[0].unseen).tolist() == [32, 33, 34]


def test_an_excluded_incident_no_longer_sets_the_line() -> None:
    """A burst in the reference raises the threshold; excluded, it does not, and the reference has a day less."""
    random = np.random.default_rng(17)
    days = {day(n): batch({"x": random.normal(3.0 * (n == 20), 1, 500)}) for n in range(60)}
    state = history(days)
    live = {day(60): batch({"x": random.normal(0.35, 1, 500)})}
    (before,) = steps(state, live)
    start = int(day(20).start.timestamp())
    (after,) = steps(state.exclude(start, start + 86_400), live)
    assert finding(after, "x").severity > finding(before, "x").severity
    assert "on 59 days" in finding(after, "x").explanation


def test_a_changed_budget_calibrates_anew() -> None:
    """The lines follow the endpoint's budget, also for a reference that grows no more."""
    random = np.random.default_rng(18)
    state = history({day(n): batch(ordinary(random, 300)) for n in range(56)})
    (usual,) = steps(state, {day(56): batch(ordinary(random, 300))})
    profile = DRIFT.observe(state, batch(ordinary(random, 300)))
    strict = Drift(budget=0.25).step(usual.state, day(57), profile)
    assert finding(strict, "x").threshold > finding(usual, "x").threshold
    assert finding(strict, "x").status == "provisional"
    assert not strict.state.frozen


def test_the_reference_is_bounded() -> None:
    """No more than 9,000 windows are kept, fewer of many features, packed to some hundred bytes a feature."""
    one = DriftState()
    random = np.random.default_rng(19)
    state = steps(one, {hour(0): batch({"x": random.normal(size=3000)})})[0].state
    vector = DRIFT.observe(state, batch({"x": random.normal(size=100)})).counts["feature/x"]
    state = replace(state, windows=state.windows * (MOST_WINDOWS - 1))
    for number in range(5):
        state = state.add(When(number, number // 96, 0), [vector], {})
    assert len(state.windows) == MOST_WINDOWS
    assert len(state.windows[-1].packed) < 250
    many = replace(state, cells=tuple(replace(state.cells[0], name=f"x{number}") for number in range(50)))
    assert many.most_windows == MOST_COUNTS // (50 * state.cells[0].grid.columns)
