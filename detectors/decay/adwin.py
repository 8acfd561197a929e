"""ADWIN: a window over a series of shares that is as long as its mean has not changed. For when nothing is known beforehand.

Bifet and Gavaldà, Learning from Time-Changing Data with Adaptive Windowing, SDM 2007.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log, sqrt
from typing import NamedTuple

MOST_BUCKETS = 5
"""Buckets of one size; one more, and the two oldest become one of twice the size."""


class Bucket(NamedTuple):
    """Neighbouring values as one."""

    weight: float
    """Independent rows it stands for."""
    total: float
    """Sum of the values, each by its weight."""
    squares: float
    """Sum of squared distances from their mean, each by its weight."""


@dataclass(frozen=True, slots=True)
class Adwin:
    """Buckets by size, smallest size first; of each size the newest first."""

    sizes: tuple[tuple[Bucket, ...], ...] = ((),)
    rise: float = 0.0
    """How far the mean rose at the best cut of the last step, over what chance allows there; above 1 it was cut."""

    @property
    def whole(self) -> Bucket:
        """Everything in the window."""
        total = Bucket(0.0, 0.0, 0.0)
        for bucket in self.newest_first():
            total = joined(total, bucket)
        return total

    def newest_first(self) -> tuple[Bucket, ...]:
        """Return all buckets."""
        return tuple(bucket for size in self.sizes for bucket in size)


def joined(one: Bucket, other: Bucket) -> Bucket:
    """Return two buckets as one."""
    weight = one.weight + other.weight
    if not one.weight or not other.weight:
        return other if other.weight else one
    apart = one.total / one.weight - other.total / other.weight
    return Bucket(weight, one.total + other.total, one.squares + other.squares + one.weight * other.weight * apart * apart / weight)


def step(state: Adwin, value: Bucket, *, delta: float, look: bool = True, least: float = 5.0, grace: float = 10.0) -> Adwin:
    """Add a value of the range 0 to 1, and drop the oldest buckets while the mean before differs from the mean after.

    `delta` bounds the chance of a false cut at one look. Parts lighter than `least`, and a window lighter than `grace`, are
    not looked at; without `look` the value is only added.

    >>> step(Adwin(), Bucket(1.0, 0.5, 0.0), delta=0.002).whole.total
    0.5
    """
    state = Adwin(_added(state.sizes, value))
    rise = 0.0
    while look:
        cut, largest = _best_cut(state.newest_first(), delta, least, grace)
        rise = max(rise, largest)
        if not cut:
            break
        state = Adwin(_without_oldest(state.sizes))
    return replace(state, rise=rise)


def _added(sizes: tuple[tuple[Bucket, ...], ...], value: Bucket) -> tuple[tuple[Bucket, ...], ...]:
    carry: Bucket | None = value
    found = []
    for size in sizes:
        full = size if carry is None else (carry, *size)
        carry = None
        if len(full) > MOST_BUCKETS:
            carry = joined(full[-1], full[-2])
            full = full[:-2]
        found.append(full)
    return (*found, (carry,)) if carry is not None else tuple(found)


def _without_oldest(sizes: tuple[tuple[Bucket, ...], ...]) -> tuple[tuple[Bucket, ...], ...]:
    kept = (*sizes[:-1], sizes[-1][:-1])
    while len(kept) > 1 and not kept[-1]:
        kept = kept[:-1]
    return kept


def _best_cut(buckets: Sequence[Bucket], delta: float, least: float, grace: float) -> tuple[bool, float]:
    """Return whether any cut shows a change, and the largest rise over its bound."""
    newer, older = Bucket(0.0, 0.0, 0.0), Bucket(0.0, 0.0, 0.0)
    for bucket in buckets:
        older = joined(older, bucket)
    weight = older.weight
    if weight <= grace or weight <= 1:
        return False, 0.0
    variance = older.squares / weight
    confidence = log(2 * log(weight) / delta)
    total, largest, changed = older.total, 0.0, False
    for bucket in buckets:
        newer = Bucket(newer.weight + bucket.weight, newer.total + bucket.total, 0.0)
        before = weight - newer.weight
        if before < least + 1 or newer.weight < least + 1:
            continue
        inverse = 1 / (before - least + 1) + 1 / (newer.weight - least + 1)
        bound = sqrt(2 * inverse * variance * confidence) + 2 / 3 * inverse * confidence
        apart = newer.total / newer.weight - (total - newer.total) / before
        largest = max(largest, apart / bound)
        changed = changed or abs(apart) > bound
    return changed, largest
