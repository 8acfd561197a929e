"""What searches for documents found: how many found nothing, how well the best document fits, how old the newest is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from detectors import catalog_serving as catalog
from detectors.catalog import Metric
from detectors.drift import float_bits
from detectors.intervals import wilson
from detectors.quality.data_quality import Nothing
from detectors.types import Batch, Category, Plain, Profile, Score, Step, Total, Window
from detectors.usage.latency import cells, quantile, usable

RETRIEVAL = "__retrieval__"
"""Deployment of searches that do not say in which data source."""
DOCUMENTS, BEST, MEAN, AGE = "documents", "score", "mean_score", "age"
"""Columns of a batch of retrievals, float64: documents found (NaN: not told), score of the best one and mean of all, age of the newest in seconds."""

OTHER = "__other__"
_ERROR_TYPES = 50


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Counts every search: failed ones, empty ones, scores, ages and time taken."""

    metrics: ClassVar[tuple[Metric, ...]] = (
        catalog.RETRIEVALS,
        catalog.RETRIEVAL_ERRORS,
        catalog.RETRIEVAL_SAMPLES,
        catalog.RETRIEVAL_EMPTY,
        catalog.RETRIEVAL_EMPTY_LOWER,
        catalog.RETRIEVAL_EMPTY_UPPER,
        catalog.RETRIEVAL_DOCUMENTS,
        catalog.RETRIEVAL_SCORE_P10,
        catalog.RETRIEVAL_SCORE_P50,
        catalog.RETRIEVAL_FRESHNESS,
        catalog.RETRIEVAL_DURATION_P50,
        catalog.RETRIEVAL_DURATION_P95,
    )

    def restore(self, saved: Plain | None) -> Nothing:  # noqa: ARG002 - there is nothing to restore
        """Return the state, which is empty."""
        return Nothing()

    def observe(self, state: Nothing, batch: Batch) -> Profile:  # noqa: ARG002 - the state is empty
        """Count a batch of retrievals; any other gives an empty profile.

        `retrievals` holds [searches, those that say how many documents they found, empty ones, documents]. A search that
        failed found nothing because it failed: it is none of the empty ones.
        """
        if batch.kind != "retrievals" or not batch.rows:
            return Profile()
        errors = _errors(batch)
        error = batch.columns.get("error_type")
        fine = error.codes < 0 if isinstance(error, Category) else np.ones(batch.rows, np.bool_)
        found = _number(batch, DOCUMENTS)
        known = fine & np.isfinite(found)
        numbers = [batch.rows, np.count_nonzero(known), np.count_nonzero(found[known] == 0), found[known].sum()]
        counts = {"retrievals": np.array(numbers, np.int64), "duration": cells(usable(_number(batch, "duration")))}
        tallies = {name: float_bits.tally(_number(batch, name))[0] for name in (BEST, AGE)}
        return Profile(counts, {"errors": errors, **tallies})

    def totals(self, profile: Profile) -> Sequence[Total]:
        """Return the increases of searches and failed ones."""
        if "retrievals" not in profile.counts:
            return ()
        ranked = sorted(profile.tallies.get("errors", {}).items(), key=lambda error: (-error[1], error[0]))
        rest = sum(count for _, count in ranked[_ERROR_TYPES:])
        named = [*ranked[:_ERROR_TYPES], *([(OTHER, rest)] if rest else [])]
        return (
            Total(catalog.RETRIEVALS, {}, int(profile.counts["retrievals"][0])),
            *(Total(catalog.RETRIEVAL_ERRORS, {"error_type": name}, count) for name, count in named),
        )

    def step(self, state: Nothing, window: Window, profile: Profile) -> Step:  # noqa: ARG002 - the protocol of a detector
        """Give shares and percentiles of a window; what nothing was told of has no score."""
        return Step(state, tuple(_scores(profile)))


def _scores(profile: Profile) -> Iterator[Score]:
    if "retrievals" not in profile.counts:
        return
    _, known, empty, documents = profile.counts["retrievals"].tolist()
    yield Score(catalog.RETRIEVAL_SAMPLES, known)
    if known:
        lower, upper = wilson(empty, known)
        yield Score(catalog.RETRIEVAL_EMPTY, empty / known)
        yield Score(catalog.RETRIEVAL_EMPTY_LOWER, lower)
        yield Score(catalog.RETRIEVAL_EMPTY_UPPER, upper)
        yield Score(catalog.RETRIEVAL_DOCUMENTS, documents / known)
    for name, share, metric in (
        (BEST, 0.1, catalog.RETRIEVAL_SCORE_P10),
        (BEST, 0.5, catalog.RETRIEVAL_SCORE_P50),
        (AGE, 0.5, catalog.RETRIEVAL_FRESHNESS),
    ):
        tallied = profile.tallies.get(name, {})
        if tallied:
            yield Score(metric, tallied_quantile(tallied, share))
    for share, metric in ((0.5, catalog.RETRIEVAL_DURATION_P50), (0.95, catalog.RETRIEVAL_DURATION_P95)):
        if len(profile.counts["duration"]):
            yield Score(metric, quantile(profile.counts["duration"], share))


def tallied_quantile(tallied: Mapping[str, int], share: float) -> float:
    """Return the value below which this share of tallied numbers lies, to 0.4 %: the lower one where two are as good.

    >>> tallied_quantile(float_bits.tally(np.array([-2.0, 3.0, 5.0]))[0], 0.5)
    3.0
    """
    found = np.array(sorted((int(cell), count) for cell, count in tallied.items()), np.int64)
    reached = np.cumsum(found[:, 1])
    place = int(np.searchsorted(reached, int((reached[-1] - 1) * share), side="right"))
    return float(float_bits.middle(found[place : place + 1, 0])[0])


def _errors(batch: Batch) -> dict[str, int]:
    column = batch.columns.get("error_type")
    if not isinstance(column, Category):
        return {}
    counted = np.bincount(column.codes[column.codes >= 0], minlength=len(column.values)).tolist()
    return {name: count for name, count in zip(column.values, counted, strict=True) if count}


def _number(batch: Batch, name: str) -> NDArray[np.float64]:
    column = batch.columns.get(name)
    return column.astype(np.float64) if isinstance(column, np.ndarray) else np.full(batch.rows, np.nan)
