"""What must hold of the alarm rule for any counts: order, empty blocks, odd references, first days."""

import json
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.drift.calibration import Calibration, DayState, FeatureHistory, MinEffect, calibrate
from detectors.drift.gross import gross_change
from detectors.drift.verdict import Verdict

Ints = NDArray[np.int64]
QUICK = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])

SHARES = np.array([0.2, 0.25, 0.15, 0.2, 0.18, 0.02])
"""Five value cells and missing; or three categories, other, new and missing."""


def numeric(name: str, windows: int, random: np.random.Generator, rows: int = 400) -> FeatureHistory:
    counts = np.array([random.multinomial(rows, random.dirichlet(SHARES * 300)) for _ in range(windows)]).reshape(windows, 6)
    return FeatureHistory(name, "numeric", counts, np.zeros(windows, np.int64))


def categorical(name: str, windows: int, random: np.random.Generator, rows: int = 400) -> FeatureHistory:
    shares = np.array([0.5, 0.3, 0.1, 0.09, 0.0, 0.01])
    counts = random.multinomial(rows, shares, windows).reshape(windows, 6)
    return FeatureHistory(name, "categorical", counts, random.integers(0, 2, windows))


def reference(windows: int, seed: int = 0) -> list[FeatureHistory]:
    random = np.random.default_rng(seed)
    return [numeric("age", windows, random), categorical("town", windows, random), numeric("income", windows, random)]


def live(seed: int = 1) -> dict[str, Ints]:
    return {feature.name: feature.counts[0] for feature in reference(1, seed)}


def judge(calibration: Calibration, counts: Mapping[str, Ints], day: int = 1000) -> Verdict:
    return calibration.judge(DayState(), day, counts)[1]


def severities(features: Sequence[FeatureHistory], days: Ints, counts: Mapping[str, Ints], budget: float = 1.0) -> dict[str, float]:
    return {found.feature: found.severity for found in judge(calibrate(features, days, budget), counts).features}


@QUICK
@given(st.integers(0, 2**32), st.permutations([0, 1, 2]), st.sampled_from([12, 40, 60]))
def test_order_of_features_does_not_matter(seed: int, order: list[int], windows: int) -> None:
    """Features in another order get the same severities."""
    features, days, counts = reference(windows, seed), np.arange(windows), live(seed + 1)
    shuffled = severities([features[index] for index in order], days, counts)
    expected = severities(features, days, counts)
    assert {name: shuffled[name] for name in expected} == pytest.approx(expected, rel=1e-9)


@QUICK
@given(st.integers(0, 2**32), st.integers(1, 400))
def test_order_of_windows_in_a_day_does_not_matter(seed: int, days_seed: int) -> None:
    """Windows given in another order lead to the same lines."""
    features, days = reference(48, seed), np.repeat(np.arange(16), 3)
    order = np.random.default_rng(days_seed).permutation(48)
    moved = [FeatureHistory(part.name, part.kind, part.counts[order], part.unseen[order]) for part in features]
    assert severities(moved, days[order], live(seed)) == pytest.approx(severities(features, days, live(seed)), rel=1e-9)


@pytest.mark.parametrize("windows", [12, 30, 60])
@pytest.mark.parametrize("rows", [0, 29])
def test_windows_without_rows_change_nothing(windows: int, rows: int) -> None:
    """A week of windows too small to score neither shifts a line nor counts as days."""
    features, days, counts = reference(windows), np.arange(windows), live()
    days = np.where(days >= 7, days + 7, days)  # a gap of a week
    expected = calibrate(features, days, 1.0)
    filler = np.zeros((7, 6), np.int64)
    filler[:, 0] = rows
    longer = [
        FeatureHistory(part.name, part.kind, np.insert(part.counts, 7, filler, axis=0), np.insert(part.unseen, 7, np.full(7, rows)))
        for part in features
    ]
    actual = calibrate(longer, np.insert(days, 7, np.arange(7, 14)), 1.0)
    assert (actual.windows, actual.days, actual.status) == (windows, windows, expected.status)
    for before, after in zip(judge(expected, counts).features, judge(actual, counts).features, strict=True):
        assert after.severity == pytest.approx(before.severity, rel=1e-12)
        assert after.mde_shape == pytest.approx(before.mde_shape, rel=1e-12)


