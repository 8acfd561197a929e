"""Trust in estimates: kept while labels agree, lost when they do not, and won back slowly."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats  # type: ignore[import-untyped]  # SciPy ships no types

from detectors.decay.trust import LEAST_LABELS, REMEMBERED, Basis, Bounded, Pair, Trust, judge, leading


def pair(distance: float, labels: int = 500) -> Pair:
    """Return a window whose realised value is so many half-widths above the estimated one."""
    value = 0.8 + 0.02 * distance
    return Pair(Bounded(0.8, 0.78, 0.82), Bounded(value, value - 0.02, value + 0.02), labels)


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(("outside", "windows"), [(0, 3), (1, 3), (2, 3), (2, 10), (3, 10), (4, 10), (4, 20), (5, 20)])
def test_windows_outside_are_counted_against_the_binomial(outside: int, windows: int, side: int) -> None:
    """The chance is SciPy's; below 1 % estimates are not trustworthy, whichever side they err on."""
    found = judge([pair(0.5)] * (windows - outside) + [pair(1.5 * side)] * outside)
    assert (found.outside, found.windows) == (outside, windows)
    assert found.chance == pytest.approx(stats.binom.sf(outside - 1, windows, 0.05))
    assert (found.status == "not trustworthy") == (found.chance < 0.01)


def test_too_few_windows_or_labels_prove_nothing() -> None:
    """Two windows, or windows of 29 labels, leave estimates untested, and the sentence says so."""
    assert judge([]).status == "untested"
    assert judge([pair(9.0)] * 2).status == "untested"
    found = judge([pair(9.0, LEAST_LABELS - 1)] * 9)
    assert found.explanation == "untested: 0 of 3 windows with enough labels"


def test_the_wider_interval_counts() -> None:
    """A realised value of few labels is not held against an estimate for all rows."""
    near = Bounded(0.8, 0.79, 0.81)
    assert judge([Pair(near, Bounded(0.86, 0.70, 0.94), 40)] * 5).status == "trusted"
    assert judge([Pair(near, Bounded(0.86, 0.85, 0.87), 5000)] * 5).status == "not trustworthy"


def test_trust_comes_back_when_old_windows_are_forgotten() -> None:
    """Lost by 6 windows, it stays lost while they are remembered, and returns after enough good ones."""
    history = [pair(0.0)] * 20
    before: Trust | None = None
    seen = []
    for distance in [3.0] * 6 + [0.0] * REMEMBERED:
        history.append(pair(distance))
        before = judge(history, before)
        seen.append(before.status)
    assert seen[0] == "trusted"
    assert seen[4:16] == ["not trustworthy"] * 12
    assert seen[-1] == "trusted"
    assert sum(one != other for one, other in pairwise(seen)) == 2


def test_honest_intervals_seldom_lose_trust() -> None:
    """Realised values scattered as the intervals promise: at most 2 % of histories of 20 windows are doubted at their end."""
    rng = np.random.default_rng(8)
    doubted = 0
    for _ in range(500):
        doubted += judge([pair(float(distance)) for distance in rng.normal(0, 1 / 1.96, 20)]).status == "not trustworthy"
    assert doubted <= 10


def test_a_model_whose_scores_mean_less_is_told_in_three_windows() -> None:
    """Concept drift of twice the interval's half in each of three windows is enough."""
    found = judge([pair(-2.0)] * 3)
    assert found.status == "not trustworthy"
    assert found.explanation == (
        "not trustworthy: labels put 3 of 3 windows outside their intervals, 0.2 would be usual; realised less estimated is -0.04 on average"
    )


@pytest.mark.parametrize(
    ("status", "coverage", "labels", "basis"),
    [
        ("trusted", 0.0, 0, "estimated"),
        ("untested", 0.2, 400, "estimated"),
        ("trusted", 0.5, 400, "realised"),
        ("trusted", 1.0, LEAST_LABELS - 1, "estimated"),
        ("not trustworthy", 0.2, 400, "realised"),
        ("not trustworthy", 0.0, 3, "none"),
    ],
)
def test_labels_take_over(status: str, coverage: float, labels: int, basis: Basis) -> None:
    """From half of the labels on the realised series speaks; an estimate that is not believed speaks for nobody."""
    assert leading(Trust(status, 9, 0, 0.0, 1.0), coverage, labels) == basis  # type: ignore[arg-type]  # the table holds plain text
