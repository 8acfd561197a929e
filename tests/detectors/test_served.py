"""What serves calls: searches for documents, tools, and their drift."""

from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import binomtest  # type: ignore[import-untyped]  # SciPy ships no types

from detectors import catalog_serving as catalog
from detectors.catalog import Metric
from detectors.drift.drift import Drift
from detectors.quality.data_quality import Nothing
from detectors.quality.retrieval import Retrieval, tallied_quantile
from detectors.quality.retrieval_drift import RetrievalDrift
from detectors.types import Batch, Category, Column, Finding, Profile, Score, Step, Window
from detectors.usage.tools import COLUMNS, Tools
from detectors.usage.tools import Nothing as NoState

WINDOW = Window(datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 1, 5, 1, tzinfo=UTC))
NAN = float("nan")


def _searches(**columns: Any) -> Batch:
    return Batch("shop", "retrievals", len(next(iter(columns.values()))), columns)


def _value(step: Step, metric: Metric, **attributes: str) -> float | None:
    return next((one.value for one in step.scores if one.metric is metric and one.attributes == attributes), None)


def test_shares_and_percentiles_of_searches() -> None:
    """Failed searches and those that say nothing are no part of the empty share; its bounds are those of SciPy."""
    batch = _searches(
        documents=np.array([0.0, 2, 4, NAN, NAN]),
        score=np.array([NAN, -0.5, 0.5, NAN, NAN]),
        age=np.array([NAN, 1e6, 3e6, NAN, NAN]),
        duration=np.array([1.0, 1, 1, 1, 9]),
        error_type=Category.of([None, None, None, None, "timeout"]),
    )
    detector = Retrieval()
    profile = detector.observe(Nothing(), batch)
    step = detector.step(Nothing(), WINDOW, profile)
    bounds = binomtest(1, 3).proportion_ci(method="wilson")
    assert _value(step, catalog.RETRIEVAL_SAMPLES) == 3
    assert _value(step, catalog.RETRIEVAL_EMPTY) == pytest.approx(1 / 3)
    assert _value(step, catalog.RETRIEVAL_EMPTY_LOWER) == pytest.approx(bounds.low)
    assert _value(step, catalog.RETRIEVAL_EMPTY_UPPER) == pytest.approx(bounds.high)
    assert _value(step, catalog.RETRIEVAL_DOCUMENTS) == 2
    assert _value(step, catalog.RETRIEVAL_SCORE_P50) == -0.5
    assert _value(step, catalog.RETRIEVAL_FRESHNESS) == pytest.approx(1e6, rel=0.005)
    assert _value(step, catalog.RETRIEVAL_DURATION_P50) == pytest.approx(1, rel=0.01)
    totals = {(one.metric.name, *one.attributes.values()): one.value for one in detector.totals(profile)}
    assert totals == {("driftline.retrievals",): 5, ("driftline.retrieval.errors", "timeout"): 1}


def test_nothing_searched_has_no_score() -> None:
    """A window of calls alone says nothing of searches, and one whose searches do not tell has no empty share."""
    detector = Retrieval()
    calls = detector.observe(Nothing(), Batch("shop", "calls", 1, {"duration": np.array([1.0])}))
    assert (calls, detector.step(Nothing(), WINDOW, calls).scores) == (Profile(), ())
    silent = detector.step(Nothing(), WINDOW, detector.observe(Nothing(), _searches(documents=np.array([NAN]))))
    assert [one for one in silent.scores if one.value] == []


@given(arrays.arrays(np.float64, st.integers(1, 40), elements=st.floats(-1e6, 1e6)), st.floats(0, 1))
def test_a_quantile_of_tallied_numbers_is_that_of_the_numbers(values: np.ndarray[Any, Any], share: float) -> None:
    """NumPy's lower quantile, to the width of a cell."""
    from detectors.drift.float_bits import tally  # noqa: PLC0415 - beside its only use

    expected = np.quantile(values, share, method="lower")
    ranks = np.sort(values)
    # A share that falls between two ranks by rounding alone may name either.
    near = ranks[np.abs(np.arange(len(ranks)) - (len(ranks) - 1) * share) < 1 + 1e-9]
    found = tallied_quantile(tally(values)[0], share)
    assert min(abs(found - one) for one in (*near, expected)) <= max(abs(expected), abs(found)) / 200 + 1e-300


_ROWS = st.lists(
    st.tuples(st.sampled_from(["search", "book"]), st.booleans(), st.floats(0, 100), st.integers(0, 3), st.integers(0, 3)),
    min_size=1,
    max_size=30,
)