@pytest.mark.parametrize("windows", [0, 1, 7, 8, 19, 20, 49, 50])
def test_status_follows_the_number_of_windows(windows: int) -> None:
    """Under 8 windows no severity, under 20 information only, under 50 warnings, from 50 and 29 days pages."""
    calibration = calibrate(reference(windows), np.arange(windows), 1.0)
    expected = "calibrated" if windows >= 50 else "provisional" if windows >= 20 else "uncalibrated"
    assert (calibration.status, calibration.windows, calibration.days) == (expected, windows, windows)
    assert calibration.days_missing == max(0, 50 - windows)
    counts = live()
    counts["age"] = np.array([0, 0, 0, 0, 400, 0])
    verdict = judge(calibration, counts)
    age = verdict.of("age")
    if windows < 8:
        assert not calibration.has_severity
        assert np.isnan(age.severity)
        assert age.level is None
        assert f"{windows} windows" in age.explanation
        assert calibration.deciding == ()
    else:
        level = {"calibrated": "page", "provisional": "warning", "uncalibrated": "information"}[expected]
        assert age.severity > 1
        assert (age.alarm, age.level, age.status) == (True, level, expected)
        assert 0 < age.p_value <= 1
        assert age.mde > 0
        assert calibration.deciding


@pytest.mark.parametrize(
    ("days", "a_day", "budget", "status", "missing"),
    [
        (28, 2, 1.0, "provisional", 1),
        (29, 2, 1.0, "calibrated", 0),
        (14, 24, 1.0, "provisional", 15),
        (14, 24, 2.0, "calibrated", 0),
        (10, 2, 4.0, "provisional", 15),
        (5, 2, 1.0, "uncalibrated", 24),
    ],
)
def test_days_missing(days: int, a_day: int, budget: float, status: str, missing: int) -> None:
    """What still lacks is counted in days, by the budget and by the windows a day there are."""
    calibration = calibrate(reference(days * a_day), np.repeat(np.arange(days), a_day), budget)
    assert (calibration.status, calibration.days_missing) == (status, missing)


def test_hourly_windows_share_a_day() -> None:
    """The day keeps its most unusual window, and the state survives being saved."""
    calibration = calibrate(reference(240), np.repeat(np.arange(10), 24), 1.0)
    wild = {**live(), "age": np.array([0, 0, 0, 0, 400, 0])}
    state, first = calibration.judge(DayState(), 1000, wild)
    state = DayState.from_plain(json.loads(json.dumps(state.plain())))
    state, second = calibration.judge(state, 1000, live())
    assert second.of("age").severity == first.of("age").severity
    assert not second.of("age").unusual
    assert first.of("age").unusual
    assert not second.of("age").carried
    state, _ = calibration.judge(state, 1001, wild)
    state, third = calibration.judge(state, 1002, live())
    assert third.of("age").carried
    assert "two unusual days of the last three" in third.of("age").explanation
    state, later = calibration.judge(state, 1005, live())
    assert not later.of("age").carried
    assert list(state.days) == [1005]


def odd(kind: str, windows: int = 60) -> tuple[FeatureHistory, Ints]:
    """Return an odd reference of one feature and a live window that fits it."""
    ordinary = numeric("age", windows, np.random.default_rng(0))
    counts, now = ordinary.counts.copy(), ordinary.counts[0].copy()
    if kind == "constant":
        counts[:] = now[:] = [0, 400, 0, 0, 0, 0]
    elif kind == "all missing":
        counts[:] = now[:] = [0, 0, 0, 0, 0, 400]
    elif kind == "one cell":
        counts = np.tile([395, 5], (windows, 1))
        now = np.array([390, 10])
    elif kind == "huge":
        counts, now = counts * 25_000, now * 25_000 + 1
    elif kind == "thirty rows":
        counts[:] = now[:] = [10, 10, 5, 2, 2, 1]
    return FeatureHistory("age", "numeric", counts, np.zeros(windows, np.int64)), now


