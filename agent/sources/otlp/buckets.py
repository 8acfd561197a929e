"""A histogram's buckets as values with counts: what stands for a bucket, whatever kind of histogram it is in."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from opentelemetry.proto.metrics.v1.metrics_pb2 import ExponentialHistogramDataPoint, HistogramDataPoint

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EXPLICIT = 127
"""Stands for the scale of what is no exponential histogram."""
ZERO = -(2**40)
"""Index of the bucket of zeros of an exponential histogram."""
MOST_BUCKETS = 320
"""Filled buckets of a data point; the SDKs keep 160 at the most."""
MOST_CALLS, MOST = 2**32, 2**53
"""Calls in a bucket, and the sum of their values: what is larger is no count."""
_SCALES = range(-10, 21)
_BEYOND = 1.5
_SDK_DEFAULT = (0.0, 5.0, 10.0, 25.0)


@dataclass(frozen=True, slots=True)
class Buckets:
    """The filled buckets of a data point."""

    scale: int
    """Of an exponential histogram: base 2^(2^-scale); EXPLICIT: given bounds."""
    index: Ints
    value: Floats
    """What stands for each bucket: the middle of its ends by ratio; NaN: the mean of all values, there is only one bucket."""
    count: Ints


ONE = Buckets(EXPLICIT, np.zeros(1, np.int64), np.full(1, np.nan), np.zeros(1, np.int64))
"""A bucket without counts: of what is a sum only."""


def explicit(point: HistogramDataPoint, *, seconds: bool) -> Buckets:
    """Read a data point with given bounds. Raises ValueError for one that breaks the protocol.

    Seconds in the SDK's default bounds (0, 5, 10, 25, …, made for milliseconds) say nothing: nearly all calls share one
    bucket. Their mean is used instead.
    """
    bounds = tuple(point.explicit_bounds)
    counts = _counts(point.bucket_counts)
    if len(counts) != (len(bounds) + 1 if len(counts) or bounds else 0):
        raise ValueError("counts and bounds do not fit")
    if len(counts) <= 1 or (seconds and bounds[:4] == _SDK_DEFAULT):
        _counts([point.count])
        return replace(ONE, count=np.array([point.count], np.int64))
    return _filled(EXPLICIT, np.arange(len(counts)), _middles(bounds), counts)


def exponential(point: ExponentialHistogramDataPoint) -> Buckets:
    """Read an exponential data point. Raises ValueError for one that breaks the protocol; negative values are none of ours."""
    if point.scale not in _SCALES:
        raise ValueError("scale")
    counts = _counts([point.zero_count, *point.positive.bucket_counts])
    index = np.append(ZERO, point.positive.offset + np.arange(len(counts) - 1, dtype=np.int64))
    with np.errstate(over="ignore", under="ignore"):
        middles = np.exp2((index[1:] + 0.5) * 2.0**-point.scale)
    filled = _filled(point.scale, index, np.append(0.0, middles), counts)
    if not np.isfinite(filled.value).all():
        raise ValueError("values beyond all numbers")
    return filled


def _counts(counts: Sequence[int]) -> Ints:
    listed = np.array(counts, np.uint64)
    if len(listed) and int(listed.max()) > MOST_CALLS:
        raise ValueError("more than can be counted")
    return listed.astype(np.int64)


@lru_cache(maxsize=256)
def _middles(given: tuple[float, ...]) -> Floats:
    """Return what stands for each of len(bounds) + 1 buckets; there are no values below zero. Raises ValueError for bounds that do not rise.

    >>> _middles((0.0, 5.0, 20.0)).round(9).tolist()
    [0.0, 2.5, 10.0, 30.0]
    """
    bounds = np.array(given, np.float64)
    if not np.isfinite(bounds).all() or (np.diff(bounds) <= 0).any():
        raise ValueError("bounds do not rise")
    low, high = np.maximum(bounds[:-1], 0.0), np.maximum(bounds[1:], 0.0)
    inner = np.where(low > 0, np.sqrt(low) * np.sqrt(high), high / 2)
    first = bounds[0] / 2 if bounds[0] > 0 else 0.0
    return np.concatenate([[first], inner, [bounds[-1] * _BEYOND if bounds[-1] > 0 else 0.0]])


def _filled(scale: int, index: Ints, value: Floats, counts: Ints) -> Buckets:
    places = np.flatnonzero(counts)
    if not len(places):
        places = np.zeros(1, np.intp)
    if len(places) > MOST_BUCKETS:
        raise ValueError("more buckets than any client has")
    return Buckets(scale, index[places].astype(np.int64), value[places], counts[places])
