"""The data-quality detector: rows, missing values, doubled rows and freshness. It needs no reference.

What only makes sense against a reference (values of the wrong type, out of range, new categories) the drift detector tells:
it counts those columns anyway.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from detectors import catalog
from detectors.catalog import Metric
from detectors.drift.cells import watched
from detectors.types import Batch, Category, Column, Plain, Profile, Score, Step, Text, Window
from detectors.usage.counts import calls_of

_MINUTE = 60_000_000_000


@dataclass(frozen=True, slots=True)
class Nothing:
    """State of a detector that carries nothing from window to window."""

    def plain(self) -> Plain:
        """Return no data."""
        return {}


@dataclass(frozen=True, slots=True)
class DataQuality:
    """Counts what every window should have: rows, values in them, each row once, and fresh."""

    metrics: ClassVar[tuple[Metric, ...]] = (
        catalog.DATA_ROWS,
        catalog.DATA_MISSING,
        catalog.DATA_DUPLICATE,
        catalog.DATA_FRESHNESS,
    )

    features: tuple[str, ...] = ()
    """Columns whose missing values are counted; empty: those the drift detector watches by itself."""

    def restore(self, saved: Plain | None) -> Nothing:  # noqa: ARG002 - there is nothing to restore
        """Return the state, which is empty."""
        return Nothing()

    def observe(self, state: Nothing, batch: Batch) -> Profile:  # noqa: ARG002 - the state is empty
        """Count rows, values by column, and rows by minute of event time."""
        if batch.kind == "call_counts":
            return Profile({"counted": np.array([calls_of(batch)], np.int64)})
        if batch.kind in {"call_parts", "conversations"}:
            return Profile()
        counts = {"rows": np.array([batch.rows], np.int64)}
        for name, column in watched(batch, self.features):
            counts[f"values/{name}"] = np.array([present(column)], np.int64)
        tallies: dict[str, dict[str, int]] = {}
        times = batch.columns.get("time")
        if isinstance(times, np.ndarray) and batch.rows:
            minutes, rows = np.unique(times[times > 0].astype(np.int64) // _MINUTE, return_counts=True)
            tallies["minutes"] = dict(zip(map(str, minutes.tolist()), rows.tolist(), strict=True))
        return Profile(counts, tallies)

    def step(self, state: Nothing, window: Window, profile: Profile) -> Step:
        """Return the window's gauges; a column the window lacks altogether is missing in all rows where an earlier batch had it."""
        return Step(state, tuple(self._scores(window, profile)))

    @staticmethod
    def _scores(window: Window, profile: Profile) -> Iterator[Score]:
        # Calls of which only metrics are known, else rows: where both come, they are the same calls.
        rows = max(int(profile.counts[name][0]) if name in profile.counts else 0 for name in ("rows", "counted"))
        doubled = int(profile.counts["duplicates"][0]) if "duplicates" in profile.counts else 0
        yield Score(catalog.DATA_ROWS, rows)
        if rows + doubled:
            yield Score(catalog.DATA_DUPLICATE, doubled / (rows + doubled))
        for name, count in profile.counts.items():
            if name.startswith("values/") and rows:
                yield Score(catalog.DATA_MISSING, 1 - int(count[0]) / rows, {"feature": name.removeprefix("values/")})
        minutes = profile.tallies.get("minutes")
        if minutes:
            newest = (max(map(int, minutes)) + 1) * _MINUTE / 1e9
            yield Score(catalog.DATA_FRESHNESS, max(window.end.timestamp() - newest, 0.0))


def present(column: Column) -> int:
    """Return the rows that have a value: not null, NaN nor infinite.

    >>> present(np.array([1.0, np.nan, np.inf])), present(Category.of(["a", None, ""]))
    (1, 2)
    """
    if isinstance(column, Category):
        return int(np.count_nonzero(column.codes >= 0))
    if isinstance(column, Text):
        return sum(value is not None for value in column.values)
    return int(np.count_nonzero(np.isfinite(column)))