@pytest.mark.parametrize("windows", [8, 19, 20, 60])
@pytest.mark.parametrize("kind", ["constant", "all missing", "one cell", "huge", "thirty rows"])
def test_odd_references(kind: str, windows: int) -> None:
    """Constant, empty, tiny and huge references give finite severities and no alarm where nothing changed."""
    feature, now = odd(kind, windows)
    found = judge(calibrate([feature], np.arange(windows), 1.0), {"age": now}).of("age")
    assert np.isfinite(found.severity)
    assert found.severity >= 0
    assert found.p_value <= 1
    if kind != "one cell":
        assert not found.alarm


@pytest.mark.parametrize("kind", ["constant", "all missing", "one cell", "huge", "thirty rows"])
def test_everything_missing_is_found(kind: str) -> None:
    """A column that loses all its values alarms through the missing test or the shape, and one that never had any does not."""
    feature, now = odd(kind)
    lost = np.zeros_like(now)
    lost[-1] = now.sum()
    found = judge(calibrate([feature], np.arange(60), 1.0), {"age": lost}).of("age")
    assert found.alarm == (kind != "all missing")
    if found.alarm:
        assert found.level == "page"
        assert "missing values in 100.00% of rows" in found.explanation


def test_constant_column_that_changes() -> None:
    """A few rows of another value in a constant column are found, as new values; one row pages nobody."""
    feature, _ = odd("constant")
    calibration = calibrate([feature], np.arange(60), 1.0)
    found = judge(calibration, {"age": np.array([0, 380, 20, 0, 0, 0])}).of("age")
    assert (found.test, found.level) == ("new", "page")
    assert "values the reference never had in 5.00% of rows (reference 0.00%)" in found.explanation
    assert judge(calibration, {"age": np.array([1, 399, 0, 0, 0, 0])}).of("age").level != "page"


def test_vanished_and_unknown_features() -> None:
    """A feature that is gone, empty or new gets a verdict that says so, the others theirs."""
    calibration = calibrate(reference(60), np.arange(60), 1.0)
    counts = {"age": live()["age"], "town": np.zeros(6, np.int64), "shoe": np.array([400, 0])}
    verdict = judge(calibration, counts)
    told = {found.feature: (found.status, found.samples, found.level) for found in verdict.features}
    assert told["town"] == told["income"] == ("insufficient", 0, None)
    assert told["shoe"] == ("uncalibrated", 400, None)
    assert verdict.of("income").explanation == "no rows of this feature in this window"
    assert "0 windows of this feature" in verdict.of("shoe").explanation
    assert np.isfinite(verdict.of("age").severity)
    with pytest.raises(KeyError):
        verdict.of("hat")


def test_feature_with_a_shorter_past() -> None:
    """A column that came late is judged by the windows it has, with its own status; under 8 it gets no severity."""
    features = reference(60)
    young, younger = features[0].counts.copy(), features[2].counts.copy()
    young[:30], younger[:55] = 0, 0
    zeros = np.zeros(60, np.int64)
    mixed = [FeatureHistory("age", "numeric", young, zeros), features[1], FeatureHistory("income", "numeric", younger, zeros)]
    calibration = calibrate(mixed, np.arange(60), 1.0)
    verdict = judge(calibration, live())
    assert calibration.status == "calibrated"
    assert [verdict.of(name).status for name in ("age", "town", "income")] == ["provisional", "calibrated", "uncalibrated"]
    assert np.isfinite(verdict.of("age").severity)
    assert "5 windows of this feature" in verdict.of("income").explanation


def test_small_changes_do_not_page() -> None:
    """With 10^7 rows a tenth of a percent alarms, and is information until it is large enough to matter."""
    windows = 60
    counts = np.tile(np.array([2_000_000, 3_000_000, 3_000_000, 2_000_000, 0, 1000]), (windows, 1))
    counts = counts + np.random.default_rng(0).integers(-1000, 1000, counts.shape) * (counts > 1000)
    feature = FeatureHistory("age", "numeric", counts, np.zeros(windows, np.int64))
    now = np.array([2_010_000, 3_000_000, 3_000_000, 1_990_000, 0, 1000])
    calibration = calibrate([feature], np.arange(windows), 1.0)
    found = judge(calibration, {"age": now}).of("age")
    assert found.alarm
    assert (found.level, found.effect < 1) == ("information", True)
    assert "too small to matter" in found.explanation
    strict = calibrate([feature], np.arange(windows), 1.0, MinEffect(sd=0.001))
    assert judge(strict, {"age": now}).of("age").level == "page"


