"""What sampled prompts and answers look like in a window: weighted means with intervals of what evaluators without a model measure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil, floor, sqrt
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from detectors import catalog
from detectors.catalog import Metric
from detectors.intervals import Z95
from detectors.quality.clusters import SEED, Keys, equal_trials, seeds_of, within
from detectors.quality.data_quality import Nothing
from detectors.quality.exact_rate import FEW, exact_interval, uniform_part
from detectors.quality.text_columns import (
    IMPORTANCE,
    INPUT_LANGUAGE,
    LANGUAGE_FLIP,
    OUTPUT_LANGUAGE,
    PROBABILITY,
    REFUSAL,
    SHARES,
    YES_OR_NO,
)
from detectors.quality.weighted_rate import Rate, weighted_rate
from detectors.types import Batch, Category, Plain, Profile, Score, Step, Window
from detectors.usage.thinning import weights_of

LEAST_CALLS = 30
"""Equally weighted calls below which nothing is said: fewer are an anecdote."""
_UNKNOWN = "unknown"
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class TextSignals:
    """Weighs the sampled calls of each window by how likely they were to be in the sample."""

    metrics: ClassVar[tuple[Metric, ...]] = (
        catalog.TEXT_SHARE,
        catalog.TEXT_SHARE_LOWER,
        catalog.TEXT_SHARE_UPPER,
        catalog.TEXT_SAMPLES,
        catalog.SAFETY_REFUSAL,
        catalog.SAFETY_REFUSAL_LOWER,
        catalog.SAFETY_REFUSAL_UPPER,
        catalog.AGENT_SAMPLE_PROBABILITY,
    )

    def restore(self, saved: Plain | None) -> Nothing:  # noqa: ARG002 - there is nothing to restore
        """Return the state, which is empty."""
        return Nothing()

    def observe(self, state: Nothing, batch: Batch) -> Profile:  # noqa: ARG002 - everything comes from the sample
        """Count nothing: what is sampled is looked at when the window closes."""
        return Profile()

    def step(self, state: Nothing, window: Window, profile: Profile) -> Step:  # noqa: ARG002 - as above
        """Say nothing yet."""
        return Step(state)

    def look(self, state: Any, window: Window, rows: Batch) -> Step:  # noqa: ARG002 - the window is the caller's
        """Return the scores of a window's sampled calls; none of what fewer than 30 calls tell. Other rows say nothing."""
        probabilities = rows.columns.get(PROBABILITY)
        if rows.kind != "calls" or not isinstance(probabilities, np.ndarray):
            return Step(state)
        return Step(state, tuple(_scores(rows, probabilities.astype(np.float64))))


def _scores(rows: Batch, probabilities: NDArray[np.float64]) -> Iterator[Score]:
    yield Score(catalog.AGENT_SAMPLE_PROBABILITY, float(len(probabilities) / (1 / probabilities).sum()))
    for name in (*SHARES, LANGUAGE_FLIP):
        values = _flips(rows) if name == LANGUAGE_FLIP else rows.columns.get(name)
        if not isinstance(values, np.ndarray):
            continue
        known = np.isfinite(values)
        seeds = seeds_of(rows)[known] if SEED in rows.columns else None
        found = estimate(values[known].astype(np.float64), probabilities[known], seeds, rate=name in YES_OR_NO)
        if found is None:
            continue
        if name in YES_OR_NO:
            found = guaranteed(found, rows.take(np.flatnonzero(known)), values[known] > 0.5, probabilities[known])
        attributes = {"evaluator": name}
        metrics = (catalog.TEXT_SHARE, catalog.TEXT_SHARE_LOWER, catalog.TEXT_SHARE_UPPER)
        yield Score(catalog.TEXT_SAMPLES, found.samples, attributes)
        for metric, value in zip(metrics, (found.value, found.lower, found.upper), strict=True):
            yield Score(metric, value, attributes)
        if name == REFUSAL:
            yield Score(catalog.SAFETY_REFUSAL, found.value, {"calibrated": "no"})
            yield Score(catalog.SAFETY_REFUSAL_LOWER, found.lower, {"calibrated": "no"})
            yield Score(catalog.SAFETY_REFUSAL_UPPER, found.upper, {"calibrated": "no"})


def estimate(values: NDArray[np.float64], probabilities: NDArray[np.float64], seeds: Keys | None = None, *, rate: bool) -> Rate | None:
    """Return the mean of values from 0 to 1 in the population, with its 95 % interval; None where too few calls tell.

    Calls of one of the `seeds`, which are turns of a conversation, count as one.

    >>> found = estimate(np.repeat([0.2, 0.4], 50), np.full(100, 0.5), rate=False)
    >>> round(found.value, 3), round(found.lower, 3), round(found.upper, 3)
    (0.3, 0.28, 0.32)
    """
    if not len(values):
        return None
    weights = 1 / probabilities
    shares = weights / weights.sum()
    effective = float(1 / np.square(shares if seeds is None else within(seeds, shares)).sum())
    if effective < LEAST_CALLS:
        return None
    if rate:
        return weighted_rate(values > 0.5, probabilities, seeds=seeds)
    mean = float(shares @ values)
    # The ratio's linearised variance: W. Cochran, Sampling Techniques, 1977, section 6.5.
    off = shares * (values - mean)
    reach = Z95 * sqrt(float(np.square(off if seeds is None else within(seeds, off)).sum()))
    return Rate(mean, max(mean - reach, 0.0), min(mean + reach, 1.0), len(values), effective)


def guaranteed(found: Rate, rows: Batch, hits: NDArray[np.bool_], probabilities: NDArray[np.float64]) -> Rate:
    """Return a rate of few hits (or misses) with the exact interval of the calls that had all the same chance to be looked at."""
    importance = rows.columns.get(IMPORTANCE)
    if "id" not in rows.columns or not isinstance(importance, np.ndarray):
        return found
    seeds = seeds_of(rows)
    if min(len(np.unique(seeds[hits])), len(np.unique(seeds[~hits]))) >= FEW:
        return found
    part, _ = uniform_part(seeds, importance.astype(np.float64), probabilities, weights_of(rows))
    trials = equal_trials(seeds[part])
    share = int(np.count_nonzero(hits & part)) / max(int(np.count_nonzero(part)), 1)
    # Turns of conversations are fewer trials than calls: what is then no whole number is rounded to the wider interval.
    lower, upper = exact_interval(floor(share * trials + _ROUNDING), trials)[0], exact_interval(ceil(share * trials - _ROUNDING), trials)[1]
    # The value rests on more calls than the interval does.
    return replace(found, lower=min(lower, found.value), upper=max(upper, found.value))


def _flips(rows: Batch) -> NDArray[np.float64] | None:
    """Return 1 where a call is answered in another language than it was asked in, 0 where in the same, NaN where one is not known."""
    asked, answered = rows.columns.get(INPUT_LANGUAGE), rows.columns.get(OUTPUT_LANGUAGE)
    if not isinstance(asked, Category) or not isinstance(answered, Category):
        return None
    both = list(zip(asked.decode(), answered.decode(), strict=True))
    return np.array([np.nan if None in pair or _UNKNOWN in pair else float(pair[0] != pair[1]) for pair in both], np.float64)
