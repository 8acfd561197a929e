"""Priority samples: bounded, mergeable, and honest about how likely each item was to be in."""

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.quality.priority_sample import ALWAYS, PrioritySample, uniform


def _keys(number: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**63, number).astype(np.uint64)


def test_uniform_numbers_are_uniform_also_for_counted_keys() -> None:
    """Keys 0, 1, 2, … give numbers whose deciles hold a tenth each, within five standard errors."""
    found = uniform(np.arange(100_000, dtype=np.uint64))
    assert found.min() > 0
    assert found.max() <= 1
    assert np.abs(np.bincount((found * 10).astype(int).clip(0, 9)) - 10_000).max() < 5 * 95


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 300), st.integers(1, 40), st.integers(1, 6), st.randoms(use_true_random=False))
def test_however_it_is_cut_the_same_items_stay(number: int, size: int, cuts: int, chance: Random) -> None:
    """Cut into replicas and merged in any order, the sample equals that of one agent which saw everything."""
    keys = _keys(number)
    importance = 1.0 + (keys % np.uint64(7)).astype(np.float64)
    whole = PrioritySample(size).add(keys, importance)
    replica = np.array([chance.randrange(cuts) for _ in range(number)], np.int64)
    parts = [PrioritySample(size).add(keys[replica == part], importance[replica == part]) for part in range(cuts)]
    chance.shuffle(parts)
    merged = parts[0]
    for part in parts[1:]:
        merged = merged.merge(part)
    assert sorted(merged.keys.tolist()) == sorted(whole.keys.tolist())
    assert merged.threshold == whole.threshold


def test_weights_give_back_the_population() -> None:
    """The mean of Σ 1/probability over many seeds is the number of items, of each importance, within five standard errors."""
    importance = np.repeat([1.0, 10.0, ALWAYS], [4_000, 90, 10])
    sums = np.zeros((400, 3))
    for run in range(400):
        sample = PrioritySample(200).add(_keys(4_100, run), importance)
        for column, value in enumerate((1.0, 10.0, ALWAYS)):
            sums[run, column] = (1 / sample.probabilities[sample.importance == value]).sum()
    error = sums.std(axis=0) / np.sqrt(400)
    assert (np.abs(sums.mean(axis=0) - [4_000, 90, 10]) <= 5 * error + 1e-9).all()


def test_what_is_always_kept_is_kept_with_certainty_while_there_is_room() -> None:
    """Errors stay with probability 1; where there are more of them than room the sample stays bounded and says how likely each was."""
    few = PrioritySample(50).add(_keys(1_000), np.repeat([ALWAYS, 1.0], [20, 980]))
    assert (few.importance == ALWAYS).sum() == 20
    assert (few.probabilities[few.importance == ALWAYS] == 1).all()
    many = PrioritySample(50).add(_keys(1_000), np.full(1_000, ALWAYS))
    assert len(many) == 50
    assert (1 / many.probabilities).sum() == pytest.approx(1_000, rel=0.5)


@pytest.mark.parametrize("importance", [0.0, -1.0, np.nan, np.inf])
def test_an_item_that_could_never_be_kept_is_refused(importance: float) -> None:
    """An importance that is not positive and finite is an error, not a silent bias."""
    with pytest.raises(ValueError, match="positive and finite"):
        PrioritySample(5).add(_keys(1), np.array([importance]))


def test_one_item_with_two_importances_is_refused() -> None:
    """Replicas that judge the same item differently cannot be merged."""
    keys = _keys(3)
    one, other = PrioritySample(5).add(keys, np.ones(3)), PrioritySample(5).add(keys, np.full(3, 2.0))
    with pytest.raises(ValueError, match="two importances"):
        one.merge(other)
