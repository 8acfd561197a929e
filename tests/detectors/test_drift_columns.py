"""Columns of every kind in the drift detector: each bad one has a stated answer and stops no other."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.drift.drift import Drift
from detectors.drift.histories import Histories
from detectors.drift.state import DriftState
from detectors.types import Batch, Category, Column, Profile, Text
from tests.fakes.drift_stream import DRIFT, NAMES, batch, day, finding, gauges, history, hour, ordinary, steps

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
    assert (finding(step, "bad", "rolling").level == "page") is alarm
    assert not np.isnan(finding(step, "good").severity)
    assert finding(step, "good", "rolling").level != "page"
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
    counts = Histories(state)
    assert counts[0].kind == "numeric"
    assert counts[0].counts[0, -1] == 200


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


def forty(values: list[Any]) -> list[Any]:
    """Repeat a few values to 40 rows."""
    return (values * 40)[:40]


def few(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """Return columns of 40 rows that hold up to four values."""
    return st.lists(values, min_size=1, max_size=4).map(forty)


WILD = st.one_of(
    few(st.floats(width=64)).map(lambda values: np.array(values, np.float64)),
    few(st.integers(-(2**63), 2**63 - 1)).map(lambda values: np.array(values, np.int64)),
    few(st.booleans()).map(lambda values: np.array(values, np.bool_)),
    few(st.none() | st.text(max_size=4) | st.sampled_from(["1", "x"])).map(Category.of),
    st.just(Text(("words",) * 40)),
)
"""Columns of 40 rows: any numbers, whole numbers, flags, strings, text."""


@given(st.lists(WILD, min_size=12, max_size=12), st.booleans(), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_no_column_stops_the_others(columns: list[Column], with_history: bool, seed: int) -> None:  # noqa: FBT001 - drawn
    """A column that is something else in each window never raises, and the steady one beside it is judged in each."""
    random = np.random.default_rng(seed)
    rows = [batch({"wild": column, "steady": random.normal(size=40)}) for column in columns]
    if with_history:
        state = history({day(number): one for number, one in enumerate(rows[:8])})
        live = {day(number): one for number, one in enumerate(rows[8:], 8)}
    else:
        # 2,000 rows of another day cut the cells at once.
        wide = batch({"steady": random.normal(size=2000), "wild": np.zeros(2000)})
        state = steps(DriftState(), {day(0): wide})[0].state
        live = {day(number): one for number, one in enumerate(rows, 1)}
    found = steps(state, live)
    assert all(finding(step, "steady").samples == 40 for step in found)
    assert not np.isnan(finding(found[-1], "steady").severity)
    assert all(np.isfinite(score.value) for step in found for score in step.scores)
