"""Rises of the error are seen soon, false alarms stay within the budget, and the state survives the store."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import exp, log

import numpy as np
import pytest

from agent.plain import pack, unpack
from detectors import catalog
from detectors.decay import cusum, e_detector
from detectors.decay.change import Counted, Design, step
from detectors.decay.decay import Decay
from detectors.decay.decay_state import DecayState
from detectors.decay.dispersion import dispersion
from detectors.types import Batch, Category, Column, Window

HOUR = timedelta(hours=1)
RESTART = 16
"""Windows between two restarts."""
START = datetime(2026, 1, 5, tzinfo=UTC)


def classes(rows: int, errors: int) -> dict[str, Column]:
    """Return rows of which so many are wrong."""
    return {"prediction": Category.constant("1", rows), "label": Category.of(["0"] * errors + ["1"] * (rows - errors))}


def severities(windows: Sequence[dict[str, Column]], length: timedelta = HOUR, decay: Decay | None = None) -> list[dict[str, float]]:
    """Return the severities by method of each window in turn."""
    detector = decay or Decay()
    state, found = detector.restore(None), []
    for number, columns in enumerate(windows):
        batch = Batch("loans", "rows", len(columns["prediction"]), columns)
        window = Window(START + number * length, START + (number + 1) * length)
        judged = detector.step(state, window, detector.observe(state, batch))
        state = judged.state
        if number % RESTART == 0:
            # What the store would give back after a restart, from which everything is worked out anew.
            state = detector.restore(unpack(pack(state.plain())))
        found.append({score.attributes["method"]: score.value for score in judged.scores if score.metric is catalog.MODEL_DECAY_SEVERITY})
    return found


def first_alarm(found: Sequence[dict[str, float]]) -> int | None:
    """Return the first window with a severity above 1."""
    return next((number for number, methods in enumerate(found) if max(methods.values(), default=0.0) > 1), None)


def stream(shares: Sequence[float], rows: int, seed: int) -> list[dict[str, Column]]:
    """Return windows whose rows are wrong independently of each other."""
    random = np.random.default_rng(seed)
    return [classes(rows, int(random.binomial(rows, share))) for share in shares]


def test_cusum_is_the_likelihood_ratio() -> None:
    """One window adds the log likelihood ratio of its rows; the sum is never below zero and stops at its ceiling."""
    known = {"usual": 0.1, "shifted": 0.15, "dispersion": 1.0, "ceiling": 20.0}

    assert cusum.step(1.0, 50, 9, **known) == pytest.approx(1.0 + 9 * log(1.5) + 41 * log(0.85 / 0.9))
    assert cusum.step(1.0, 500, 0, **known) == 0.0
    assert cusum.step(1.0, 500, 500, **known) == 20.0
    assert cusum.step(0.0, 50, 9, **{**known, "dispersion": 3.0}) == pytest.approx((9 * log(1.5) + 41 * log(0.85 / 0.9)) / 3)


def test_the_e_detector_is_a_shiryaev_roberts_sum() -> None:
    """R after three windows is the sum over starts of the products of their likelihood ratios."""
    errors = [2, 9, 7]
    evidence: tuple[float, ...] = (float("-inf"),)
    for count in errors:
        evidence = e_detector.step(evidence, 50, count, limit=0.1, shifts=(0.2,), dispersion=1.0)

    ratios = [(0.2 / 0.1) ** count * (0.8 / 0.9) ** (50 - count) for count in errors]
    by_hand = ratios[2] + ratios[1] * ratios[2] + ratios[0] * ratios[1] * ratios[2]
    assert exp(evidence[0]) == pytest.approx(by_hand)
    assert e_detector.statistic(evidence) == pytest.approx(log(1 + by_hand))


def test_a_window_of_likelihood_is_an_e_value() -> None:
    """On average over windows at the limit the ratio is 1: whoever bets against what is usual wins nothing."""
    from scipy.stats import binom  # type: ignore[import-untyped]  # noqa: PLC0415  # SciPy ships no types; only this test needs it

    counts = np.arange(51)
    ratios = [exp(e_detector.step((float("-inf"),), 50, int(count), limit=0.1, shifts=(0.3,), dispersion=1.0)[0]) for count in counts]
    assert binom.pmf(counts, 50, 0.1) @ ratios == pytest.approx(1.0)


def test_dispersion_is_that_of_blocks() -> None:
    """Independent windows have about 1; windows that swing slowly have more in blocks than one by one."""
    random = np.random.default_rng(3)
    rows = np.full(256, 200)
    slow = 0.1 + 0.05 * np.sin(np.arange(256) / 256 * 2 * np.pi * 4)

    assert 1.0 <= dispersion(rows, random.binomial(rows, 0.1)) < 1.8
    swinging = dispersion(rows, random.binomial(rows, slow))
    one_by_one = np.var(random.binomial(rows, slow) / rows) / (0.1 * 0.9 / 200)
    assert swinging > 3 * one_by_one


def alarm_of(shares: Sequence[float], rows: int, seed: int) -> int | None:
    """Return the first alarm over windows of independent rows, hour by hour, under a budget of one in 300 days."""
    random, state = np.random.default_rng(seed), DecayState()
    design = Design(rise=1.5, min_effect=0.1, run=7200, rows=500, days=7)
    found = []
    for hour, share in enumerate(shares):
        state, methods = step(state, Counted(hour // 24, rows, int(random.binomial(rows, share)), {}), design)
        found.append(methods)
    return first_alarm(found)


@pytest.mark.parametrize(("rows", "share", "within"), [(100, 0.2, 5), (100, 0.15, 17), (1000, 0.15, 2), (1000, 0.12, 32), (5000, 0.12, 7)])
def test_a_rise_is_seen(rows: int, share: float, within: int) -> None:
    """An error of 10 % that rises is an alarm within so many windows (median over 20 streams), and not before."""
    alarms = [alarm_of([0.1] * 300 + [share] * 100, rows, seed) or -1 for seed in range(20)]

    assert min(alarms) >= 300
    assert np.median(alarms) - 299 <= within


@pytest.mark.parametrize("rows", [60, 500])
def test_false_alarms_are_rarer_than_the_budget(rows: int) -> None:
    """In 60 streams of 30 days without a change one alarm in 300 days would be six."""
    alarms = [alarm_of([0.1] * 720, rows, 100 + seed) for seed in range(60)]

    assert sum(alarm is not None for alarm in alarms) <= 6


def test_errors_that_cling_together_are_no_alarm() -> None:
    """Errors that swing from hour to hour without a rise: the dispersion of their blocks prices it in."""
    quiet = 0
    for seed in range(20):
        random = np.random.default_rng(seed)
        swing = np.zeros(720)
        for hour in range(1, 720):
            swing[hour] = 0.8 * swing[hour - 1] + random.normal(0, 0.015)
        quiet += alarm_of(np.clip(0.12 + swing, 0.01, 0.5).tolist(), 500, seed) is None

    assert quiet >= 18


def test_a_mended_model_is_well_again_soon() -> None:
    """After ten days of doubled errors in windows of an hour the severity is below 1 within six windows of the usual error."""
    found = severities(stream([0.1] * 200 + [0.2] * 240 + [0.1] * 10, 300, 1))

    assert max(found[439].values()) > 1
    assert max(found[445].values()) < 1


def regressions(spreads: Sequence[float], rows: int, seed: int, heavy: bool = False) -> list[dict[str, Column]]:  # noqa: FBT001, FBT002 # a table's column
    """Return windows of a regression whose errors have that spread."""
    random = np.random.default_rng(seed)
    found: list[dict[str, Column]] = []
    for spread in spreads:
        truth = random.lognormal(3, 1, rows)
        errors = random.standard_t(2, rows) if heavy else random.normal(size=rows)
        found.append({"prediction": truth + spread * errors, "label": truth})
    return found


@pytest.mark.parametrize("heavy", [False, True])
def test_errors_of_a_regression_half_as_large_again_are_seen(heavy: bool) -> None:  # noqa: FBT001 # a table's column
    """Also where errors have no variance: within four windows of 100 rows, and not before."""
    alarms = [first_alarm(severities(regressions([2.0] * 250 + [3.0] * 6, 100, seed, heavy))) for seed in range(1)]

    assert all(alarm is not None and alarm >= 250 for alarm in alarms)
    assert np.median([alarm for alarm in alarms if alarm is not None]) <= 253


def test_one_absurd_label_is_no_decay() -> None:
    """A single truth of 1e9 ruins the mean error of its window, and alarms nobody."""
    windows = regressions([2.0] * 250, 100, 7)
    label = windows[220]["label"]
    assert isinstance(label, np.ndarray)
    label[0] = 1e9

    assert first_alarm(severities(windows)) is None


def test_without_a_baseline_adwin_speaks() -> None:
    """In the first days a doubled error is told by ADWIN; under eight windows there is no severity at all."""
    found = severities(stream([0.1] * 40 + [0.25] * 20, 200, 2))

    assert found[:7] == [{}] * 7
    assert {method for methods in found for method in methods} == {"adwin"}
    alarm = first_alarm(found)
    assert alarm is not None
    assert 40 <= alarm <= 45


def test_a_perfect_model_that_errs_is_seen() -> None:
    """A model without an error in its baseline: no division by zero, and one error in twenty is an alarm."""
    found = severities([*stream([0.0] * 300, 100, 1), *stream([0.05] * 10, 100, 2)])

    alarm = first_alarm(found)
    assert alarm is not None
    assert 300 <= alarm <= 304


def test_small_changes_do_not_matter() -> None:
    """A rise by a twentieth is none, however many rows show it."""
    assert first_alarm(severities(stream([0.1] * 200 + [0.105] * 100, 20_000, 3))) is None
