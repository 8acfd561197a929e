"""What one large piece of work took goes back to the system."""

import os
import platform
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from agent.heap import give_back, lines_of
from bench.process import resident_mb
from detectors.drift.drift import Drift
from detectors.types import Batch, Window

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library keeps its heap in its own way")


def test_holes_between_what_stays_are_given_back() -> None:
    """Of 100 MB in small pieces, of which each hundredth stays, most is not resident afterwards."""
    pieces = [bytes(1000) for _ in range(100_000)]
    taken = resident_mb(os.getpid())
    kept = pieces[::100]
    del pieces
    assert give_back()
    assert taken - resident_mb(os.getpid()) > 50
    assert len(kept) == 1000


def test_a_window_that_calibrates_is_told_from_one_that_does_not() -> None:
    """A reference that learns is calibrated anew; once its lines stand, a window leaves them as they are."""
    detector, state, random = Drift(), Drift().restore(None), np.random.default_rng(1)
    start, found = datetime(2026, 1, 5, tzinfo=UTC), list[bool]()
    for number in range(12):
        window = Window(start + timedelta(hours=number), start + timedelta(hours=number + 1))
        batch = Batch("model", "rows", 500, {}, {"x": random.normal(size=500)})
        before, lines = state, lines_of([state])
        state = detector.step(state, window, detector.observe(state, batch)).state
        found.append(bool(lines_of([state]) - lines))
        del before
    assert found[-1]
    frozen = replace(state, frozen=True)
    again = detector.step(frozen, Window(start + timedelta(hours=12), start + timedelta(hours=13)), detector.observe(frozen, batch)).state
    assert again.calibration is frozen.calibration
    assert lines_of([frozen]) <= lines_of([again])
