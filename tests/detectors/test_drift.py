"""The drift detector: how a reference comes to be, what a window's profile holds, and answers for every kind of bad column."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.plain import pack, unpack
from detectors import catalog
from detectors.drift.baseline import BaselineBuilder
from detectors.drift.drift import Drift
from detectors.drift.learning import histories
from detectors.drift.state import MOST_WINDOWS, DriftState, state_from
from detectors.types import Batch, Category, Column, Finding, Profile, Step, Text, Window

START = datetime(2025, 3, 3, tzinfo=UTC)
DRIFT = Drift()
NAMES = tuple(f"v{number}" for number in range(40))


def hour(number: int) -> Window:
    """Return the n-th hour."""
    return Window(START + timedelta(hours=number), START + timedelta(hours=number + 1))


def day(number: int) -> Window:
    """Return the n-th day."""
    return Window(START + timedelta(days=number), START + timedelta(days=number + 1))


def batch(features: Mapping[str, Column], **columns: Column) -> Batch:
    """Return rows of these features."""
    return Batch("e", "rows", len(next(iter({**features, **columns}.values()))), columns, features)


def ordinary(random: np.random.Generator, rows: int) -> dict[str, Column]:
    """Return a numeric and a categorical feature without surprises."""
    return {"x": random.normal(size=rows), "c": Category(random.choice(3, rows, p=[0.6, 0.3, 0.1]).astype(np.int32), NAMES)}


def same(left: Profile, right: Profile) -> bool:
    """Whether two profiles hold the same integers."""
    counts = left.counts.keys() == right.counts.keys() and all(
        np.array_equal(left.counts[name], right.counts[name]) for name in left.counts
    )
    return counts and left.tallies == right.tallies


def history(windows: Mapping[Window, Batch]) -> DriftState:
    """Return a reference built from past windows."""
    builder = BaselineBuilder()
    for one in windows.values():
        builder.learn(one)
    builder.fix()
    for window, one in windows.items():
        builder.count(one, window)
    return builder.state()


def steps(state: DriftState, windows: Mapping[Window, Batch]) -> list[Step]:
    """Run a detector over windows."""
    found = []
    for window, one in windows.items():
        step = DRIFT.step(state, window, DRIFT.observe(state, one))
        state = step.state
        found.append(step)
    return found


def finding(step: Step, feature: str) -> Finding:
    """Return what was said of a feature."""
    (found,) = [one for one in step.findings if one.feature == feature]
    return found


def gauges(step: Step) -> dict[tuple[str, ...], float]:
    """Return the gauges by metric and attribute values."""
    return {(score.metric.name.removeprefix("driftline."), *score.attributes.values()): score.value for score in step.scores}


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
    found = finding(step, "x")
    assert (found.kind, found.reference, found.status, found.level, found.mde_unit) == ("data", "fixed", "calibrated", "page", "sd")
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
    assert sum(value for name, value in seen.items() if name[0] == "reference.status") == 1
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


ROWS = 400
RANDOM = np.random.default_rng(11)
STEADY = [RANDOM.normal(size=ROWS) for _ in range(56)]


def twice(values: Any) -> list[Column]:
    """Return the same kind of column for each reference day."""
    return [values(np.random.default_rng(100 + n)) for n in range(56)]


@pytest.mark.parametrize(
    ("reference", "live", "alarm", "gauge"),
    [
        pytest.param(twice(lambda _: np.full(ROWS, 7.0)), np.full(ROWS, 7.0), False, None, id="constant"),
        pytest.param(twice(lambda _: np.full(ROWS, 7.0)), np.full(ROWS, 8.0), True, ("data.out_of_range.ratio", 1.0), id="another constant"),
        pytest.param(twice(lambda _: np.full(ROWS, np.nan)), np.full(ROWS, np.nan), False, None, id="all missing always"),
        pytest.param(twice(lambda _: np.full(ROWS, np.nan)), STEADY[0], False, None, id="values where there never were any"),
        pytest.param(STEADY, np.full(ROWS, np.nan), True, None, id="all missing now"),
        pytest.param(twice(lambda r: r.integers(0, 2, ROWS)), np.repeat([0, 1], [80, 320]), True, None, id="two values"),
        pytest.param(twice(lambda r: r.poisson(2, ROWS)), np.random.default_rng(12).poisson(2, ROWS), False, None, id="ties"),
        pytest.param(twice(lambda r: r.standard_t(1.1, ROWS)), np.random.default_rng(13).standard_t(1.1, ROWS), False, None, id="heavy tail"),
        pytest.param(STEADY, np.append(STEADY[3][1:], 1e6), False, ("data.out_of_range.ratio", 1 / ROWS), id="one outlier"),
        pytest.param(twice(lambda r: Category(r.integers(0, 3, ROWS).astype(np.int32), NAMES)), Category.constant("other", ROWS), True, ("data.new_category.ratio", 1.0), id="all new categories"),
        pytest.param(twice(lambda r: Category(r.integers(0, 5000, ROWS).astype(np.int32), tuple(f"v{n}" for n in range(5000)))), Category(np.random.default_rng(14).integers(0, 5000, ROWS).astype(np.int32), tuple(f"v{n}" for n in range(5000))), False, None, id="5,000 categories"),
        pytest.param(STEADY, Category.of(["oops"] * ROWS), True, ("data.type_error.ratio", 1.0), id="text instead of numbers"),
        pytest.param(STEADY, Category.of([str(value) for value in STEADY[5].tolist()]), False, ("data.type_error.ratio", 0.0), id="numbers as text"),
    ],
)  # fmt: skip
def test_bad_columns_have_a_stated_answer(reference: list[Column], live: Column, alarm: bool, gauge: tuple[str, float] | None) -> None:  # noqa: FBT001 - a table
    """Each bad column alarms or not as stated, and the good column beside it is judged all the same."""
    state = history({day(n): batch({"bad": column, "good": STEADY[n]}) for n, column in enumerate(reference)})
    (step,) = steps(state, {day(56): batch({"bad": live, "good": STEADY[7]})})
    bad = finding(step, "bad")
    assert (bad.severity > 1) is alarm, bad
    assert (bad.level == "page") is alarm
    assert not np.isnan(finding(step, "good").severity)
    assert finding(step, "good").level != "page"
    if gauge is not None:
        assert gauges(step)[gauge[0], "bad"] == pytest.approx(gauge[1])
    if np.isnan(np.asarray(live, np.float64)).all() if isinstance(live, np.ndarray) else False:
        assert all(np.isnan(value) for value in bad.methods.values())


def test_columns_that_come_and_go() -> None:
    """A feature the batch lacks is missing in all rows; one the reference lacks is named and not judged; text never is."""
    state = history({day(n): batch({"x": STEADY[n], "gone": STEADY[n]}) for n in range(56)})
    (step,) = steps(state, {day(56): batch({"x": STEADY[1], "late": STEADY[2], "note": Text(("hi",) * ROWS)})})
    assert finding(step, "gone").severity > 1
    assert {one.feature for one in step.findings} == {"x", "gone"}
    assert dict(step.state.aside) == {"late": "not in the reference", "note": "not in the reference"}


def test_ids_and_text_are_set_aside_in_live_learning_too() -> None:
    """Without a reference, ids, free text and columns of more than 5,000 values are named with the reason and not judged."""
    state = DriftState()
    for n in range(3):
        ids = Category.of([f"order-{n}-{row}" for row in range(2500)])
        (step,) = steps(state, {hour(n): batch({"x": np.arange(2500.0), "id": ids, "note": Text(("hi",) * 2500)})})
        state = step.state
    assert set(state.aside) == {"id", "note"}
    assert {one.feature for one in step.findings} == {"x"}
    crowd = Category(np.arange(6000, dtype=np.int32) % 5500, tuple(f"u{n}" for n in range(5500)))
    (step,) = steps(DriftState(), {hour(0): batch({"x": np.arange(6000.0), "user": crowd})})
    assert step.state.aside["user"] == "more than 5000 different values"


def test_a_mixed_column_is_what_most_of_its_rows_are() -> None:
    """A column that came as numbers and as text before cells existed is numeric where most rows are, the rest type errors."""
    mostly = [batch({"m": np.arange(1500.0)}), batch({"m": Category.of(["1", "2", "oops"] * 200)})]
    profile = Profile()
    for one in mostly:
        profile = profile.merge(DRIFT.observe(DriftState(), one))
    state = DRIFT.step(DriftState(), hour(0), profile).state
    counts, _ = histories(state, len(state.windows))
    assert counts[0].kind == "numeric"
    assert counts[0].counts[0, -1] == 200


def test_values_only_one_block_has_are_unseen() -> None:
    """A value of the vocabulary that occurs in one week only is unseen there, whether it has a cell of its own or not."""
    common = ["a", "b"] * 30
    windows = {day(n): batch({"c": Category.of([*common, *([f"rare {n}"] if n in {9, 30} else []), "both"])}) for n in range(35)}
    windows |= {day(35): batch({"c": Category.of([*common, "rare 30"])})}
    state = history(windows)
    features, _ = histories(state, len(state.windows))
    assert np.flatnonzero(features[0].unseen).tolist() == [9]
    many = {day(n): batch({"c": Category.of([*(f"k{number}" for number in range(20)), *common, f"rare {n // 8}"] * 3)}) for n in range(35)}
    state = history(many)
    features, _ = histories(state, len(state.windows))
    # "rare 0" has days 0-7, two weeks; "rare 1" 8-15, "rare 2" 16-23, "rare 3" 24-31, "rare 4" 32-34, the last one week.
    assert np.flatnonzero(features[0].unseen).tolist() == [32, 33, 34]


def test_calls_are_watched_by_tokens_times_and_names() -> None:
    """Of model calls, tokens, durations, finish reason and model are features; a tripled output length pages."""
    random = np.random.default_rng(15)

    def calls(longer: float) -> Batch:
        rows = 300
        return Batch(
            "chat", "calls", rows,
            {
                "input_tokens": random.poisson(200, rows).astype(np.float64), "output_tokens": random.poisson(100 * longer, rows).astype(np.float64),
                "duration": random.lognormal(0, 0.4, rows), "finish_reason": Category.constant("stop", rows), "model": Category.constant("m-1", rows),
                "id": random.integers(0, 2**60, rows).astype(np.uint64),
            },
        )  # fmt: skip

    state = history({day(n): calls(1.0) for n in range(56)})
    (step,) = steps(state, {day(56): calls(3.0)})
    assert {one.feature for one in step.findings} == {"input_tokens", "output_tokens", "duration", "finish_reason", "model"}
    assert {one.feature for one in step.findings if one.level == "page"} == {"output_tokens"}
    assert {one.kind for one in step.findings} == {"data"}
    parts = Batch("chat", "call_parts", 3, {"duration": np.ones(3)})
    assert DRIFT.observe(state, parts) == Profile()


def test_only_wanted_features_are_watched() -> None:
    """`features` names the columns; nothing else is counted."""
    drift = Drift(features=("x",))
    profile = drift.observe(DriftState(), batch(ordinary(np.random.default_rng(16), 50), prediction=np.zeros(50)))
    assert {name.split("/")[-1] for name in profile.tallies} == {"x"}


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
    """No more than 3,000 windows are kept, packed to some hundred bytes a feature."""
    one = DriftState()
    random = np.random.default_rng(19)
    state = steps(one, {hour(0): batch({"x": random.normal(size=3000)})})[0].state
    vector = DRIFT.observe(state, batch({"x": random.normal(size=100)})).counts["feature/x"]
    for number in range(1, MOST_WINDOWS + 50):
        state = state.add(number, number // 96, [vector], {})
    assert len(state.windows) == MOST_WINDOWS
    assert len(state.windows[-1].packed) < 250
