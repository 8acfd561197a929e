"""Usage counted from metrics is usage counted from the calls themselves, as far as metrics say it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.types import Batch, Category, Column, Profile
from detectors.usage.counts import calls_of
from detectors.usage.usage import Nothing, Usage

BOUNDS = np.array([0.01 * 2**k for k in range(14)])
MIDDLES = np.concatenate([[BOUNDS[0] / 2], np.sqrt(BOUNDS[:-1] * BOUNDS[1:]), [BOUNDS[-1] * 1.5]])
NAN = float("nan")
CALLS = st.lists(
    st.tuples(st.sampled_from([None, "429", "content_filter", "timeout"]), st.floats(0.001, 150), st.integers(0, 5000)),
    min_size=1,
    max_size=50,
)


def records(calls: list[tuple[str | None, float, int]]) -> Batch:
    """Return the calls as records; those that failed have no tokens."""
    errors, seconds, tokens = zip(*calls, strict=True)
    told = np.array([NAN if error else number for error, number in zip(errors, tokens, strict=True)])
    throttled = np.array([error == "429" for error in errors])
    columns: dict[str, Column] = {
        "error_type": Category.of(errors),
        "duration": np.array(seconds),
        "input_tokens": told,
        "throttled": throttled,
    }
    return Batch("chat", "calls", len(calls), columns)


def metrics(calls: list[tuple[str | None, float, int]]) -> Batch:
    """Return what metrics say of the same calls: a row for each bucket and error."""
    rows: list[tuple[str, str | None, float, int, float]] = []
    for error in {error for error, _, _ in calls}:
        seconds = np.array([second for one, second, _ in calls if one == error])
        counts = np.bincount(np.searchsorted(BOUNDS, seconds), minlength=15)
        total = float(seconds.sum())
        for place in np.flatnonzero(counts).tolist():
            rows.append(("duration", error, float(MIDDLES[place]), int(counts[place]), total))
            total = 0.0
    tokens = [number for error, _, number in calls if error is None]
    if tokens:
        rows.append(("input_tokens", None, 64.0, len(tokens), float(sum(tokens))))
    quantity, errors, value, count, totals = zip(*rows, strict=True)
    columns: dict[str, Column] = {
        "quantity": Category.of(quantity),
        "error_type": Category.of(errors),
        "value": np.array(value),
        "count": np.array(count, np.int64),
        "total": np.array(totals),
    }
    return Batch("chat", "call_counts", len(rows), columns)


def told(profile: Profile) -> dict[tuple[str, ...], tuple[float, list[int]]]:
    """Return the increases of all counters and histograms."""
    return {
        (total.metric.name, *total.attributes.values()): (round(total.value, 4), [] if total.buckets is None else total.buckets.tolist())
        for total in Usage().totals(profile)
    }


@given(CALLS)
def test_metrics_and_records_of_the_same_calls_say_the_same(calls: list[tuple[str | None, float, int]]) -> None:
    """Requests, errors by type, throttled, tokens, and the histogram of durations with its sum."""
    batch = metrics(calls)
    of_metrics, of_records = (told(Usage().observe(Nothing(), one)) for one in (batch, records(calls)))
    assert calls_of(batch) == len(calls)
    assert of_metrics.keys() == of_records.keys()
    for name, (value, buckets) in of_records.items():
        assert of_metrics[name][0] == pytest.approx(value, abs=1e-3), name
        assert of_metrics[name][1] == buckets


def test_cold_starts_are_counted_apart() -> None:
    """Calls that met a start-up count as any other, and once more under their own name."""
    calls: list[tuple[str | None, float, int]] = [(None, 30.0, 5), (None, 1.0, 5), ("429", 0.5, 0)]
    for batch in (records(calls), metrics(calls)):
        cold = np.asarray(batch.columns["duration"]) > 9 if batch.kind == "calls" else np.asarray(batch.columns["value"]) > 9
        if batch.kind == "call_counts":
            quantity = batch.columns["quantity"]
            assert isinstance(quantity, Category)
            cold &= quantity.codes == quantity.values.index("duration")
        marked = Batch("chat", batch.kind, batch.rows, {**batch.columns, "cold": cold})
        found = told(Usage().observe(Nothing(), marked))
        assert found["driftline.request.cold_starts",][0] == 1
        assert found["driftline.requests",][0] == 3


def test_the_configured_input_is_read_and_no_other() -> None:
    """`input: metrics`: records add nothing to what is counted."""
    calls: list[tuple[str | None, float, int]] = [(None, 1.0, 5)]
    usage = Usage(input="metrics")
    assert dict(usage.observe(Nothing(), records(calls)).counts) == {}
    assert told(usage.observe(Nothing(), metrics(calls)))["driftline.requests",] == (1, [])
