"""Counts the increases that OTLP metrics tell into a profile of the drift rule: values with how many calls had them."""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.drift import float_bits
from detectors.drift.calls import LATENCY, NO_ERROR
from detectors.drift.cells import FeatureCells
from detectors.drift.grid import NAME_LENGTH, NumericGrid
from detectors.drift.observing import BITS, CELLS, CHECKS, FRESH, FRESH_CELLS, OF_CALLS, OTHERS, TOLD, UNKNOWN, VALUES, Again
from detectors.drift.value_sketch import sketch
from detectors.types import Batch, Category, Profile

Ints = NDArray[np.int64]

MEASURED: Mapping[str, tuple[str, float]] = {
    "input_tokens": ("input_tokens", 1.0),
    "output_tokens": ("output_tokens", 1.0),
    "duration": ("duration", 1.0),
    "time_to_first_token": ("time_to_first_token", 1.0),
    "milliseconds_per_token": ("milliseconds_per_token", 1.0),
    "milliseconds_per_chunk": ("time_per_chunk", 1e3),
    "server_duration": ("server_duration", 1.0),
    "server_time_to_first_token": ("server_time_to_first_token", 1.0),
    "server_milliseconds_per_token": ("server_time_per_token", 1e3),
}
"""Feature to the quantity it is, and what that is multiplied by."""
MIXES: Mapping[str, tuple[str, str]] = {
    "error": ("duration", "error_type"),
    "model": ("duration", "model"),
    "finish_reason": ("choices", "finish_reason"),
}
"""Feature to the quantity whose calls are counted, and the column that tells them apart."""
LATENCY_OF_COUNTS = frozenset(
    {*LATENCY, "milliseconds_per_chunk", "server_duration", "server_time_to_first_token", "server_milliseconds_per_token"}
)
"""Features that calls a deployment met while it started up have no part in."""

_STEPS, _MOST = 16, 1e15


class Weighted(NamedTuple):
    """The values of a feature, and how many calls had each."""

    numbers: NDArray[np.float64] | None
    names: list[str]
    calls: Ints


def observe(
    batch: Batch,
    cells: Mapping[str, FeatureCells],
    aside: Mapping[str, str],
    wanted: tuple[str, ...],
    *,
    learning: bool,
    again: Again | None = None,
    named: Collection[str] = (),
) -> Profile:
    """Count a batch of increases, as `observing.observe` does one of rows. A call without a value is none that lacks it."""
    found = {name: weighted for name, weighted in features(batch) if not wanted or name in wanted}
    counts: dict[str, Ints] = {}
    tallies: dict[str, Mapping[str, int]] = {}
    for name, weighted in found.items():
        counts[TOLD + name] = np.array([weighted.calls.sum()], np.int64)
        counts[OF_CALLS] = counts.get(OF_CALLS, 0) + counts[TOLD + name]
        if name in aside:
            continue
        known = cells.get(name)
        if known is not None:
            other, gathered = again.get(name, (None, "")) if again else (None, "")
            for one in (known,) if other is None else (known, other):
                _count(one, weighted, counts)
                if name in named:
                    tallies.update(_named(one, weighted))
            if gathered:
                tallies.update(_tally(gathered, weighted))
            if learning and known.own_vocabulary:
                tallies[OTHERS + name] = _others(known, weighted)
        elif cells:
            tallies[UNKNOWN] = {**tallies.get(UNKNOWN, {}), name: int(weighted.calls.sum())}
        else:
            tallies.update(_tally(name, weighted))
    return Profile(counts, tallies)


