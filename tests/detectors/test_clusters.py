"""Turns of a conversation in the sample together, and what that does to intervals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.quality.clusters import SEED, equal_trials
from detectors.quality.evaluations import scores_of
from detectors.quality.priority_sample import PrioritySample, uniform
from detectors.quality.reserved_sample import ReservedSample
from detectors.quality.text_columns import IMPORTANCE, PROBABILITY
from detectors.quality.text_signals import TextSignals, estimate
from detectors.quality.weighted_rate import weighted_rate
from detectors.types import Batch

_CALLS = st.lists(st.tuples(st.integers(1, 12), st.sampled_from([1.0, 10.0])), min_size=1, max_size=60)


def _columns(calls: list[tuple[int, float]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    seeds, importance = zip(*calls, strict=True)
    return np.arange(1, len(calls) + 1, dtype=np.uint64), np.array(importance), np.array(seeds, np.uint64) * np.uint64(7919)


@given(_CALLS, st.integers(1, 20), st.integers(1, 7), st.randoms(use_true_random=False))
def test_turns_of_one_importance_stay_or_go_together(calls: list[tuple[int, float]], size: int, piece: int, order: object) -> None:
    """Whatever the order and the cut; and a sample of pieces is the sample of the whole."""
    keys, importance, seeds = _columns(calls)
    whole = PrioritySample(size).add(keys, importance, seeds)
    kept = np.isin(keys, whole.keys)
    for seed in np.unique(seeds):
        for worth in (1.0, 10.0):
            assert len(np.unique(kept[(seeds == seed) & (importance == worth)])) <= 1
    shuffled = np.argsort([order.random() for _ in keys])  # type: ignore[attr-defined]  # a Random
    pieces, halves = PrioritySample(size), [PrioritySample(size), PrioritySample(size)]
    for number, start in enumerate(range(0, len(keys), piece)):
        rows = shuffled[start : start + piece]
        pieces = pieces.add(keys[rows], importance[rows], seeds[rows])
        halves[number % 2] = halves[number % 2].add(keys[rows], importance[rows], seeds[rows])
    for other in (pieces, halves[0].merge(halves[1])):
        assert set(other.keys.tolist()) == set(whole.keys.tolist())
        assert other.threshold == whole.threshold


def test_chances_are_right_for_turns_of_conversations() -> None:
    """Weighted by them, samples of 4,000 draws count the calls there are, and those of long conversations, to two errors."""
    generator = np.random.default_rng(5)
    sizes = generator.integers(1, 9, 60)
    conversations = np.repeat(np.arange(60), sizes)
    importance = np.where(generator.random(len(conversations)) < 0.1, 10.0, 1.0)
    long = sizes[conversations] > 5
    keys = np.arange(1, len(conversations) + 1, dtype=np.uint64)
    found = []
    for _ in range(4000):
        seeds = generator.integers(1, 2**63, 60).astype(np.uint64)[conversations]
        sample = PrioritySample(60).add(keys, importance, seeds)
        rows = sample.keys.astype(np.intp) - 1
        found.append((np.sum(1 / sample.probabilities), np.sum(long[rows] / sample.probabilities)))
    means, errors = np.mean(found, axis=0), np.std(found, axis=0) / np.sqrt(len(found))
    assert np.all(np.abs(means - [len(keys), long.sum()]) < 3 * errors)


def test_a_reserved_sample_passes_seeds_on() -> None:
    """In both of its parts."""
    keys, seeds = np.arange(1, 41, dtype=np.uint64), np.repeat(np.arange(1, 11, dtype=np.uint64), 4)
    importance = np.where(np.arange(40) < 20, 1e9, 1.0)
    sample = ReservedSample.of(16).add(keys, importance, seeds)
    for part in (sample.always, sample.rest):
        assert np.array_equal(part.drawn, seeds[part.keys.astype(np.intp) - 1])
        assert set(np.unique(part.drawn, return_counts=True)[1].tolist()) <= {4}


def test_without_conversations_nothing_changes() -> None:
    """Every call its own seed: the same estimates and bounds as before there were seeds."""
    generator = np.random.default_rng(3)
    hits, chances, seeds = generator.random(200) < 0.1, generator.uniform(0.1, 1, 200), np.arange(200, dtype=np.uint64)
    alone, drawn = weighted_rate(hits, chances), weighted_rate(hits, chances, seeds=seeds)
    assert (drawn.value, drawn.samples) == (alone.value, alone.samples)
    assert (drawn.lower, drawn.upper, drawn.effective) == pytest.approx((alone.lower, alone.upper, alone.effective))
    assert equal_trials(seeds) == 200


def test_intervals_know_that_turns_of_a_conversation_are_alike() -> None:
    """Where whole conversations refuse, 95 % intervals cover the rate; those that take turns for independent calls do not."""
    generator = np.random.default_rng(8)
    population = generator.random(4000) < 0.2
    covered = {"together": 0, "apart": 0}
    draws = 150
    for _ in range(draws):
        chosen = np.flatnonzero(uniform(generator.integers(1, 2**63, 4000).astype(np.uint64)) < 0.03)
        seeds = np.repeat(chosen, 8).astype(np.uint64)
        hits, chances = np.repeat(population[chosen], 8), np.full(8 * len(chosen), 0.03)
        for name, given_seeds in (("together", seeds), ("apart", None)):
            found = estimate(hits.astype(np.float64), chances, given_seeds, rate=True)
            covered[name] += found is not None and found.lower <= population.mean() <= found.upper
    assert covered["together"] / draws >= 0.92
    assert covered["apart"] / draws < 0.75


def test_rare_things_of_one_conversation_do_not_look_sure() -> None:
    """The exact interval of a window counts its conversations, not their turns."""
    keys = np.arange(1, 321, dtype=np.uint64)
    columns = {
        "id": keys,
        SEED: np.repeat(np.arange(1, 41, dtype=np.uint64) * np.uint64(104729), 8),
        IMPORTANCE: np.ones(320),
        PROBABILITY: np.ones(320),
        "refusal": (keys <= 8).astype(np.float64),
    }
    upper = {}
    for name, batch in (("together", columns), ("apart", {key: value for key, value in columns.items() if key != SEED})):
        scores = TextSignals().look(None, None, Batch("chat", "calls", 320, batch)).scores  # type: ignore[arg-type]  # no window is needed
        upper[name] = next(one.value for one in scores if one.metric.name == "driftline.safety.refusal.upper.ratio")
    assert upper["together"] > 2 * upper["apart"]


def test_means_of_verdicts_know_conversations_too() -> None:
    """Ten answers of each of twelve conversations: the interval is that of twelve means."""
    values = np.repeat(np.linspace(2, 5, 12), 10)
    seeds = np.repeat(np.arange(12, dtype=np.uint64), 10)
    scores = {one.metric.name: one.value for one in scores_of({"fluency": (values, np.ones(120))}, 3.0, seeds={"fluency": seeds})}
    reach = 1.959963984540054 * np.std(np.linspace(2, 5, 12), ddof=1) / np.sqrt(12)
    assert scores["driftline.evaluation.score.mean"] - scores["driftline.evaluation.score.lower"] == pytest.approx(reach)
