"""Golden sets: pass ratios, and the test that tells a regression from flake."""

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binomtest, permutation_test  # type: ignore[import-untyped] # SciPy has no types

from detectors.intervals import wilson
from detectors.quality.paired_loss import Loss, paired_loss
from detectors.quality.pass_ratio import pass_ratio
from detectors.quality.regression import Terms, judged, shared_out

Ints = NDArray[np.int64]
PAIRS, NIGHTS, REPEATS = 120, 14, 3


def ints(*values: int) -> Ints:
    return np.array(values, np.int64)


def full(count: int, value: int) -> Ints:
    return np.full(count, value, np.int64)


@given(lost=st.integers(0, 60), won=st.integers(0, 60), same=st.integers(0, 60))
def test_one_repeat_is_mcnemars_test(lost: int, won: int, same: int) -> None:
    """With one answer a pair the p-value is SciPy's one-sided binomial one on the pairs that changed."""
    before = np.concatenate([full(lost, 1), full(won, 0), full(same, 1)])
    after = np.concatenate([full(lost, 0), full(won, 1), full(same, 1)])
    found = paired_loss(before, full(len(before), 1), after, full(len(after), 1))

    expected = binomtest(lost, lost + won, 0.5, "greater").pvalue if lost > won else 1.0
    assert found.p_value == pytest.approx(expected, abs=1e-12)
    assert (found.worse, found.better, found.pairs) == (lost, won, lost + won + same)


def test_repeats_are_scipys_exact_permutation() -> None:
    """With several repeats it is SciPy's exact permutation test of paired samples."""
    before, after = ints(3, 3, 2, 3, 1, 3, 3, 2, 3, 0), ints(1, 3, 2, 0, 2, 2, 1, 2, 0, 0)
    exact = permutation_test(
        (before / 3, after / 3),
        lambda x, y, axis: (x - y).mean(axis=axis),
        permutation_type="samples",
        alternative="greater",
        n_resamples=np.inf,
        vectorized=True,
    )

    assert paired_loss(before, full(10, 3), after, full(10, 3)).p_value == pytest.approx(exact.pvalue, abs=1e-12)


def test_many_changes_are_nearly_normal() -> None:
    """Where the sum is taken as normal it agrees with the exact binomial tail."""
    lost, won = 900, 800
    changed = np.concatenate([full(lost, 1), full(won, 0)])
    found = paired_loss(changed, full(lost + won, 1), 1 - changed, full(lost + won, 1))

    exact = sum(comb(lost + won, k) for k in range(lost, lost + won + 1)) / 2 ** (lost + won)
    assert found.p_value == pytest.approx(exact, rel=0.1)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40))
def test_gaps_are_left_out(rows: list[tuple[int, int, int, int]]) -> None:
    """A pair without answers in one of both runs says nothing, and no p-value leaves [0, 1]."""
    passes, answers, again, trials = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    answers, trials = np.where(answers < passes, 0, answers), np.where(trials < again, 0, trials)
    found = paired_loss(passes, answers, again, trials)
    kept = (answers > 0) & (trials > 0)

    assert 0 < found.p_value <= 1
    assert found.pairs == kept.sum()
    alone = paired_loss(passes[kept], answers[kept], again[kept], trials[kept])
    assert str(alone) == str(found)


@given(st.integers(1, 200), st.data())
def test_one_repeat_gives_wilsons_interval(pairs: int, data: st.DataObject) -> None:
    """With one answer a pair the interval is Wilson's."""
    hits = data.draw(st.integers(0, pairs))
    found = pass_ratio(np.concatenate([full(hits, 1), full(pairs - hits, 0)]), full(pairs, 1))

    assert found is not None
    assert (found.lower, found.upper) == pytest.approx(wilson(hits, pairs), abs=1e-9)


def test_repeats_that_agree_tell_no_more_than_one() -> None:
    """Three repeats of which each pair's are equal leave the interval as wide as one; independent ones narrow it."""
    once = pass_ratio(np.repeat(ints(1, 0), 50), full(100, 1))
    thrice = pass_ratio(np.repeat(ints(3, 0), 50), full(100, 3))
    mixed = pass_ratio(np.repeat(ints(2, 1), 50), full(100, 3))

    assert once is not None
    assert thrice is not None
    assert mixed is not None
    assert (thrice.lower, thrice.upper) == pytest.approx((once.lower, once.upper))
    assert mixed.upper - mixed.lower < 0.65 * (once.upper - once.lower)


