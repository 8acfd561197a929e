"""Calls that samplers upstream let through stand for all: totals, shares and percentiles are unbiased, and intervals hold."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import nbinom  # type: ignore[import-untyped]  # SciPy ships no types

from detectors import catalog
from detectors.quality.exact_rate import uniform_part
from detectors.quality.priority_sample import PrioritySample
from detectors.safety.names import Names
from detectors.safety.results import encode, entry
from detectors.safety.safety import Safety
from detectors.types import Batch, Category, Profile, Step, Window
from detectors.usage.thinning import MOST, UNIT, Weighed
from detectors.usage.usage import Nothing, Usage

START = datetime(2026, 3, 1, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(minutes=15))
FILTERS = (encode([entry("completion", "hate", severity="safe")]), encode([entry("completion", "hate", severity="high", filtered=True)]))


def _calls(
    weights: NDArray[np.float64] | None, failed: NDArray[np.bool_], unsafe: NDArray[np.bool_], seconds: NDArray[np.float64]
) -> Batch:
    columns: dict[str, Any] = {
        "error_type": Category(np.where(failed, 0, -1).astype(np.int32), ("500",)),
        "filters": Category(unsafe.astype(np.int32), FILTERS),
        "duration": seconds,
        "output_tokens": np.full(len(failed), 7.0),
    }
    return Batch("chat", "calls", len(failed), columns if weights is None else {**columns, "weight": weights})


def _values(step: Step, **wanted: str) -> dict[str, float]:
    return {one.metric.name: one.value for one in step.scores if wanted.items() <= one.attributes.items()}


def _usage(profile: Profile) -> dict[str, float]:
    return _values(Usage().step(Nothing(), WINDOW, profile))


class _Population:
    """3,000 calls of a client whose sampler lets a fifth come and that fails often, and of one that sends everything."""

    def __init__(self, random: np.random.Generator) -> None:
        size = 3_000
        self.thinned = random.random(size) < 0.7
        self.failed = random.random(size) < np.where(self.thinned, 0.2, 0.02)
        self.unsafe = random.random(size) < np.where(self.thinned, 0.1, 0.01)
        self.seconds = np.where(self.thinned, 4.0, 1.0)

    def sampled(self, random: np.random.Generator) -> Batch:
        """Return what comes."""
        kept = ~self.thinned | (random.random(len(self.thinned)) < 0.2)
        return _calls(np.where(self.thinned, 5.0, 1.0)[kept], self.failed[kept], self.unsafe[kept], self.seconds[kept])


def test_estimates_are_unbiased_and_their_intervals_hold() -> None:
    """Over 60 samples of one population: numbers of calls, failed share and unsafe share; the mean of what came is far off."""
    random = np.random.default_rng(5)
    population = _Population(random)
    truth = np.array([3_000, population.failed.mean(), population.unsafe.mean()])
    found, covered, naive = [], [], []
    for _ in range(60):
        batch = population.sampled(random)
        used = _usage(Usage().observe(Nothing(), batch))
        safety = _values(Safety().step(Names(), WINDOW, Safety().observe(Names(), batch)), category="hate")
        found.append([used[catalog.REQUEST_ESTIMATE.name], used[catalog.REQUEST_ERROR_RATIO.name], safety[catalog.SAFETY_UNSAFE.name]])
        bounds = (
            (used[catalog.REQUEST_ESTIMATE_LOWER.name], used[catalog.REQUEST_ESTIMATE_UPPER.name]),
            (used[catalog.REQUEST_ERROR_LOWER.name], used[catalog.REQUEST_ERROR_UPPER.name]),
            (safety[catalog.SAFETY_UNSAFE_LOWER.name], safety[catalog.SAFETY_UNSAFE_UPPER.name]),
        )
        covered.append([low <= value <= high for (low, high), value in zip(bounds, truth, strict=True)])
        errors = batch.columns["error_type"]
        assert isinstance(errors, Category)
        naive.append(float((errors.codes >= 0).mean()))
    values = np.array(found)
    error = values.std(axis=0) / np.sqrt(len(values))
    assert (np.abs(values.mean(axis=0) - truth) < 4 * error).all()
    assert (np.mean(covered, axis=0) >= 0.9).all()
    assert abs(np.mean(naive) - truth[1]) > 0.3 * truth[1]


def test_counters_estimate_all_calls_and_tokens() -> None:
    """What came stays exact beside it."""
    batch = _calls(np.array([10.0, 1.0]), np.zeros(2, np.bool_), np.zeros(2, np.bool_), np.ones(2))
    told = {(one.metric, *one.attributes.values()): one.value for one in Usage().totals(Usage().observe(Nothing(), batch))}
    assert (told[catalog.REQUESTS,], told[catalog.REQUESTS_ESTIMATED,]) == (2, 11.0)
    assert (told[catalog.TOKENS, "output"], told[catalog.TOKENS_ESTIMATED, "output"]) == (14, 77)


def test_without_weights_nothing_is_estimated() -> None:
    """Exact counters have no second name."""
    batch = _calls(None, np.zeros(2, np.bool_), np.zeros(2, np.bool_), np.ones(2))
    profile = Usage().observe(Nothing(), batch)
    assert catalog.REQUESTS_ESTIMATED not in {one.metric for one in Usage().totals(profile)}
    assert catalog.REQUEST_ESTIMATE.name not in _usage(profile)


def test_percentiles_weigh_calls() -> None:
    """One call in ten of the slow ones comes: the median is theirs."""
    weights, seconds = np.repeat([10.0, 1.0], [20, 100]), np.repeat([8.0, 1.0], [20, 100])
    nobody = np.zeros(120, np.bool_)
    assert _usage(Usage().observe(Nothing(), _calls(weights, nobody, nobody, seconds)))[catalog.REQUEST_DURATION_P50.name] == pytest.approx(
        8, rel=0.01
    )


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.floats(1, MOST), st.booleans(), st.booleans(), st.floats(0, 100)), min_size=1, max_size=40),
    st.integers(1, 4),
    st.randoms(use_true_random=False),
)
def test_cut_and_order_do_not_matter(rows: list[tuple[float, bool, bool, float]], cuts: int, chance: Any) -> None:
    """Profiles of parts, some of them without weights, add up to the profile of the whole."""
    shuffled = list(rows)
    chance.shuffle(shuffled)

    def profiles(one: list[tuple[float, bool, bool, float]], detector: Any, state: Any) -> Profile:
        weights, failed, unsafe, seconds = (np.array(column) for column in zip(*one, strict=True))
        return detector.observe(state, _calls(weights, failed, unsafe, seconds))  # type: ignore[no-any-return]  # of any detector

    for detector, state in ((Usage(), Nothing()), (Safety(), Names())):
        whole, parts = profiles(rows, detector, state), Profile()
        for start in range(cuts):
            if shuffled[start::cuts]:
                parts = parts.merge(profiles(shuffled[start::cuts], detector, state))
        assert {name: value.tolist() for name, value in whole.counts.items()} == {
            name: value.tolist() for name, value in parts.counts.items()
        }
        assert whole.tallies == parts.tallies


@settings(max_examples=30)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=20))
def test_no_weight_makes_less_than_what_came(weights: list[float]) -> None:
    """Whatever stands in the column."""
    nobody = np.zeros(len(weights), np.bool_)
    found = _usage(Usage().observe(Nothing(), _calls(np.array(weights), nobody, nobody, np.ones(len(weights)))))
    assert (
        len(weights)
        <= found[catalog.REQUEST_ESTIMATE_LOWER.name]
        <= found[catalog.REQUEST_ESTIMATE.name]
        <= found[catalog.REQUEST_ESTIMATE_UPPER.name]
    )
    assert found[catalog.REQUEST_ESTIMATE.name] <= MOST * len(weights)


@pytest.mark.parametrize(("calls", "weight"), [(50, 10), (400, 4), (10, 100)])
def test_bounds_are_those_of_the_negative_binomial(calls: int, weight: int) -> None:
    """With one weight the number of calls behind those that came is known exactly: SciPy's quantiles lie beside ours."""
    lower, upper = Weighed(calls, calls * (weight - 1) * UNIT, calls * (weight**2 - 1) * UNIT).bounds
    assert lower == pytest.approx(calls + nbinom(calls, 1 / weight).ppf(0.025), rel=0.06)
    assert upper == pytest.approx(calls + 1 + nbinom(calls + 1, 1 / weight).ppf(0.975), rel=0.06)


def test_the_uniform_part_gives_every_call_the_same_chance() -> None:
    """Over 200 streams, thinned to a quarter or not, important or not: equally often in the part, as often as it says."""
    random = np.random.default_rng(3)
    size = 400
    weights, importance = np.tile([4.0, 1.0], size // 2), np.tile([10.0, 1.0, 1.0, 10.0], size // 4)
    times, expected = np.zeros(size), 0.0
    for _ in range(200):
        keys = random.integers(1, 2**63, size).astype(np.uint64)
        came = random.random(size) < 1 / weights
        sample = PrioritySample(80).add(keys[came], importance[came])
        order = np.argsort(keys[came])
        rows = np.flatnonzero(came)[order[np.searchsorted(keys[came][order], sample.keys)]]
        part, chance = uniform_part(sample.keys, importance[rows], sample.probabilities / weights[rows], weights[rows])
        times[rows[part]] += 1
        expected += chance
    groups = [times[(weights == weight) & (importance == worth)].mean() for weight in (4.0, 1.0) for worth in (10.0, 1.0)]
    assert groups == pytest.approx([expected] * 4, rel=0.15)