def features(batch: Batch) -> Iterator[tuple[str, Weighted]]:
    """Yield each feature the batch has values of. Calls of a deployment that started up have no part in what is latency."""
    quantity = batch.columns["quantity"]
    calls = np.asarray(batch.columns["count"], np.int64)
    value = np.asarray(batch.columns["value"], np.float64)
    cold = batch.columns.get("cold")
    warm = ~cold.astype(np.bool_) if isinstance(cold, np.ndarray) else np.ones(batch.rows, np.bool_)
    if not isinstance(quantity, Category):
        return
    of = {name: (quantity.codes == code) & (calls > 0) for code, name in enumerate(quantity.values)}
    for name, (measured, scale) in MEASURED.items():
        if measured in of:
            mine = of[measured] & warm & np.isfinite(value) if name in LATENCY_OF_COUNTS else of[measured] & np.isfinite(value)
            if mine.any():
                yield name, Weighted(_stepped(value[mine] * scale), [], calls[mine])
    for name, (measured, told) in MIXES.items():
        column = batch.columns.get(told)
        if measured in of and of[measured].any() and (isinstance(column, Category) or name == "error"):
            yield name, _mix(column, of[measured], calls)


def _stepped(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values to a sixteenth of an octave: what stands for a bucket is no finer, and equal values share a cell.

    Else each export of an exponential histogram, and each mean, would have values of its own, which no reference has.
    """
    with np.errstate(divide="ignore"):
        found: NDArray[np.float64] = np.exp2(np.rint(np.log2(np.minimum(values, _MOST)) * _STEPS) / _STEPS)
    return found


def _mix(column: object, mine: NDArray[np.bool_], calls: Ints) -> Weighted:
    listed = column.decode() if isinstance(column, Category) else [None] * len(mine)
    total: dict[str, int] = {}
    for place in np.flatnonzero(mine).tolist():
        value = (listed[place] or NO_ERROR)[:NAME_LENGTH]
        total[value] = total.get(value, 0) + int(calls[place])
    return Weighted(None, list(total), np.array(list(total.values()), np.int64))


def _count(known: FeatureCells, weighted: Weighted, counts: dict[str, Ints]) -> None:
    vector, checks = np.zeros(known.grid.columns, np.int64), np.zeros(3, np.int64)
    if isinstance(known.grid, NumericGrid) and weighted.numbers is not None:
        np.add.at(vector, np.searchsorted(known.grid.edges, weighted.numbers, side="right"), weighted.calls)
        checks[1] = weighted.calls[weighted.numbers < known.grid.low].sum()
        checks[2] = weighted.calls[weighted.numbers > known.grid.high].sum()
    elif not isinstance(known.grid, NumericGrid) and weighted.numbers is None:
        new = len(known.grid.kept) + 1
        np.add.at(vector, [known.grid.index.get(name, new) for name in weighted.names], weighted.calls)
    else:
        vector[-1], checks[0] = weighted.calls.sum(), weighted.calls.sum()
    counts[CELLS + known.key], counts[CHECKS + known.key] = vector, checks


def _tally(name: str, weighted: Weighted) -> dict[str, Mapping[str, int]]:
    if weighted.numbers is None:
        return {VALUES + name: sketch(_by_name(weighted))}
    found, place = np.unique(float_bits.cells(weighted.numbers), return_inverse=True)
    total = np.zeros(len(found), np.int64)
    np.add.at(total, place, weighted.calls)
    return {BITS + name: dict(zip(map(str, found.tolist()), total.tolist(), strict=True))}


def _named(known: FeatureCells, weighted: Weighted) -> dict[str, Mapping[str, int]]:
    if weighted.numbers is not None or isinstance(known.grid, NumericGrid):
        return {}
    fresh = {name: calls for name, calls in _by_name(weighted).items() if name not in known.grid.index}
    return {FRESH + known.key: sketch(fresh, FRESH_CELLS)} if fresh else {}


def _others(known: FeatureCells, weighted: Weighted) -> dict[str, int]:
    if weighted.numbers is not None or isinstance(known.grid, NumericGrid):
        return {}
    other = len(known.grid.kept)
    return {name: calls for name, calls in _by_name(weighted).items() if known.grid.index.get(name) == other}


def _by_name(weighted: Weighted) -> dict[str, int]:
    return dict(zip(weighted.names, weighted.calls.tolist(), strict=True))