@given(_ROWS, st.integers(1, 5))
def test_counts_do_not_depend_on_the_cut(rows: list[tuple[Any, ...]], size: int) -> None:
    """Searches and runs in any pieces add up to the same scores."""
    tools, searches = Tools(), Retrieval()

    def runs(part: list[tuple[Any, ...]]) -> Batch:
        columns: dict[str, Column] = {
            "tool": Category.of([row[0] for row in part]),
            "error_type": Category.of(["KeyError" if row[1] else None for row in part]),
            "duration": np.array([row[2] for row in part]),
        }
        return Batch("shop", "tools", len(part), columns)

    def found(part: list[tuple[Any, ...]]) -> Batch:
        return _searches(documents=np.array([row[3] for row in part], np.float64), score=np.array([row[2] for row in part]))

    parts = [rows[start : start + size] for start in range(0, len(rows), size)]
    cut = reduce(Profile.merge, (tools.observe(NoState(), runs(part)) for part in parts))
    assert tools.step(NoState(), WINDOW, cut) == tools.step(NoState(), WINDOW, tools.observe(NoState(), runs(rows)))
    cut = reduce(Profile.merge, (searches.observe(Nothing(), found(part)) for part in parts))
    assert searches.step(Nothing(), WINDOW, cut) == searches.step(Nothing(), WINDOW, searches.observe(Nothing(), found(rows)))


def test_tool_calls_that_cannot_be_run_are_shares_of_those_that_could_be_checked() -> None:
    """By reason: arguments of those that had any to read, offers of those whose request told its tools."""
    columns = dict(zip(COLUMNS, map(np.array, ([2.0, NAN, 3], [2.0, NAN, 2], [1.0, NAN, 0], [0.0, NAN, 3], [0.0, NAN, 1])), strict=True))
    detector = Tools()
    profile = detector.observe(NoState(), Batch("shop", "calls", 3, columns))
    step = detector.step(NoState(), WINDOW, profile)
    assert _value(step, catalog.TOOL_INVALID_RATIO, reason="arguments") == 1 / 4
    assert _value(step, catalog.TOOL_INVALID_RATIO, reason="not_offered") == 1 / 3
    assert _value(step, catalog.TOOL_INVALID_LOWER, reason="not_offered") == pytest.approx(
        binomtest(1, 3).proportion_ci(method="wilson").low
    )
    assert [one.value for one in detector.totals(profile)] == [5, 1, 1]


def _windows(detector: RetrievalDrift, days: int, shift_from: int) -> list[tuple[int, Finding]]:
    generator = np.random.default_rng(11)
    state, found = detector.restore(None), list[tuple[int, Finding]]()
    start = datetime(2026, 1, 5, tzinfo=UTC)
    for number in range(days * 3):
        window = Window(start + timedelta(hours=8 * number), start + timedelta(hours=8 * (number + 1)))
        scores = generator.normal(0.8 if number < shift_from else 0.6, 0.1, 300)
        batch = _searches(score=scores, mean_score=scores - 0.1, documents=np.full(300, 5.0))
        calls = Batch("shop", "calls", 300, {"input_tokens": generator.normal(100, 10, 300)})
        profile = detector.observe(state, batch).merge(detector.observe(state, calls))
        step = detector.step(state, window, profile)
        state = step.state
        found += [(number, one) for one in step.findings if one.level == "page"]
    return found


def test_scores_that_fall_are_drift_by_the_rule_of_features() -> None:
    """With a reference learnt from live windows: a fall of two deviations pages for the scores alone, and nothing did before."""
    found = _windows(RetrievalDrift(Drift()), days=40, shift_from=108)
    assert {one.feature for number, one in found} == {"retrieval_score", "retrieval_mean_score"}
    assert min(number for number, _ in found) in range(108, 114)
    assert any(one.severity > 1 for _, one in found)


def test_searches_leave_the_number_of_rows_to_the_detector_of_calls() -> None:
    """Beside it no gauge is written twice in a window that has calls and searches."""
    searches, calls, generator = RetrievalDrift(Drift()), Drift(), np.random.default_rng(5)
    states: dict[str, Any] = {"searches": searches.restore(None), "calls": calls.restore(None)}
    written = list[tuple[str, str]]()
    for number in range(30):
        window = Window(
            datetime(2026, 1, 5, tzinfo=UTC) + timedelta(hours=number), datetime(2026, 1, 5, tzinfo=UTC) + timedelta(hours=number + 1)
        )
        served = {
            "searches": _searches(score=generator.normal(0.8, 0.1, 300)),
            "calls": Batch("shop", "calls", 300, {"input_tokens": generator.normal(9, 1, 300)}),
        }
        written = []
        for name, detector in (("searches", searches), ("calls", calls)):
            step = detector.step(states[name], window, detector.observe(states[name], served[name]))
            states[name] = step.state
            written += [(one.metric.name, str(sorted(one.attributes.items()))) for one in step.scores]
    assert ("driftline.data.rows.lower", "[]") in written
    assert any("retrieval_score" in attributes for _, attributes in written)
    assert len(written) == len(set(written))


def test_scores_are_of_the_catalogue() -> None:
    """Everything said is among the metrics a detector names."""
    for detector in (Retrieval(), Tools()):
        batch = (
            Batch("shop", "tools", 1, {"duration": np.array([1.0])})
            if isinstance(detector, Tools)
            else _searches(documents=np.array([1.0]))
        )
        step: Step = detector.step(Nothing(), WINDOW, detector.observe(Nothing(), batch))  # type: ignore[arg-type]  # both states are empty
        said: tuple[Score, ...] = step.scores
        assert said
        assert {one.metric for one in said} <= set(detector.metrics)
