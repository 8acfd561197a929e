"""A number on its way out: one metric, one set of attributes, one time."""

from dataclasses import dataclass

from detectors.catalog import Metric


@dataclass(frozen=True, slots=True)
class Distribution:
    """The observations of a histogram: bucket counts over `metric.boundaries` and their sum."""

    buckets: tuple[int, ...]
    sum: float

    @property
    def count(self) -> int:
        """Number of observations."""
        return sum(self.buckets)


@dataclass(frozen=True, slots=True)
class Point:
    """One value. Counters and histograms in the outbox are increases since `start` (delta)."""

    metric: Metric
    attributes: tuple[tuple[str, str], ...]
    """Sorted by name; the names are `metric.attributes`."""
    value: float | Distribution
    time: int
    """Nanoseconds since 1970, UTC."""
    start: int | None = None
