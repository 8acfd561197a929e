"""The default decisions of Evidently 0.7.23 and NannyML 0.13.1 on one column: what they would call drift, window by window.

Definitions are those of `detectors.drift.parity`, which equal the products to 1e-9; here the reference is read once instead of
once a window (`tests/test_peer_rules.py` holds the two together).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import e
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bench.flights import Column
from detectors.drift.parity.divergence import jensen_shannon
from detectors.drift.parity.evidently import DISTANCE, FEW, SMALL
from detectors.types import Category

Floats = NDArray[np.float64]
Measure: TypeAlias = Callable[[Floats], float]

SHARE = 0.5
"""Share of drifted columns from which Evidently calls a data set drifted."""


@dataclass(frozen=True, slots=True)
class Distances:
    """What two products measure of each window of one column, NaN where it has no value, and what they alarm above."""

    evidently: Floats
    nannyml: Floats
    nannyml_line: float

    @property
    def evidently_alarms(self) -> NDArray[np.bool_]:
        """Where Evidently's distance reaches its threshold."""
        return np.nan_to_num(self.evidently) >= DISTANCE

    @property
    def nannyml_alarms(self) -> NDArray[np.bool_]:
        """Where NannyML's distance is above mean and three standard deviations of the reference's chunks."""
        return np.nan_to_num(self.nannyml) > self.nannyml_line


def distances(reference: Sequence[Column], windows: Sequence[Column]) -> Distances:
    """Hold windows against a reference given in its own windows; for NannyML a window is a chunk on both sides.

    Raises ValueError where the reference has too few rows for Evidently to choose distances.
    """
    if all(isinstance(one, Category) for one in (*reference, *windows)):
        return _of_categories(
            [one for one in reference if isinstance(one, Category)], [one for one in windows if isinstance(one, Category)]
        )
    return _of_numbers([_present(one) for one in reference], [_present(one) for one in windows])


def _present(column: Column) -> Floats:
    if isinstance(column, Category):
        raise TypeError("a column has either numbers or categories")
    return column[np.isfinite(column)]


def _of_numbers(reference: list[Floats], windows: list[Floats]) -> Distances:
    then = np.sort(np.concatenate(reference))
    if len(then) <= SMALL:
        raise ValueError(f"{len(then)} reference rows; Evidently chooses tests up to {SMALL}")
    norm = max(float(np.std(then)), 0.001)
    transport = Transport(then)
    known = np.unique(then)
    edges = np.histogram_bin_edges(then, bins="doane")
    shares = np.histogram(then, edges)[0] / len(then)

    def evidently(now: Floats) -> float:
        if len(known) <= FEW and len(np.union1d(known, now)) <= FEW:
            values = np.union1d(known, now)
            counts = [np.bincount(np.searchsorted(values, side), minlength=len(values)).astype(np.float64) for side in (then, now)]
            return jensen_shannon(counts[0], counts[1], e)
        return transport.distance(np.sort(now)) / norm

    def nannyml(now: Floats) -> float:
        found = np.histogram(now, edges)[0] / len(now)
        return _with_rest(shares, found)

    return _judged(evidently, nannyml, reference, windows, len)


def _of_categories(reference: list[Category], windows: list[Category]) -> Distances:
    names = {value: place for place, value in enumerate(dict.fromkeys(value for one in (*reference, *windows) for value in one.values))}

    def coded(column: Category) -> Floats:
        place = np.array([names[value] for value in column.values], np.intp)
        counts = np.bincount(place[column.codes[column.codes >= 0]], minlength=len(names))
        return counts.astype(np.float64)

    before, after = [coded(one) for one in reference], [coded(one) for one in windows]
    then: Floats = np.sum(before, axis=0)
    if then.sum() <= SMALL:
        raise ValueError(f"{int(then.sum())} reference rows; Evidently chooses tests up to {SMALL}")
    known = then > 0

    def nannyml(now: Floats) -> float:
        return _with_rest(then[known] / then.sum(), now[known] / now.sum())

    return _judged(lambda now: jensen_shannon(then, now, e), nannyml, before, after, lambda now: float(now.sum()))


def _judged(evidently: Measure, nannyml: Measure, reference: Sequence[Floats], windows: Sequence[Floats], rows: Measure) -> Distances:
    first = np.array([evidently(now) if rows(now) else np.nan for now in windows])
    second = np.array([nannyml(now) if rows(now) else np.nan for now in windows])
    chunks = np.array([nannyml(now) for now in reference if rows(now)])
    return Distances(first, second, float(chunks.mean() + 3 * chunks.std()))


def _with_rest(then: Floats, now: Floats) -> float:
    rest = 1 - np.sum(now)
    return jensen_shannon(np.append(then, 0.0), np.append(now, rest), 2.0) if rest > 0 else jensen_shannon(then, now, 2.0)


class Transport:
    """The exact Wasserstein distance from a fixed sample, in the time of a search instead of a sort of both."""

    def __init__(self, ordered: Floats) -> None:
        """Take the sample in ascending order."""
        self._values = ordered
        self._below = np.concatenate([[0.0], np.cumsum(ordered)]) / len(ordered)

    def distance(self, ordered: Floats) -> float:
        """Return the area between both quantile functions; the other sample is ascending as well.

        >>> Transport(np.array([0.0, 1.0])).distance(np.array([1.0, 2.0]))
        1.0
        """
        number = len(ordered)
        first, last = np.arange(number) / number, np.arange(1, number + 1) / number
        turn = np.clip(np.searchsorted(self._values, ordered) / len(self._values), first, last)
        low, middle, high = self._integral(first), self._integral(turn), self._integral(last)
        return float(np.sum(ordered * (2 * turn - first - last) + low + high - 2 * middle))

    def _integral(self, share: Floats) -> Floats:
        """Return the integral of the quantile function from 0 to each share."""
        place = share * len(self._values)
        whole = np.minimum(place.astype(np.intp), len(self._values) - 1)
        integral: Floats = self._below[whole] + (place - whole) * self._values[whole] / len(self._values)
        return integral