def test_smaller_budgets_raise_the_line() -> None:
    """Fewer allowed alarms never make a severity larger."""
    features, days, counts = reference(60), np.arange(60), live()
    counts["age"] = np.array([90, 110, 60, 70, 62, 8])
    found = [severities(features, days, counts, budget)["age"] for budget in (0.25, 1.0, 4.0, 30.0, 1000.0)]
    assert found == sorted(found)
    assert np.isfinite(found).all()


def test_wrong_shapes_and_budgets_are_refused() -> None:
    """What cannot be right is refused with the feature's name or the value."""
    features = reference(60)
    with pytest.raises(ValueError, match="budget must be positive, not 0"):
        calibrate(features, np.arange(60), 0)
    with pytest.raises(ValueError, match="'age'"):
        calibrate(features, np.arange(59), 1.0)
    with pytest.raises(ValueError, match="'age': \\(4,\\) columns, the reference has \\(6,\\)"):
        judge(calibrate(features, np.arange(60), 1.0), {"age": np.array([100, 100, 100, 100])})


@st.composite
def anything(draw: st.DrawFn) -> tuple[FeatureHistory, Ints]:
    """Draw a reference of whatever counts, with or without a file, and a live window that fits it."""
    kind = draw(st.sampled_from(["numeric", "categorical"]))
    windows, columns = draw(st.integers(0, 24)), draw(st.integers(3, 6))
    cell = st.sampled_from([0, 0, 0, 1, 7, 30, 400, 10**7])
    vectors = st.lists(cell, min_size=columns, max_size=columns)
    counts = np.array(draw(st.lists(vectors, min_size=windows, max_size=windows)), np.int64).reshape(windows, columns)
    unseen = np.minimum(counts.sum(axis=1), draw(st.integers(0, 3))) * (kind == "categorical")
    file = draw(st.none() | vectors.map(lambda part: np.array(part, np.int64)))
    return FeatureHistory("age", "numeric" if kind == "numeric" else "categorical", counts, unseen, file), np.array(draw(vectors), np.int64)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(anything(), st.integers(1, 4), st.sampled_from([0.1, 1.0, 10.0]))
def test_any_counts_are_answered(drawn: tuple[FeatureHistory, Ints], a_day: int, budget: float) -> None:
    """Whatever the counts: a severity that is a number, or a verdict that says why there is none."""
    history, now = drawn
    calibration = calibrate([history], np.arange(len(history.counts)) // a_day, budget)
    found = judge(calibration, {"age": now}).of("age")
    assert found.explanation
    if found.status == "insufficient" or calibration.windows < 8:
        assert np.isnan(found.severity)
    else:
        assert 0 <= found.severity < np.inf
        assert 0 < found.p_value <= 1
        assert found.threshold > 0
        assert found.mde_missing > 0 or np.isnan(found.mde_missing)
    gross = gross_change(history, now)
    assert np.isnan(gross.effect) or np.isfinite(gross.effect)


def test_nothing_at_all() -> None:
    """No features and no windows are answered."""
    calibration = calibrate([], np.empty(0, np.int64), 1.0)
    assert (calibration.status, calibration.windows, calibration.days_missing) == ("uncalibrated", 0, 50)
    assert judge(calibration, {}).features == ()
    assert judge(calibration, {"age": np.array([100])}).of("age").status == "uncalibrated"


def test_excluding_what_decides_lowers_the_line() -> None:
    """Without the window named first the line is no higher."""
    features, days = reference(60, seed=3), np.arange(60)
    burst = features[0].counts.copy()
    burst[20] = [0, 0, 0, 0, 400, 0]
    features[0] = FeatureHistory("age", "numeric", burst, features[0].unseen)
    calibration = calibrate(features, days, 1.0)
    first = calibration.deciding[0]
    assert (first.day, first.window, first.feature, first.decides) == (20, 20, "age", True)
    kept = np.delete(np.arange(60), first.window)
    rest = [FeatureHistory(part.name, part.kind, part.counts[kept], part.unseen[kept]) for part in features]
    without = calibrate(rest, days[kept], 1.0)
    assert without.replay.gamma < calibration.replay.gamma
