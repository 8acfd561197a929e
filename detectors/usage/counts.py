"""Usage from the increases that OTLP metrics tell: the same counts as of call records, without looking at a call."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from detectors.types import Batch, Category, Profile
from detectors.usage.latency import LONGEST, place

Ints = NDArray[np.int64]

THROTTLED, CONTENT_FILTER = "429", "content_filter"
"""Error types of a refused call that is no failure of the endpoint."""
_MICROSECONDS = 1e6
_MOST = 1e15


def calls_of(batch: Batch) -> int:
    """Return how many calls a batch of increases tells of: those whose duration is told."""
    told = by_quantity(batch).get("duration")
    return 0 if told is None else int(told.sum())


def by_quantity(batch: Batch) -> Mapping[str, Ints]:
    """Return the counts of each quantity, 0 in the rows of others."""
    quantity = batch.columns["quantity"]
    counted = np.asarray(batch.columns["count"], np.int64)
    if not isinstance(quantity, Category):
        return {}
    return {name: np.where(quantity.codes == code, counted, 0) for code, name in enumerate(quantity.values)}


def count(batch: Batch, token_types: tuple[str, ...], times: Mapping[str, tuple[float, ...]]) -> Profile:
    """Return the profile that `Usage.observe` gives of call records; `times` are histograms with their boundaries.

    A call is one whose duration was told. Times within a bucket count as its middle, so a percentile is as fine as the
    sender's buckets are; sums are exact.
    """
    found = by_quantity(batch)
    duration = found.get("duration", np.zeros(batch.rows, np.int64))
    errors = _errors(batch, duration)
    throttled, refused = errors.get(THROTTLED, 0), errors.get(CONTENT_FILTER, 0)
    failed = sum(errors.values()) - throttled - refused
    total = np.asarray(batch.columns["total"], np.float64)
    quantity = batch.columns["quantity"]
    codes = quantity.codes if isinstance(quantity, Category) else np.zeros(0, np.int32)
    names = quantity.values if isinstance(quantity, Category) else ()

    reported = [int(np.count_nonzero(codes == names.index(f"{kind}_tokens"))) if f"{kind}_tokens" in names else 0 for kind in token_types]
    used = [_whole(total[codes == names.index(f"{kind}_tokens")]) if f"{kind}_tokens" in names else 0 for kind in token_types]
    counts: dict[str, Ints] = {
        "requests": np.array([duration.sum(), throttled, refused, failed], np.int64),
        "tokens": np.array([*reported, *used], np.int64),
    }
    value = np.clip(np.nan_to_num(np.asarray(batch.columns["value"], np.float64)), 0.0, LONGEST)
    for name, boundaries in times.items():
        mine = np.flatnonzero(found[name]) if name in found else np.empty(0, np.intp)
        if len(mine):
            counts[f"{name}.cells"] = _spread(place(value[mine]), found[name][mine], 0)
            counts[f"{name}.buckets"] = _spread(
                np.searchsorted(boundaries, value[mine], side="left"), found[name][mine], len(boundaries) + 1
            )
            counts[f"{name}.sum"] = np.array([_whole(total[mine] * _MICROSECONDS)], np.int64)
    return Profile(counts, {"errors": errors})


def _whole(values: NDArray[np.float64]) -> int:
    """Round each value, then add: sums of integers do not depend on the order. No value may overflow the sum of the others."""
    return int(np.rint(np.clip(np.nan_to_num(values), 0, _MOST)).astype(np.int64).sum())


def _errors(batch: Batch, duration: Ints) -> dict[str, int]:
    column = batch.columns.get("error_type")
    if not isinstance(column, Category):
        return {}
    found = {name: int(duration[column.codes == code].sum()) for code, name in enumerate(column.values)}
    return {name: calls for name, calls in found.items() if calls}


def _spread(places: NDArray[np.intp] | Ints, calls: Ints, least: int) -> Ints:
    vector = np.zeros(max(least, int(places.max()) + 1), np.int64)
    np.add.at(vector, places, calls)
    return vector
