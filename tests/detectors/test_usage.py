"""Usage of an endpoint, counted on every call."""

from datetime import UTC, datetime, timedelta
from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest  # type: ignore[import-untyped]  # SciPy ships no types

from detectors import catalog
from detectors.types import Batch, Category, Profile, Window
from detectors.usage.latency import LONGEST, SHORTEST, cells, quantile, usable
from detectors.usage.usage import Nothing, Usage

USAGE, STATE = Usage(), Nothing()
START = datetime(2026, 3, 1, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(minutes=15))
NAN = float("nan")


def calls(**columns: object) -> Batch:
    """Build a batch of calls; lists of str become categories, other lists arrays."""
    made = {name: Category.of(values) if name == "error_type" else np.asarray(values) for name, values in columns.items()}  # type: ignore[arg-type]  # the table of a test
    return Batch("chat", "calls", len(next(iter(made.values()))), made)


def plain(profile: Profile) -> tuple[dict[str, list[int]], dict[str, dict[str, int]]]:
    """Return a profile as comparable data; an empty tally says as little as none."""
    return (
        {name: vector.tolist() for name, vector in profile.counts.items()},
        {name: dict(tally) for name, tally in profile.tallies.items() if tally},
    )


def scores(batch: Batch) -> dict[tuple[str, str], float]:
    """Return the window's gauges by name and share."""
    step = USAGE.step(STATE, WINDOW, USAGE.observe(STATE, batch))
    return {(score.metric.name, score.attributes.get("share", "")): score.value for score in step.scores}


def counters(profile: Profile) -> dict[tuple[str, ...], float]:
    """Return the increases by name and attribute."""
    return {(total.metric.name, *total.attributes.values()): total.value for total in USAGE.totals(profile)}


TIMES = st.one_of(st.floats(0, 200), st.sampled_from([NAN, -1.0, float("inf"), 0.0, 0.01, 81.92, 1e300]))
ROWS = st.lists(
    st.tuples(
        st.sampled_from([None, "429", "content_filter", "timeout", "500"]),
        st.booleans(),
        st.booleans(),
        TIMES,
        TIMES,
        st.floats(-5, 1e4) | st.just(NAN),
    ),
    max_size=60,
)


@given(ROWS, st.data())
def test_any_cut_and_order_merges_to_the_same_profile(
    rows: list[tuple[str | None, bool, bool, float, float, float]], data: st.DataObject
) -> None:
    """Counting is exact: the batches a stream came in leave no trace."""
    columns = list(zip(*rows, strict=True)) or [()] * 6
    names = ("error_type", "throttled", "blocked_prompt", "duration", "time_to_first_token", "output_tokens")
    batch = calls(**{name: list(values) for name, values in zip(names, columns, strict=True)})
    order = np.array(data.draw(st.permutations(range(batch.rows))), np.intp)
    cuts = sorted(data.draw(st.lists(st.integers(0, batch.rows), max_size=4)))

    parts = [USAGE.observe(STATE, batch.take(piece)) for piece in np.split(order, cuts)]

    assert plain(reduce(Profile.merge, parts)) == plain(USAGE.observe(STATE, batch))


def test_a_large_batch_counts_like_its_parts() -> None:
    """A batch beyond the size of a piece is cut inside, and nothing is lost at the cut."""
    draw = np.random.default_rng(3)
    bounds = draw.choice(catalog.DURATION_BOUNDARIES, 100_001)
    batch = calls(duration=bounds, time_to_first_token=draw.lognormal(0, 1, 100_001), throttled=draw.random(100_001) < 0.1)
    parts = [USAGE.observe(STATE, batch.take(piece)) for piece in np.array_split(np.arange(batch.rows), 203)]

    assert plain(reduce(Profile.merge, parts)) == plain(USAGE.observe(STATE, batch))


def test_counters_are_exact() -> None:
    """Every call, error, throttled call, token and observation is counted once, where it belongs."""
    batch = calls(
        error_type=[None, "429", "content_filter", "timeout", "timeout"],
        throttled=[False, True, False, False, False],
        blocked_prompt=[False, False, True, False, False],
        duration=[0.01, 0.02, 0.5, 100.0, NAN],
        input_tokens=[10.0, NAN, 5.0, 1.0, 1.0],
        cache_read_tokens=[0.0, NAN, NAN, NAN, NAN],
    )
    profile = USAGE.observe(STATE, batch)

    assert counters(profile) == {
        ("driftline.requests",): 5,
        ("driftline.request.throttled",): 1,
        ("driftline.request.errors", "timeout"): 2,
        ("driftline.request.errors", "429"): 1,
        ("driftline.request.errors", "content_filter"): 1,
        ("driftline.tokens", "input"): 17,
        ("driftline.tokens", "cache_read"): 0,
        ("driftline.request.duration",): pytest.approx(100.53),
    }
    buckets = next(total.buckets for total in USAGE.totals(profile) if total.metric is catalog.REQUEST_DURATION)
    assert buckets is not None
    assert {index: count for index, count in enumerate(buckets.tolist()) if count} == {0: 1, 1: 1, 6: 1, 14: 1}


