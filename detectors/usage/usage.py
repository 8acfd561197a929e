"""Usage of an endpoint: requests, errors, throttling, latency and tokens, exact on every call."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from detectors import catalog
from detectors.catalog import Metric
from detectors.intervals import wilson
from detectors.types import Batch, Category, Input, Plain, Profile, Score, Step, Text, Total, Window
from detectors.usage import counts as of_metrics
from detectors.usage.latency import cells, quantile, usable

TOKEN_TYPES = ("input", "output", "cache_read", "cache_write", "reasoning")
CONTENT_FILTER = of_metrics.CONTENT_FILTER
"""The error type of a call a content filter refused: the filter at work, not a failure of the endpoint."""

OTHER = "__other__"
_ERROR_TYPES = 50
_PIECE = 32_768
_FEW = 1000
_MICROSECONDS = 1e6
_MOST_TOKENS = 1e9
_TIMES: tuple[tuple[str, Metric, tuple[tuple[float, Metric], ...]], ...] = (
    (
        "duration",
        catalog.REQUEST_DURATION,
        ((0.5, catalog.REQUEST_DURATION_P50), (0.95, catalog.REQUEST_DURATION_P95), (0.99, catalog.REQUEST_DURATION_P99)),
    ),
    (
        "time_to_first_token",
        catalog.TIME_TO_FIRST_TOKEN,
        ((0.5, catalog.TIME_TO_FIRST_TOKEN_P50), (0.95, catalog.TIME_TO_FIRST_TOKEN_P95), (0.99, catalog.TIME_TO_FIRST_TOKEN_P99)),
    ),
)


@dataclass(frozen=True, slots=True)
class Nothing:
    """State of a detector that carries nothing from window to window."""

    def plain(self) -> Plain:
        """Return no data."""
        return {}


@dataclass(frozen=True, slots=True)
class Usage:
    """Counts every call: requests, errors, throttling, duration, time to first token, tokens."""

    metrics: ClassVar[tuple[Metric, ...]] = (
        catalog.REQUESTS,
        catalog.REQUEST_ERRORS,
        catalog.REQUEST_THROTTLED,
        catalog.REQUEST_COLD_STARTS,
        catalog.REQUEST_SAMPLES,
        catalog.REQUEST_ERROR_RATIO,
        catalog.REQUEST_ERROR_LOWER,
        catalog.REQUEST_ERROR_UPPER,
        catalog.REQUEST_THROTTLED_RATIO,
        catalog.REQUEST_THROTTLED_LOWER,
        catalog.TOKENS,
        *(metric for _, histogram, gauges in _TIMES for metric in (histogram, *(gauge for _, gauge in gauges))),
    )

    input: Input = "auto"
    """What is counted where both call records and metrics come; the endpoint's `input` sets it."""

    def restore(self, saved: Plain | None) -> Nothing:  # noqa: ARG002 - the protocol of a detector
        """Return the empty state."""
        return Nothing()

    def observe(self, state: Nothing, batch: Batch) -> Profile:  # noqa: ARG002 - the protocol of a detector
        """Count the calls of a batch, of records or of metrics; batches of rows or of parts of calls give an empty profile.

        `requests` holds [calls, throttled, refused by a filter, failed]; each call is in at most one of the last three.
        Times that are NaN, infinite or negative are no times; so are such token counts.
        """
        if batch.kind == "call_counts" and batch.rows:
            return _cold(batch, of_metrics.count(batch, TOKEN_TYPES, {name: metric.boundaries for name, metric, _ in _TIMES}))
        if batch.kind != "calls" or not batch.rows or self.input == "metrics":
            return Profile()
        return _cold(batch, reduce(Profile.merge, (_count(piece) for piece in _pieces(batch))))

    def totals(self, profile: Profile) -> Sequence[Total]:
        """Return the increases of requests, errors, throttled calls, tokens and both histograms."""
        return tuple(_totals(profile))

    def step(self, state: Nothing, window: Window, profile: Profile) -> Step:  # noqa: ARG002 - the protocol of a detector
        """Give percentiles and shares of a window; what nothing was counted for has no score."""
        return Step(state, tuple(_scores(profile)))


def _cold(batch: Batch, profile: Profile) -> Profile:
    """Return the profile with the calls that met a cold start, where there are any."""
    cold = batch.columns.get("cold")
    if not isinstance(cold, np.ndarray):
        return profile
    of_each = of_metrics.by_quantity(batch).get("duration") if batch.kind == "call_counts" else np.ones(batch.rows, np.int64)
    calls = 0 if of_each is None else int(of_each[cold.astype(np.bool_)].sum())
    return Profile({**profile.counts, "cold": np.array([calls], np.int64)}, profile.tallies)


def _pieces(batch: Batch) -> Iterator[Batch]:
    """Yield the batch in views of so many rows that their temporaries stay in the processor's cache: a third of the time."""
    if batch.rows <= _PIECE:
        yield batch
        return
    for start in range(0, batch.rows, _PIECE):
        rows = slice(start, start + _PIECE)
        columns = {
            name: Category(column.codes[rows], column.values) if isinstance(column, Category) else column[rows]
            for name, column in batch.columns.items()
            if not isinstance(column, Text)
        }
        yield replace(batch, rows=min(_PIECE, batch.rows - start), columns=columns)


