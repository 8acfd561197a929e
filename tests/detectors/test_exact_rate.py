"""Exact intervals of rare rates, and the part of a sample they may be counted in."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped]  # SciPy ships no types

from detectors.quality.exact_rate import exact_interval, uniform_part
from detectors.quality.importance import FLAGGED
from detectors.quality.priority_sample import ALWAYS
from detectors.quality.reserved_sample import ReservedSample
from detectors.quality.text_columns import IMPORTANCE, PROBABILITY, REFUSAL
from detectors.quality.text_signals import TextSignals
from detectors.types import Batch, Window

WINDOW = Window(datetime(2026, 3, 1, 12, tzinfo=UTC), datetime(2026, 3, 1, 13, tzinfo=UTC))


@given(st.integers(1, 5_000), st.data())
def test_it_is_clopper_and_pearsons(trials: int, data: st.DataObject) -> None:
    """The bounds are SciPy's exact ones."""
    hits = data.draw(st.integers(0, trials))
    expected = stats.binomtest(hits, trials).proportion_ci(0.95, method="exact")
    assert exact_interval(hits, trials) == pytest.approx((expected.low, expected.high), rel=1e-9, abs=1e-12)


def test_more_hits_than_trials_are_refused() -> None:
    """And nothing tried says nothing."""
    assert exact_interval(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="3 hits of 2 trials"):
        exact_interval(3, 2)


def test_every_call_is_as_likely_to_be_in_the_uniform_part() -> None:
    """Flagged, always kept and ordinary calls come into it as often as one another, and as often as it says."""
    importance = np.repeat([1.0, FLAGGED, ALWAYS], [8_000, 1_500, 500])
    chance, times, expected = np.random.default_rng(3), np.zeros(3), 0.0
    for _ in range(200):
        keys = chance.integers(1, 2**63, 10_000).astype(np.uint64)
        sample = ReservedSample.of(800).add(keys, importance)
        kept = np.flatnonzero(np.isin(keys, sample.keys))
        part, likely = uniform_part(keys[kept], importance[kept], sample.probabilities(keys[kept]))
        rows = kept[part]
        times += [np.mean(rows < 8_000), np.mean((rows >= 8_000) & (rows < 9_500)), np.mean(rows >= 9_500)]
        expected += abs(len(rows) / (likely * 10_000) - 1) / 200
    assert times / 200 == pytest.approx([0.8, 0.15, 0.05], abs=0.004)
    assert expected < 0.1


def test_a_rare_rate_is_covered_from_a_sample_that_prefers_it() -> None:
    """Calls worth looking at refuse more often; the bounds of the rate of all hold it, 95 times of 100 and more."""
    chance, covered = np.random.default_rng(8), 0
    catalogue = {metric.name: metric for metric in TextSignals.metrics}
    lower, upper = catalogue["driftline.safety.refusal.lower.ratio"], catalogue["driftline.safety.refusal.upper.ratio"]
    for _ in range(200):
        flagged = chance.random(20_000) < 0.03
        refused = chance.random(20_000) < np.where(flagged, 0.05, 0.002)
        keys, importance = chance.integers(1, 2**63, 20_000).astype(np.uint64), np.where(flagged, FLAGGED, 1.0)
        sample = ReservedSample.of(800).add(keys, importance)
        kept = np.flatnonzero(np.isin(keys, sample.keys))
        columns = {"id": keys[kept], IMPORTANCE: importance[kept], PROBABILITY: sample.probabilities(keys[kept])}
        rows = Batch("shop", "calls", len(kept), {**columns, REFUSAL: refused[kept].astype(np.float64)})
        signals = TextSignals()
        scores = {score.metric: score.value for score in signals.look(signals.restore(None), WINDOW, rows).scores}
        covered += scores[lower] <= refused.mean() <= scores[upper]
    assert covered >= 190
