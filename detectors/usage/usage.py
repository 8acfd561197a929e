"""Usage of an endpoint: requests, errors, throttling, latency and tokens, exact on every call."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from detectors import catalog
from detectors.catalog import Metric
from detectors.types import Batch, Category, Input, Plain, Profile, Score, Step, Text, Total, Window
from detectors.usage import counts as of_metrics
from detectors.usage.latency import LONGEST, cells, place, quantile, usable
from detectors.usage.thinning import UNIT, Floats, Weighed, beyond, weights_of

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
        catalog.REQUESTS_ESTIMATED,
        catalog.REQUEST_ESTIMATE,
        catalog.REQUEST_ESTIMATE_LOWER,
        catalog.REQUEST_ESTIMATE_UPPER,
        catalog.AGENT_UPSTREAM_PROBABILITY,
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
        catalog.TOKENS_ESTIMATED,
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
        Times that are NaN, infinite or negative are no times; so are such token counts. What the weights of calls add to
        numbers, tokens and cells stands apart, under names that begin with `upstream.`.
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
    if (weights := weights_of(batch)) is not None:
        counts |= _unseen(batch, weights, (np.ones(batch.rows, np.bool_), throttled, refused, failed))
    for name, metric, _ in _TIMES:
        times = usable(_number(batch, name))
        if len(times):
            counts[f"{name}.cells"] = cells(times)
            counts[f"{name}.buckets"] = _buckets(times, metric.boundaries)
            counts[f"{name}.sum"] = np.array([_whole(times * _MICROSECONDS)], np.int64)
    return Profile(counts, {"errors": errors})


def _unseen(batch: Batch, weights: Floats, kinds: Sequence[NDArray[np.bool_]]) -> dict[str, NDArray[np.int64]]:
    """Return what the weights add: to the number of calls of each kind, to what their squares add, to tokens, to cells."""
    added = [beyond(weights, kind) for kind in kinds]
    found = {"upstream.requests": np.array([*(more for more, _ in added), *(squares for _, squares in added)], np.int64)}
    found["upstream.tokens"] = np.split(_tokens(batch, weights - 1), 2)[1]
    for name, _, _ in _TIMES:
        times = _number(batch, name)
        if len(times):
            # As `usable` has it, so that each weight stays with its time.
            kept = np.isfinite(times) & (times >= 0)
            more = np.rint((weights[kept] - 1) * UNIT)
            found[f"upstream.{name}.cells"] = np.bincount(place(np.minimum(times[kept], LONGEST)), more).astype(np.int64)
    return found


def _weighed(counts: Mapping[str, NDArray[np.int64]]) -> list[Weighed]:
    """Return calls, throttled, refused and failed ones with what their weights add."""
    added = counts["upstream.requests"].tolist() if "upstream.requests" in counts else [0] * 8
    return [Weighed(*one) for one in zip(counts["requests"].tolist(), added[:4], added[4:], strict=True)]


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
    yield from _estimated(profile.counts)
    for name, metric, _ in _TIMES:
        if f"{name}.buckets" in profile.counts:
            seconds = int(profile.counts[f"{name}.sum"][0]) / _MICROSECONDS
            yield Total(metric, {}, seconds, profile.counts[f"{name}.buckets"])


def _estimated(counts: Mapping[str, NDArray[np.int64]]) -> Iterator[Total]:
    if "upstream.requests" not in counts:
        return
    yield Total(catalog.REQUESTS_ESTIMATED, {}, _weighed(counts)[0].total)
    reported, used = np.split(counts["tokens"], 2)
    for kind, calls_with, tokens in zip(TOKEN_TYPES, reported.tolist(), (used + counts["upstream.tokens"]).tolist(), strict=True):
        if calls_with:
            yield Total(catalog.TOKENS_ESTIMATED, {"token_type": kind}, tokens)


def _scores(profile: Profile) -> Iterator[Score]:
    if "requests" not in profile.counts:
        return
    calls, throttled, refused, failed = _weighed(profile.counts)
    if not calls.calls:
        return
    if "upstream.requests" in profile.counts:
        yield Score(catalog.AGENT_UPSTREAM_PROBABILITY, calls.calls / calls.total)
        yield Score(catalog.REQUEST_ESTIMATE, calls.total)
        lower, upper = calls.bounds
        yield Score(catalog.REQUEST_ESTIMATE_LOWER, lower)
        yield Score(catalog.REQUEST_ESTIMATE_UPPER, upper)
    yield Score(catalog.REQUEST_SAMPLES, calls.calls, {"share": "throttled"})
    value, lower, _ = calls.share(throttled)
    yield Score(catalog.REQUEST_THROTTLED_RATIO, value)
    yield Score(catalog.REQUEST_THROTTLED_LOWER, lower)
    answered = calls - throttled - refused
    yield Score(catalog.REQUEST_SAMPLES, answered.calls, {"share": "error"})
    if answered.calls:
        value, lower, upper = answered.share(failed)
        yield Score(catalog.REQUEST_ERROR_RATIO, value)
        yield Score(catalog.REQUEST_ERROR_LOWER, lower)
        yield Score(catalog.REQUEST_ERROR_UPPER, upper)
    for name, _, gauges in _TIMES:
        if f"{name}.cells" in profile.counts:
            counted = _all_cells(profile.counts, name)
            for share, metric in gauges:
                yield Score(metric, quantile(counted, share))


def _all_cells(counts: Mapping[str, NDArray[np.int64]], name: str) -> NDArray[np.int64]:
    """Return the cells of a time, in parts of a call where weights add to them."""
    own, more = counts[f"{name}.cells"], counts.get(f"upstream.{name}.cells")
    if more is None:
        return own
    found = own * UNIT
    found[: len(more)] += more
    return found


def _tokens(batch: Batch, weights: Floats | float = 1.0) -> NDArray[np.int64]:
    """Return calls that report each token type, then the tokens of each times the weights: 2 x len(TOKEN_TYPES) integers."""
    columns = [_number(batch, f"{kind}_tokens") for kind in TOKEN_TYPES]
    valid = [np.isfinite(column) & (column >= 0) for column in columns]
    # Clipped, so that one absurd count cannot overflow the sum of all others.
    sums = [
        _whole(np.where(here, np.minimum(column, _MOST_TOKENS), 0.0) * (weights if len(column) else 0.0))
        for here, column in zip(valid, columns, strict=True)
    ]
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
