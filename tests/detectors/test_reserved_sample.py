"""A storm of what is always kept leaves room for the rest."""

import numpy as np
import pytest

from detectors.quality.priority_sample import ALWAYS
from detectors.quality.reserved_sample import ReservedSample


@pytest.mark.parametrize("errors", [0, 10, 250, 5_000])
def test_both_kinds_are_told_of_however_many_errors_there_are(errors: int) -> None:
    """Σ 1/chance estimates both counts without bias, within five standard errors; errors are certain while they fit."""
    found = []
    for run in range(200):
        keys = np.random.default_rng(run).integers(1, 2**63, errors + 2_000).astype(np.uint64)
        sample = ReservedSample.of(400).add(keys, np.repeat([ALWAYS, 1.0], [errors, 2_000]))
        chances = sample.probabilities(sample.keys)
        always = np.arange(len(sample.keys)) < len(sample.always)
        found.append([(1 / chances[always]).sum(), (1 / chances[~always]).sum()])
        if errors <= 100:
            assert (chances[always] == 1).all()
    assert len(sample.keys) <= 400
    estimates = np.array(found)
    error = estimates.std(axis=0) / np.sqrt(200)
    assert (np.abs(estimates.mean(axis=0) - [errors, 2_000]) <= 5 * error + 1e-6).all()


def test_parts_of_replicas_merge_to_the_whole() -> None:
    """Two halves merged are the sample of everything."""
    keys = np.random.default_rng(1).integers(1, 2**63, 3_000).astype(np.uint64)
    importance = np.random.default_rng(2).choice([1.0, 10.0, ALWAYS], 3_000)
    whole = ReservedSample.of(100).add(keys, importance)
    halves = [ReservedSample.of(100).add(keys[part], importance[part]) for part in (slice(0, 1_000), slice(1_000, None))]
    merged = halves[0].merge(halves[1])
    assert set(merged.keys.tolist()) == set(whole.keys.tolist())
    assert np.array_equal(np.sort(merged.probabilities(merged.keys)), np.sort(whole.probabilities(whole.keys)))


def test_what_is_not_in_it_has_no_chance() -> None:
    """An unknown item is NaN, not 0 nor 1."""
    assert np.isnan(ReservedSample.of(8).probabilities(np.array([1], np.uint64))).all()
    with pytest.raises(ValueError, match="four items at least"):
        ReservedSample.of(3)