def test_intervals_cover() -> None:
    """Over 2,000 sets of 120 pairs drawn from a population, the interval holds the population's ratio in 93 % or more."""
    chance, covered = np.random.default_rng(5), 0
    for _ in range(2000):
        shares = np.where(chance.random(PAIRS) < 0.1, chance.random(PAIRS), 0.97)
        found = pass_ratio(chance.binomial(REPEATS, shares), full(PAIRS, REPEATS))
        assert found is not None
        covered += found.lower <= 0.9 * 0.97 + 0.1 * 0.5 <= found.upper

    assert covered / 2000 >= 0.93


def endpoint(kind: str, chance: np.random.Generator) -> NDArray[np.float64]:
    """Return each pair's chance to pass; on average 5 % of answers flake, or fail."""
    shares = np.ones(PAIRS)
    if kind == "even":
        shares[:] = 0.95
    elif kind == "a tenth flips coins":
        shares[chance.choice(PAIRS, 12, replace=False)] = 0.5
    else:
        shares[:] = 0.975
        hard = chance.choice(PAIRS, 12, replace=False)
        shares[hard] = 0.5 * chance.random(12)
    return shares


def night(shares: NDArray[np.float64], chance: np.random.Generator, *, cached: bool) -> Ints:
    """Return the passes of one run; `cached` endpoints give the same answer to all repeats of a night."""
    return (chance.random(PAIRS) < shares) * REPEATS if cached else chance.binomial(REPEATS, shares).astype(np.int64)


def alarm(before: Ints, shares: NDArray[np.float64], nights: int, chance: np.random.Generator, *, cached: bool) -> bool:
    """Return whether any of so many runs is called a regression."""
    suspected, trials = False, full(PAIRS, REPEATS)
    for _ in range(nights):
        verdict = judged(paired_loss(before, trials, night(shares, chance, cached=cached), trials), Terms(), suspected=suspected)
        if verdict == "regressed":
            return True
        suspected = verdict == "suspected"
    return False


KINDS = ("even", "a tenth flips coins", "a tenth mostly fails")


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_fourteen_nights_of_the_same_noise_raise_no_alarm(kind: str, *, cached: bool) -> None:
    """Of 400 fortnights without a change at most 4 % have an alarm, also where repeats of a night are all alike."""
    chance = np.random.default_rng(11)
    alarms = 0
    for _ in range(400):
        shares = endpoint(kind, chance)
        alarms += alarm(night(shares, chance, cached=cached), shares, NIGHTS, chance, cached=cached)

    assert alarms / 400 <= 0.04


@pytest.mark.parametrize("spread", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_ten_points_are_found_within_two_runs(kind: str, *, spread: bool) -> None:
    """A loss of ten points, of single pairs or of all alike, is found within two runs in 94 of 100 cases or more."""
    chance = np.random.default_rng(12)
    found = 0
    for _ in range(300):
        shares = endpoint(kind, chance)
        before = night(shares, chance, cached=False)
        worse = shares * (1 - 0.1 / shares.mean())
        if not spread:
            good = np.flatnonzero(shares > 0.9)
            gone = good[: int(np.searchsorted(np.cumsum(shares[good]), 0.1 * PAIRS)) + 1]
            worse = shares.copy()
            worse[gone] = 0.0
        found += alarm(before, worse, 2, chance, cached=False)

    assert found / 300 >= 0.94


def test_verdicts_wait_for_a_second_run() -> None:
    """One very sure run is enough, two suspicious ones are, a small or doubtful loss never."""
    terms = Terms()
    table = [
        (Loss(0.95, 0.80, 0.0001, 120, 18, 0), False, "regressed"),
        (Loss(0.95, 0.88, 0.01, 120, 10, 2), False, "suspected"),
        (Loss(0.95, 0.88, 0.01, 120, 10, 2), True, "regressed"),
        (Loss(0.95, 0.88, 0.05, 120, 10, 2), True, "stable"),
        (Loss(0.95, 0.93, 0.0001, 5000, 100, 2), True, "stable"),
        (Loss(0.90, 0.95, 1.0, 120, 0, 6), True, "stable"),
        (Loss(0.95, 0.10, 0.0001, 12, 12, 0), False, "insufficient"),
    ]

    assert [judged(loss, terms, suspected=before) for loss, before, _ in table] == [said for *_, said in table]


@settings(max_examples=50)
@given(st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=8))
def test_several_evaluators_share_the_doubt(chances: list[float]) -> None:
    """Of several losses one is called only with a p-value that a single one would not need; alone it is judged as before."""
    losses = {str(place): Loss(0.95, 0.85, p_value, 120, 14, 2) for place, p_value in enumerate(chances)}
    found = shared_out(losses, Terms(), frozenset())

    least = min(chances)
    assert ("regressed" in found.values()) == (least <= 0.002 / len(chances))
    if len(chances) == 1:
        assert found["0"] == judged(losses["0"], Terms(), suspected=False)
