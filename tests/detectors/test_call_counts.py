"""Increases of metrics through every detector: whatever they are, nothing fails, and any cut adds up to the same."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from detectors.drift.call_counts import LATENCY_OF_COUNTS, MEASURED, MIXES
from detectors.drift.drift import Drift
from detectors.drift.endpoint_drift import EndpointDrift
from detectors.quality.data_quality import DataQuality
from detectors.safety.safety import Safety
from detectors.types import Batch, Category, Column, Finding, Profile, Window
from detectors.usage.latency_shift import LatencyShift
from detectors.usage.usage import Usage

NAN, INFINITE = float("nan"), float("inf")
START = datetime(2026, 1, 1, tzinfo=UTC)
QUANTITIES = sorted({quantity for quantity, _ in MEASURED.values()} | {quantity for quantity, _ in MIXES.values()} | {"cache_read_tokens"})
VALUES = st.floats(0, 1e4) | st.sampled_from([0.0, NAN, INFINITE, 1e300, 5e-324])
ROWS = st.lists(
    st.tuples(
        st.sampled_from(QUANTITIES),
        VALUES,
        st.sampled_from([0, 1, 7, 2**32]),
        VALUES,
        st.sampled_from([None, "429", "timeout", "x" * 300]),
        st.sampled_from([None, "a", "b"]),
        st.booleans(),
    ),
    min_size=1,
    max_size=30,
)
DETECTORS: dict[str, Any] = {
    "drift": Drift(),
    "metrics/drift": EndpointDrift(Drift()),
    "usage": Usage(),
    "latency": LatencyShift(),
    "data_quality": DataQuality(),
    "safety": Safety(),
}


def batch(rows: list[tuple[Any, ...]]) -> Batch:
    """Return increases."""
    quantity, value, count, total, error, model, cold = zip(*rows, strict=True)
    columns: dict[str, Column] = {
        "quantity": Category.of(quantity),
        "value": np.array(value),
        "count": np.array(count, np.int64),
        "total": np.array(total),
        "error_type": Category.of(error),
        "model": Category.of(model),
        "finish_reason": Category.of(model),
        "cold": np.array(cold),
    }
    return Batch("chat", "call_counts", len(rows), columns)


def plain(profile: Profile) -> tuple[dict[str, list[int]], dict[str, dict[str, int]]]:
    """Return what is counted; zeros at the end of a vector say nothing."""
    counts = {name: np.trim_zeros(vector, "b").tolist() for name, vector in profile.counts.items() if vector.any()}
    return counts, {name: dict(tally) for name, tally in profile.tallies.items() if tally}


@given(ROWS, st.data())
def test_any_cut_adds_up_to_the_same(rows: list[tuple[Any, ...]], data: st.DataObject) -> None:
    """Values that are none, absurd counts, names of any length: each detector counts what is whole, in any cut."""
    place = data.draw(st.integers(0, len(rows)))
    for name, detector in DETECTORS.items():
        state = detector.restore(None)
        added = Profile()
        for part in (rows[:place], rows[place:]):
            if part:
                added = added.merge(detector.observe(state, batch(part)))
        whole = detector.observe(state, batch(rows))
        assert plain(added) == plain(whole), name
        assert all(min(vector) >= 0 for vector in plain(added)[0].values())


@given(st.lists(ROWS, min_size=1, max_size=4))
def test_windows_of_anything_are_judged(windows: list[list[tuple[Any, ...]]]) -> None:
    """One window after the other, states saved and restored between them: nothing fails, every finding is of an endpoint."""
    for detector in DETECTORS.values():
        state = detector.restore(None)
        for number, rows in enumerate(windows):
            window = Window(START + number * timedelta(hours=1), START + (number + 1) * timedelta(hours=1))
            step = detector.step(state, window, detector.observe(state, batch(rows)))
            assert {finding.kind for finding in step.findings} <= {"endpoint", "latency"}
            state = detector.restore(step.state.plain())


def test_latency_warns_only_with_a_reference() -> None:
    """In the first 20 windows many calls share one mean: what looks gross is information; other features may warn."""
    rng = np.random.default_rng(1)
    detector, state, found = EndpointDrift(Drift()), None, list[Finding]()
    state = detector.restore(None)
    for hour in range(16):
        slow = 1.0 if hour < 10 else 3.0
        rows: list[tuple[Any, ...]] = []
        for name, scale in (("duration", slow), ("milliseconds_per_token", 20 * slow), ("output_tokens", 100 * slow)):
            rows += [(name, float(scale * value), 40, 0.0, None, "a", False) for value in rng.lognormal(0, 0.3, 20)]
        window = Window(START + hour * timedelta(hours=1), START + (hour + 1) * timedelta(hours=1))
        step = detector.step(state, window, detector.observe(state, batch(rows)))
        state = step.state
        found += step.findings
    loud = {finding.feature for finding in found if finding.level == "warning"}
    assert loud == {"output_tokens"}
    told = {finding.feature for finding in found if finding.level == "information"} & LATENCY_OF_COUNTS
    assert told == {"duration", "milliseconds_per_token"}