def _count(batch: Batch) -> Profile:
    throttled, refused, error = _flag(batch, "throttled"), _flag(batch, "blocked_prompt"), batch.columns.get("error_type")
    failed = np.zeros(batch.rows, np.bool_)
    errors: dict[str, int] = {}
    if isinstance(error, Category):
        failed = error.codes >= 0
        for code, count in enumerate(np.bincount(error.codes[failed], minlength=len(error.values)).tolist()):
            if count:
                errors[error.values[code]] = errors.get(error.values[code], 0) + count
            if error.values[code] == CONTENT_FILTER:
                refused = refused | (error.codes == code)
    refused = refused & ~throttled
    failed = failed & ~throttled & ~refused
    requests = [batch.rows, *(int(np.count_nonzero(flag)) for flag in (throttled, refused, failed))]
    counts: dict[str, NDArray[np.int64]] = {"requests": np.array(requests, np.int64), "tokens": _tokens(batch)}
    for name, metric, _ in _TIMES:
        times = usable(_number(batch, name))
        if len(times):
            counts[f"{name}.cells"] = cells(times)
            counts[f"{name}.buckets"] = _buckets(times, metric.boundaries)
            counts[f"{name}.sum"] = np.array([_whole(times * _MICROSECONDS)], np.int64)
    return Profile(counts, {"errors": errors})


def _totals(profile: Profile) -> Iterator[Total]:
    if "requests" not in profile.counts:
        return
    calls, throttled, _, _ = profile.counts["requests"].tolist()
    yield Total(catalog.REQUESTS, {}, calls)
    yield Total(catalog.REQUEST_THROTTLED, {}, throttled)
    if "cold" in profile.counts:
        yield Total(catalog.REQUEST_COLD_STARTS, {}, int(profile.counts["cold"][0]))
    ranked = sorted(profile.tallies.get("errors", {}).items(), key=lambda error: (-error[1], error[0]))
    for name, count in ranked[:_ERROR_TYPES]:
        yield Total(catalog.REQUEST_ERRORS, {"error_type": name}, count)
    if len(ranked) > _ERROR_TYPES:
        yield Total(catalog.REQUEST_ERRORS, {"error_type": OTHER}, sum(count for _, count in ranked[_ERROR_TYPES:]))
    reported, used = np.split(profile.counts["tokens"], 2)
    for kind, calls_with, tokens in zip(TOKEN_TYPES, reported.tolist(), used.tolist(), strict=True):
        if calls_with:
            yield Total(catalog.TOKENS, {"token_type": kind}, tokens)
    for name, metric, _ in _TIMES:
        if f"{name}.buckets" in profile.counts:
            seconds = int(profile.counts[f"{name}.sum"][0]) / _MICROSECONDS
            yield Total(metric, {}, seconds, profile.counts[f"{name}.buckets"])


def _scores(profile: Profile) -> Iterator[Score]:
    if "requests" not in profile.counts:
        return
    calls, throttled, refused, failed = profile.counts["requests"].tolist()
    if not calls:
        return
    yield Score(catalog.REQUEST_SAMPLES, calls, {"share": "throttled"})
    yield Score(catalog.REQUEST_THROTTLED_RATIO, throttled / calls)
    yield Score(catalog.REQUEST_THROTTLED_LOWER, wilson(throttled, calls)[0])
    answered = calls - throttled - refused
    yield Score(catalog.REQUEST_SAMPLES, answered, {"share": "error"})
    if answered:
        lower, upper = wilson(failed, answered)
        yield Score(catalog.REQUEST_ERROR_RATIO, failed / answered)
        yield Score(catalog.REQUEST_ERROR_LOWER, lower)
        yield Score(catalog.REQUEST_ERROR_UPPER, upper)
    for name, _, gauges in _TIMES:
        if f"{name}.cells" in profile.counts:
            for share, metric in gauges:
                yield Score(metric, quantile(profile.counts[f"{name}.cells"], share))


def _tokens(batch: Batch) -> NDArray[np.int64]:
    """Return calls that report each token type, then the tokens of each: 2 x len(TOKEN_TYPES) integers."""
    columns = [_number(batch, f"{kind}_tokens") for kind in TOKEN_TYPES]
    valid = [np.isfinite(column) & (column >= 0) for column in columns]
    # Clipped, so that one absurd count cannot overflow the sum of all others.
    sums = [_whole(np.where(here, np.minimum(column, _MOST_TOKENS), 0.0)) for here, column in zip(valid, columns, strict=True)]
    return np.array([*(np.count_nonzero(here) for here in valid), *sums], np.int64)


def _buckets(times: NDArray[np.float64], boundaries: tuple[float, ...]) -> NDArray[np.int64]:
    """Count times into len(boundaries) + 1 buckets, upper bounds inclusive."""
    if len(times) < _FEW:
        return np.bincount(np.searchsorted(boundaries, times, side="left"), minlength=len(boundaries) + 1).astype(np.int64, copy=False)
    # A pass over all times for each bound: seven times as fast as a search a time, from a thousand times on.
    upto = np.array([0, *(np.count_nonzero(times <= bound) for bound in boundaries), len(times)], np.int64)
    return upto[1:] - upto[:-1]


def _whole(values: NDArray[np.float64]) -> int:
    """Round each value, then add: sums of integers do not depend on the order."""
    return int(np.rint(values).astype(np.int64).sum())


def _flag(batch: Batch, name: str) -> NDArray[np.bool_]:
    column = batch.columns.get(name)
    return column.astype(np.bool_) if isinstance(column, np.ndarray) else np.zeros(batch.rows, np.bool_)


def _number(batch: Batch, name: str) -> NDArray[np.float64]:
    column = batch.columns.get(name)
    return column.astype(np.float64, copy=False) if isinstance(column, np.ndarray) else np.empty(0, np.float64)
