"""Turns the counts of a window's labels into gauges: performance over all rows, by class, and by value of a segment column."""

from collections.abc import Iterator, Mapping
from math import isnan

import numpy as np
from numpy.typing import NDArray

from detectors import catalog
from detectors.decay import classification, regression
from detectors.decay.measured import Measured
from detectors.types import Profile, Score

ALL = "all"
"""Scope of what is counted over all rows; other scopes are `column=value` of a segment."""
MOST_SEGMENTS = 20
"""Values of a segment column with metrics of their own: those with the most labels."""


def measured(profile: Profile, positive: str, dispersion: float) -> Iterator[Score]:
    """Yield every metric of every part that has one, with its bounds. `dispersion` widens intervals: 1 for independent rows."""
    # A segment, or a window, may lack a class that the model has.
    two = classification.two_classes(_scope(profile, ALL)[1], positive)
    for scope in (ALL, *_largest(profile)):
        counts, tallies = _scope(profile, scope)
        found = (
            classification.metrics(counts, tallies, positive, dispersion, two=two)
            if "predicted" in tallies
            else regression.metrics(counts, tallies, dispersion)
        )
        part, value = ("", "") if scope == ALL else tuple(scope.split("=", 1))
        for one in found:
            if one.of_class and scope == ALL:
                yield from _scored(one, "class", one.of_class)
            elif not one.of_class:
                yield from _scored(one, part, value)


def number(profile: Profile, name: str) -> int:
    """Return a count of one number, 0 where there is none."""
    return int(profile.counts[name][0]) if name in profile.counts else 0


def _scope(profile: Profile, scope: str) -> tuple[dict[str, NDArray[np.int64]], dict[str, Mapping[str, int]]]:
    """Return counts and tallies of one scope."""
    start = f"{scope}/"
    return (
        {name.removeprefix(start): vector for name, vector in profile.counts.items() if name.startswith(start)},
        {name.removeprefix(start): tallied for name, tallied in profile.tallies.items() if name.startswith(start)},
    )


def _largest(profile: Profile) -> list[str]:
    """Return the segments with the most labels, at most twenty a column; equal ones by name."""
    found: dict[str, list[tuple[int, str]]] = {}
    for name, vector in profile.counts.items():
        scope, slash, what = name.rpartition("/")
        if slash and what == "labelled" and scope != ALL and int(vector[0]):
            found.setdefault(scope.partition("=")[0], []).append((-int(vector[0]), scope))
    return [scope for scopes in found.values() for _, scope in sorted(scopes)[:MOST_SEGMENTS]]


def _scored(one: Measured, part: str, value: str) -> Iterator[Score]:
    kinds = (
        (catalog.MODEL_PART_PERFORMANCE, catalog.MODEL_PART_PERFORMANCE_LOWER, catalog.MODEL_PART_PERFORMANCE_UPPER)
        if part
        else (catalog.MODEL_PERFORMANCE, catalog.MODEL_PERFORMANCE_LOWER, catalog.MODEL_PERFORMANCE_UPPER)
    )
    attributes = {"metric": one.metric, "basis": "realised", **({"part": part, "value": value} if part else {})}
    for kind, value_of in zip(kinds, (one.value, one.lower, one.upper), strict=True):
        if not isnan(value_of):
            yield Score(kind, value_of, attributes)
