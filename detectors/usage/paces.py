"""Counts how long an output token took, how many tokens there were, and who answered: what the latency shift looks at."""

import numpy as np
from numpy.typing import NDArray

from detectors.drift.calls import pace
from detectors.types import Batch, Category, Profile
from detectors.usage.counts import by_quantity
from detectors.usage.latency import LONGEST, cells, place, usable

Ints = NDArray[np.int64]

CALLS, METRICS = "calls/", "metrics/"
"""How counts of the two begin: a mean over an export is not the same measure as a call."""
PACE, SUM, VERSIONS = "pace", "pace.sum", "versions"
TOKENS = ("input_tokens", "output_tokens")
_MILLI, _MICRO = 1e-3, 1e6
_FEW = 4096
_MOST = 1e15
"""Microseconds a row adds: nobody's absurd count may overflow the sum of all others."""


def of_calls(batch: Batch) -> Profile:
    """Count call records; seconds a token and tokens, both in the cells of `latency.cells`."""
    found = {CALLS + PACE: cells(usable(pace(batch) * _MILLI))}
    for name in TOKENS:
        column = batch.columns.get(name)
        if isinstance(column, np.ndarray):
            found[CALLS + name] = cells(usable(column.astype(np.float64, copy=False)))
    return Profile(found, {VERSIONS: _versions(batch, None)})


def of_counts(batch: Batch) -> Profile:
    """Count increases of metrics, likewise; and sum the paces, whose mean is exact where buckets are coarse."""
    value, told = np.asarray(batch.columns["value"], np.float64), by_quantity(batch)
    cold = batch.columns.get("cold")
    usable_rows = np.isfinite(value) & (value >= 0)
    if isinstance(cold, np.ndarray):
        usable_rows &= ~cold.astype(np.bool_)
    found = {}
    for name, quantity, scale in ((PACE, "milliseconds_per_token", _MILLI), *((name, name, 1.0) for name in TOKENS)):
        calls = told.get(quantity, np.zeros(batch.rows, np.int64)) * usable_rows
        mine = np.flatnonzero(calls)
        places = place(np.minimum(value[mine] * scale, LONGEST))
        found[METRICS + name] = np.zeros(int(places.max(initial=-1)) + 1, np.int64)
        np.add.at(found[METRICS + name], places, calls[mine])
        if name == PACE:
            micro = np.rint(np.minimum(np.minimum(value[mine] * scale, LONGEST) * calls[mine] * _MICRO, _MOST)).astype(np.int64)
            found[METRICS + SUM] = np.array([micro.sum()], np.int64)
    return Profile(found, {VERSIONS: _versions(batch, told.get("duration", np.zeros(batch.rows, np.int64)))})


def mean_pace(profile: Profile) -> float:
    """Return the mean seconds a token that metrics tell; NaN without any."""
    calls, total = profile.counts.get(METRICS + PACE), profile.counts.get(METRICS + SUM)
    return float(total[0]) / _MICRO / int(calls.sum()) if calls is not None and total is not None and calls.sum() else float("nan")


def _versions(batch: Batch, calls: Ints | None) -> dict[str, int]:
    """Return how many calls each pair of model and version answered."""
    columns = [column for column in (batch.columns.get(name) for name in ("model", "version")) if isinstance(column, Category)]
    key, size = np.zeros(batch.rows, np.int64), 1
    for column in columns:
        key, size = key * (len(column.values) + 1) + column.codes + 1, size * (len(column.values) + 1)
    if not columns or size > _FEW:
        # So many names at a time are no versions.
        return {}
    found: dict[str, int] = {}
    for code, count in enumerate(np.bincount(key, calls, size).tolist()):
        names, rest = [], code
        for column in reversed(columns):
            rest, place_of = divmod(rest, len(column.values) + 1)
            names += [column.values[place_of - 1]] if place_of else []
        if count and names:
            name = " ".join(reversed(names))
            found[name] = found.get(name, 0) + int(count)
    return found
