"""Which rows a report compares: the sample of one closed window, against the reference file or the windows before it."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.clock import from_nanoseconds, to_nanoseconds
from agent.concatenation import joined
from agent.errors import InputError, TooLittleData
from agent.spool.frame import decode
from agent.store.store import Store, StoredWindow
from detectors.types import Batch, Category, Column, Text

BEFORE = 40
"""Windows that stand in for a reference."""

MOST = 20_000
"""Rows of either side: Evidently holds everything in memory, several times."""

_FOREVER = 2**62


@dataclass(frozen=True, slots=True)
class Sides:
    """What is compared, and what to call it."""

    reference: Mapping[str, Column]
    current: Mapping[str, Column]
    window: StoredWindow
    against: str


def sides(store: Store, endpoint: str, deployment: str | None, at: datetime | None, reference: Mapping[str, Column] | None) -> Sides:
    """Return the newest sampled window that begins at or before `at`, and what to hold it against.

    Without a `reference` the samples of earlier windows of the same stream stand in for it. Raises TooLittleData, saying
    what to do, where there is no sampled window, or none before it.
    """
    until = _FOREVER if at is None else to_nanoseconds(at) + 1
    # Two passes: a long history of samples does not fit into memory, one window and the forty before it do.
    newest = deque(_sampled(store, endpoint, deployment, until), maxlen=1)
    if not newest:
        when = "" if at is None else f" at or before {at.isoformat()}"
        raise TooLittleData(
            f"{endpoint}: no closed window{when} has kept rows; set endpoints.{endpoint}.keep_rows: 2000 and wait for the next window"
        )
    current = newest[0]
    if reference is not None:
        return Sides(reference, _columns([_batch(current)]), current, "the reference file")
    earlier = _sampled(store, endpoint, deployment, current.start)
    before = deque((window for window in earlier if window.stream == current.stream), maxlen=BEFORE)
    if not before:
        raise TooLittleData(f"{endpoint}: this is the first window that has kept rows; give --reference FILE, or wait for the next")
    first = from_nanoseconds(before[0].start).isoformat()
    return Sides(
        _columns([_batch(window) for window in before]), _columns([_batch(current)]), current, f"{len(before)} windows since {first}"
    )


def _sampled(store: Store, endpoint: str, deployment: str | None, until: int) -> Iterator[StoredWindow]:
    for window in store.windows(endpoint, 0, until):
        if window.value.get("sample") is not None and (deployment is None or window.stream.deployment == deployment):
            yield window


def _batch(window: StoredWindow) -> Batch:
    batch = decode(window.value["sample"]).batch
    if batch is None:
        raise InputError(f"the sample of {window.stream.endpoint} at {from_nanoseconds(window.start).isoformat()} holds no rows")
    return batch


def _columns(batches: Sequence[Batch]) -> dict[str, Column]:
    names = list(dict.fromkeys(name for batch in batches for name in batch.features))
    found = {name: joined([(batch.features.get(name), batch.rows) for batch in batches]) for name in names}
    if any("prediction" in batch.columns for batch in batches):
        found["prediction"] = joined([(batch.columns.get("prediction"), batch.rows) for batch in batches])
    return found


def write_parquet(columns: Mapping[str, Column], path: Path, most: int = MOST) -> int:
    """Write columns to a Parquet file, evenly thinned to at most `most` rows; return how many."""
    # Imported here: 45 MB that only a report needs.
    import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415  # no stubs among the locked packages
    from pyarrow import parquet  # noqa: PLC0415  # the same

    rows = max((len(column) for column in columns.values()), default=0)
    if not rows:
        raise InputError("there are no columns to report on")
    kept = np.linspace(0, rows - 1, min(rows, most)).astype(np.intp)
    table = {name: _values(column, kept) for name, column in columns.items()}
    parquet.write_table(pa.table(table), path)
    return len(kept)


def _values(column: Column, kept: NDArray[np.intp]) -> Sequence[str | None] | NDArray[Any]:
    if isinstance(column, Category):
        values: list[str | None] = np.array([*column.values, None], object)[column.codes[kept]].tolist()
        return values
    if isinstance(column, Text):
        return [column.values[row] for row in kept.tolist()]
    return column[kept]