@given(st.lists(st.floats(SHORTEST, 1e5), min_size=1, max_size=300), st.floats(0, 1))
def test_percentiles_are_numpys_within_a_percent(values: list[float], share: float) -> None:
    """p50, p95, p99 and all between are within 1/128 of numpy's linear quantile."""
    expected = float(np.quantile(np.array(values), share))

    assert quantile(cells(np.array(values)), share) == pytest.approx(expected, rel=1 / 128 + 1e-9)


def test_percentiles_of_a_window_are_gauges() -> None:
    """A window of log-normal latencies shows its median and tail."""
    durations = np.random.default_rng(7).lognormal(0, 1, 20_000)
    found = scores(calls(duration=durations))

    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        assert found[(f"driftline.request.duration.{name}", "")] == pytest.approx(np.quantile(durations, share), rel=0.008)


def test_times_that_are_no_times_are_left_out() -> None:
    """NaN, infinite and negative durations are not observed; endless ones count as the longest."""
    assert usable(np.array([NAN, -1.0, float("inf"), 0.0, 1e300])).tolist() == [0.0, LONGEST]
    assert quantile(cells(np.array([0.0])), 0.5) == SHORTEST / 2
    assert USAGE.totals(USAGE.observe(STATE, calls(duration=[NAN, -2.0])))[-1].metric is not catalog.REQUEST_DURATION


def test_throttled_and_filtered_calls_are_no_errors() -> None:
    """The error share is one of calls the endpoint answered; both shares carry SciPy's Wilson bounds."""
    found = scores(
        calls(
            error_type=["429"] * 50 + ["content_filter"] * 10 + [None] * 10 + ["500"] * 4 + [None] * 26,
            throttled=[True] * 50 + [False] * 50,
            blocked_prompt=[False] * 60 + [True] * 10 + [False] * 30,
        )
    )
    interval = binomtest(4, 30).proportion_ci(0.95, method="wilson")

    assert found[("driftline.request.samples", "error")] == 30
    assert found[("driftline.request.error.ratio", "")] == pytest.approx(4 / 30)
    assert found[("driftline.request.error.lower.ratio", "")] == pytest.approx(interval.low)
    assert found[("driftline.request.error.upper.ratio", "")] == pytest.approx(interval.high)
    assert found[("driftline.request.throttled.ratio", "")] == 0.5


@pytest.mark.parametrize("batch", [Batch("chat", "calls", 0, {}), Batch("m", "rows", 3, {}), Batch("chat", "call_parts", 3, {})])
def test_no_calls_no_numbers(batch: Batch) -> None:
    """Without calls there is no counter, no share and no percentile."""
    profile = USAGE.observe(STATE, batch)

    assert (USAGE.totals(profile), USAGE.step(STATE, WINDOW, profile).scores) == ((), ())


def test_all_throttled_leaves_no_error_share() -> None:
    """A storm of 429 says nothing about errors."""
    found = scores(calls(throttled=[True] * 9))

    assert ("driftline.request.error.ratio", "") not in found
    assert found[("driftline.request.throttled.ratio", "")] == 1.0


def test_error_types_are_bounded() -> None:
    """Beyond fifty types the rarest share one series; no error is lost."""
    profile = USAGE.observe(STATE, calls(error_type=[f"E{i:03}" for i in range(80)] + ["common"]))
    errors = {key[1]: value for key, value in counters(profile).items() if key[0] == "driftline.request.errors"}

    assert (len(errors), sum(errors.values()), errors["__other__"]) == (51, 81, 31)


def test_only_declared_metrics_come_out() -> None:
    """Everything reported is in the detector's list, with exactly its attributes."""
    profile = USAGE.observe(
        STATE, calls(error_type=["500", None], duration=[1.0, 2.0], time_to_first_token=[0.1, NAN], input_tokens=[1.0, 1.0])
    )
    counted, judged = USAGE.totals(profile), USAGE.step(STATE, WINDOW, profile).scores
    reported = [(total.metric, total.attributes) for total in counted] + [(score.metric, score.attributes) for score in judged]

    for metric, attributes in reported:
        assert metric in Usage.metrics
        assert {*attributes, *catalog.STREAM} == set(metric.attributes)
