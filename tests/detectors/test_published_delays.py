"""The three tests of a rise see it as soon as was measured independently (facts/quality-safety.md §7), and alarm as seldom."""

from collections.abc import Callable

import numpy as np
import pytest

from detectors.decay import adwin, cusum, e_detector
from detectors.decay.adwin import Adwin, Bucket
from detectors.decay.change import SHIFTS
from detectors.decay.error_baseline import Learnt, of_rows

ROWS = 10
"""Rows a window: the published figures are by row."""
BEFORE, AFTER, NULL = 2000, 3000, 10_000
ARL = 20_000
"""Rows between two false alarms that the e-detector promises."""

Alarm = Callable[[int], bool]


def by_cusum(usual: float) -> Alarm:
    """Return a CUSUM designed for half as many errors again, with the line 8."""
    total = 0.0

    def step(errors: int) -> bool:
        nonlocal total
        total = cusum.step(total, ROWS, errors, usual=usual, shifted=1.5 * usual, dispersion=1.0, ceiling=99.0)
        return total > 8

    return step


def by_evidence(limit: float) -> Alarm:
    """Return an e-detector against a limit of the usual share."""
    shifts = [min(limit * rise, (1 + limit) / 2) for rise in SHIFTS]
    evidence = tuple(float("-inf") for _ in shifts)

    def step(errors: int) -> bool:
        nonlocal evidence
        evidence = e_detector.step(evidence, ROWS, errors, limit=limit, shifts=shifts, dispersion=1.0)
        return e_detector.statistic(evidence) > e_detector.threshold(ARL / ROWS)

    return step


def by_limit(usual: float) -> Alarm:
    """Return one whose limit is that of a baseline of 500 rows."""
    baseline = of_rows(Learnt(0, 500, round(500 * usual), {}), 3.0, 500)
    assert baseline is not None
    return by_evidence(baseline.limit)


def by_adwin(_: float) -> Alarm:
    """Return ADWIN at river's default; a fall is no alarm."""
    window = Adwin()

    def step(errors: int) -> bool:
        nonlocal window
        share = errors / ROWS
        window = adwin.step(window, Bucket(ROWS, errors, ROWS * share * (1 - share)), delta=0.002)
        return window.rise > 1

    return step


def alarm(test: Alarm, counts: list[int]) -> int | None:
    """Return the first row after which there is an alarm."""
    return next(((number + 1) * ROWS for number, errors in enumerate(counts) if test(errors)), None)


TABLE = [
    (by_cusum, 0.05, 0.10, 381),
    (by_cusum, 0.05, 0.15, 173),
    (by_cusum, 0.20, 0.25, 720),
    (by_cusum, 0.20, 0.30, 207),
    (by_cusum, 0.20, 0.40, 81),
    (by_evidence, 0.05, 0.07, 762),
    (by_evidence, 0.05, 0.10, 190),
    (by_evidence, 0.05, 0.15, 84),
    (by_evidence, 0.20, 0.25, 492),
    (by_evidence, 0.20, 0.30, 169),
    (by_evidence, 0.20, 0.40, 55),
    (by_limit, 0.05, 0.10, 672),
    (by_limit, 0.05, 0.15, 125),
    (by_limit, 0.20, 0.30, 378),
    (by_limit, 0.20, 0.40, 80),
    (by_adwin, 0.05, 0.10, 863),
    (by_adwin, 0.05, 0.15, 271),
    (by_adwin, 0.20, 0.30, 527),
    (by_adwin, 0.20, 0.40, 175),
]
"""Test, share of errors before and after, and the published median delay in rows."""


@pytest.mark.parametrize(("made", "before", "after", "published"), TABLE, ids=[f"{row[0].__name__}-{row[1]}-{row[2]}" for row in TABLE])
def test_a_rise_is_seen_as_soon_as_published(made: Callable[[float], Alarm], before: float, after: float, published: int) -> None:
    """Median delay over 40 streams (ADWIN: 15) within a half of the published one, and the two windows that looking by tens costs."""
    delays = []
    for seed in range(15 if made is by_adwin else 40):
        random = np.random.default_rng(seed)
        counts = [*random.binomial(ROWS, before, BEFORE // ROWS).tolist(), *random.binomial(ROWS, after, AFTER // ROWS).tolist()]
        found = alarm(made(before), counts)
        if found is not None and found > BEFORE:
            delays.append(found - BEFORE)

    assert len(delays) >= (12 if made is by_adwin else 34)
    assert published / 1.5 - 2 * ROWS <= np.median(delays) <= 1.5 * published + 2 * ROWS


@pytest.mark.parametrize(
    ("made", "usual", "most"),
    [(by_cusum, 0.05, 3), (by_cusum, 0.2, 5), (by_evidence, 0.05, 15), (by_evidence, 0.2, 22), (by_limit, 0.05, 3), (by_limit, 0.2, 3)],
)
def test_streams_without_a_change_stay_quiet(made: Callable[[float], Alarm], usual: float, most: int) -> None:
    """Of 40 streams of 10,000 rows so many alarm at most: the published share, and twice its standard error."""
    quiet = [
        alarm(made(usual), np.random.default_rng(900 + seed).binomial(ROWS, usual, NULL // ROWS).tolist()) is None for seed in range(40)
    ]

    assert 40 - sum(quiet) <= most
