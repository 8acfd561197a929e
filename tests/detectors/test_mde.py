"""The smallest detectable change: a change of that size is found about four times in five."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import optimize, stats  # type: ignore[import-untyped]  # SciPy ships no types

from detectors.drift.calibration import FeatureHistory, MinEffect, calibrate
from detectors.drift.judging import measure, smallest_changes

EDGES = stats.norm.ppf(np.arange(1, 20) / 20)


def windows(number: int, rows: int, shift: float, wander: float, random: np.random.Generator) -> FeatureHistory:
    """Return windows of a normal column whose mean wanders from day to day, counted into 20 cells."""
    counts = []
    for mean in shift + wander * random.standard_normal(number):
        below = np.concatenate([[0.0], stats.norm.cdf(EDGES - mean), [1.0]])
        counts.append([*random.multinomial(rows, np.diff(below)), 0])
    return FeatureHistory("age", "numeric", np.array(counts), np.zeros(number, np.int64))


@pytest.mark.parametrize(("rows", "wander"), [(200, 0.0), (1000, 0.0), (1000, 0.1)])
def test_power_at_the_smallest_location(rows: int, wander: float) -> None:
    """At the location MDE the location test reaches its line in 70 to 90 % of windows."""
    random = np.random.default_rng(7)
    reached = []
    for _ in range(12):
        calibration = calibrate([windows(56, rows, 0.0, wander, random)], np.arange(56), 1.0)
        replay = calibration.replay
        at = replay.tests.index("location")
        quiet = measure(replay, {"age": windows(1, rows, 0.0, wander, random).counts}, MinEffect())
        mde = smallest_changes(replay, calibration.critical, quiet)[0, at]
        # The score is a rank score: a small shift of a normal column by d moves its mean by d times their correlation.
        rank_shift = mde / np.sqrt(3 / np.pi)
        found = measure(replay, {"age": windows(100, rows, rank_shift, wander, random).counts}, MinEffect())
        reached.append(float((found.strength[:, at] >= calibration.critical.strength[at]).mean()))
    assert 0.7 <= np.mean(reached) <= 0.9


def shares(number: int, rows: int, share: NDArray[np.float64], wander: float, random: np.random.Generator) -> FeatureHistory:
    """Return windows of a categorical column whose logarithmic weights wander from day to day."""
    weights = share * np.exp(wander * random.standard_normal((number, len(share))))
    counts = np.array([[*random.multinomial(rows, one / one.sum()), 0, 0, 0] for one in weights])
    return FeatureHistory("plan", "categorical", counts, np.zeros(number, np.int64))


def moved_by(share: NDArray[np.float64], psi: float, random: np.random.Generator) -> NDArray[np.float64]:
    """Return shares that lie `psi` away in a random direction."""
    direction = random.standard_normal(len(share))

    def at(step: float) -> NDArray[np.float64]:
        moved: NDArray[np.float64] = share * np.exp(step * direction)
        return moved / float(moved.sum())

    def excess(step: float) -> float:
        return float(((at(step) - share) * np.log(at(step) / share)).sum()) - psi

    return at(optimize.brentq(excess, 1e-6, 5.0))


@pytest.mark.parametrize(("rows", "wander"), [(200, 0.0), (1000, 0.0), (1000, 0.1)])
def test_power_at_the_smallest_shape(rows: int, wander: float) -> None:
    """At the shape MDE the shape test reaches its line in at least 75 % of windows, whatever the direction: it errs on the safe side."""
    random, share = np.random.default_rng(8), np.array([0.3, 0.25, 0.2, 0.1, 0.1, 0.05])
    reached = []
    for _ in range(12):
        calibration = calibrate([shares(56, rows, share, wander, random)], np.arange(56), 1.0)
        replay = calibration.replay
        at = replay.tests.index("shape")
        quiet = measure(replay, {"plan": shares(1, rows, share, wander, random).counts}, MinEffect())
        mde = smallest_changes(replay, calibration.critical, quiet)[0, at]
        windows = [shares(1, rows, moved_by(share, mde, random), wander, random).counts[0] for _ in range(100)]
        found = measure(replay, {"plan": np.array(windows)}, MinEffect())
        reached.append(float((found.strength[:, at] >= calibration.critical.strength[at]).mean()))
    assert 0.75 <= np.mean(reached) <= 1.0


def test_half_of_windows_show_the_smallest_rare_change() -> None:
    """The MDE of missing values is the change that a window must show: a rise of that size is seen in 40 to 75 % of windows."""
    random, rate, rows, reached = np.random.default_rng(9), 0.01, 1000, []
    for _ in range(12):
        history = windows(56, rows, 0.0, 0.0, random)
        history.counts[:, -1] = random.binomial(rows, rate, 56)
        calibration = calibrate([history], np.arange(56), 1.0)
        replay = calibration.replay
        at = replay.tests.index("missing")
        quiet = measure(replay, {"age": history.counts[:1]}, MinEffect())
        mde = smallest_changes(replay, calibration.critical, quiet)[0, at]
        now = windows(200, rows, 0.0, 0.0, random).counts
        now[:, -1] = random.binomial(rows, rate + mde, 200)
        found = measure(replay, {"age": now}, MinEffect())
        reached.append(float((found.strength[:, at] >= calibration.critical.strength[at]).mean()))
    assert 0.4 <= np.mean(reached) <= 0.75


def test_smallest_rare_change_is_the_line() -> None:
    """At the MDE of missing values the test reaches its line, one row less does not."""
    random = np.random.default_rng(1)
    history = windows(60, 500, 0.0, 0.0, random)
    history.counts[:, -1] = random.binomial(5, 0.5, 60)
    calibration = calibrate([history], np.arange(60), 1.0)
    replay, critical = calibration.replay, calibration.critical
    now = history.counts[:1].copy()
    at = replay.tests.index("missing")
    for extra in range(3):
        now[0, 0] += 100 * extra
        found = measure(replay, {"age": now}, MinEffect())
        rows = int(now.sum())
        share = history.counts[:, -1].sum() / history.counts.sum()
        count = round((smallest_changes(replay, critical, found)[0, at] + share) * rows)
        strengths = []
        for missing in (count - 1, count):
            moved = now.copy()
            moved[0, 0] -= missing - moved[0, -1]
            moved[0, -1] = missing
            strengths.append(measure(replay, {"age": moved}, MinEffect()).strength[0, at])
        assert strengths[0] < critical.strength[at] <= strengths[1]


def test_blind_is_not_a_number() -> None:
    """Where the line lies beyond what strengths can tell, no smallest change is given."""
    history = windows(60, 500, 0.0, 0.0, np.random.default_rng(1))
    history.counts[10] = history.counts[11] = [0] * 19 + [250, 250]
    calibration = calibrate([history], np.arange(60), 0.25)
    found = measure(calibration.replay, {"age": history.counts[:1]}, MinEffect())
    mde = smallest_changes(calibration.replay, calibration.critical, found)[0]
    blind = np.isnan(calibration.critical.strength)
    assert blind.any()
    assert np.isnan(mde[blind]).all()


def test_no_change_beyond_what_can_happen() -> None:
    """Where even the largest possible shift stays under the line the answer is blind, not a huge number."""
    random = np.random.default_rng(2)
    history = windows(8, 60, 0.0, 1.5, random)
    calibration = calibrate([history], np.arange(8), 1.0)
    found = measure(calibration.replay, {"age": history.counts}, MinEffect())
    mde = smallest_changes(calibration.replay, calibration.critical, found)
    location, shape = (mde[:, calibration.replay.tests.index(test)] for test in ("location", "shape"))
    assert np.isnan(location).all()
    assert (np.isnan(shape) | (shape < 20)).all()
