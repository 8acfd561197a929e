"""Joins model inputs and model outputs, which are collected apart, into whole rows."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.types import Batch, Category, Column, Plain

PARTS = ("inputs", "outputs")
"""Values of the column `part`."""
_INPUTS, _OUTPUTS = PARTS


@dataclass(slots=True)
class _Waiting:
    """Rows of one batch whose other half has not come."""

    batch: Batch
    part: str
    until: float
    open: NDArray[np.bool_]
    """Rows still waiting."""

    def rest(self) -> Batch:
        return self.batch.take(np.flatnonzero(self.open))


class RowJoiner:
    """Pairs rows of batches that have the columns `part` (inputs or outputs) and `pair` (uint64); others pass.

    Both halves are in the spool before they come here, so nothing is lost by waiting: `plain` is part of the
    checkpoint. After `ttl`, or when more than `limit` rows wait, the oldest are let go, and `lost` is told why and how many:
    inputs go on as rows without a prediction, outputs alone are no row and are dropped. So are rows with pair 0.
    """

    def __init__(
        self, lost: Callable[[str, int], None], ttl: timedelta = timedelta(minutes=10), limit: int = 50_000, saved: Plain | None = None
    ) -> None:
        self._lost = lost
        self._ttl = ttl.total_seconds()
        self._limit = limit
        self._queue: deque[_Waiting] = deque()
        self._places: dict[tuple[str, str], dict[int, tuple[_Waiting, int]]] = {}
        self._count = 0
        for item in (saved or {}).get("waiting", ()):
            self._wait(_batch(item), item["part"], item["until"])

    def push(self, batch: Batch, now: float) -> Sequence[Batch]:
        """Take a batch in; return what is complete. `now` in seconds."""
        part = batch.columns.get("part")
        if batch.kind != "rows" or not isinstance(part, Category):
            return (batch,)
        ready: list[Batch] = []
        for code, name in enumerate(part.values):
            rows = np.flatnonzero(part.codes == code)
            if len(rows) and name in PARTS:
                ready += self._push(batch if len(rows) == batch.rows else batch.take(rows), name, now)
        return [*ready, *self._shrink()]

    def due(self, now: float) -> Sequence[Batch]:
        """Return the inputs that waited long enough."""
        ready: list[Batch] = []
        while self._queue and self._queue[0].until <= now:
            ready += self._give_up(self._queue.popleft())
        return ready

    def plain(self) -> Plain:
        """Return what waits, as data; the constructor takes it back."""
        return {"waiting": [{"part": item.part, "until": item.until, **_plain(item.rest())} for item in self._queue if item.open.any()]}

    def _push(self, batch: Batch, part: str, now: float) -> Iterable[Batch]:
        nameless = np.asarray(batch.columns["pair"]) == 0
        if nameless.any():
            yield from self._alone(batch.take(np.flatnonzero(nameless)), part)
            batch = batch.take(np.flatnonzero(~nameless))
        yield from self._match(batch, part, now)

    def _match(self, batch: Batch, part: str, now: float) -> Iterable[Batch]:
        others = self._places.setdefault((batch.endpoint, _OUTPUTS if part == _INPUTS else _INPUTS), {})
        mine = self._places.setdefault((batch.endpoint, part), {})
        found: dict[int, tuple[_Waiting, list[int], list[int]]] = {}
        rest: list[int] = []
        for row, pair in enumerate(np.asarray(batch.columns["pair"]).tolist()):
            place = others.pop(pair, None)
            if place is not None:
                waiting, row_there = place
                _, here, there = found.setdefault(id(waiting), (waiting, [], []))
                here.append(row)
                there.append(row_there)
            elif pair not in mine:
                # A half that waits already came twice; the second is of no use.
                rest.append(row)
        if rest:
            left = batch if len(rest) == batch.rows else batch.take(np.array(rest, np.intp))
            self._wait(left, part, now + self._ttl)
        for waiting, here, there in found.values():
            waiting.open[there] = False
            self._count -= len(there)
            halves = {part: batch.take(np.array(here, np.intp)), waiting.part: waiting.batch.take(np.array(there, np.intp))}
            yield _row(halves[_INPUTS], halves[_OUTPUTS])

    def _wait(self, batch: Batch, part: str, until: float) -> None:
        waiting = _Waiting(batch, part, until, np.ones(batch.rows, np.bool_))
        places = self._places.setdefault((batch.endpoint, part), {})
        for row, pair in enumerate(np.asarray(batch.columns["pair"]).tolist()):
            places[pair] = (waiting, row)
        self._queue.append(waiting)
        self._count += batch.rows

    def _shrink(self) -> Iterable[Batch]:
        while self._queue and (self._count > self._limit or not self._queue[0].open.any()):
            yield from self._give_up(self._queue.popleft())

    def _give_up(self, waiting: _Waiting) -> Iterable[Batch]:
        rest = waiting.rest()
        if not rest.rows:
            return
        places = self._places[rest.endpoint, waiting.part]
        for pair in np.asarray(rest.columns["pair"]).tolist():
            places.pop(pair, None)
        self._count -= rest.rows
        yield from self._alone(rest, waiting.part)

    def _alone(self, half: Batch, part: str) -> Iterable[Batch]:
        self._lost("unpaired", half.rows)
        if part == _INPUTS:
            yield _whole(half, half.columns, half.features)


def _row(inputs: Batch, outputs: Batch) -> Batch:
    """Return whole rows: what both halves say is taken from the inputs, the prediction from the outputs."""
    columns = {**outputs.columns, **inputs.columns}
    if "prediction" in outputs.columns:
        columns["prediction"] = outputs.columns["prediction"]
    return _whole(inputs, columns, {**inputs.features, **{n: c for n, c in outputs.features.items() if n not in inputs.features}})


def _whole(inputs: Batch, columns: Mapping[str, Column], features: Mapping[str, Column]) -> Batch:
    whole = {name: column for name, column in columns.items() if name not in {"part", "pair"}}
    whole.setdefault("id", columns["pair"])
    return replace(inputs, columns=whole, features=features)


def _plain(batch: Batch) -> dict[str, Any]:
    return {
        "endpoint": batch.endpoint,
        "rows": batch.rows,
        "columns": {name: _column(column) for name, column in batch.columns.items()},
        "features": {name: _column(column) for name, column in batch.features.items()},
    }


def _column(column: Column) -> Any:
    if isinstance(column, Category):
        # Only the names in use: a few rows of a large batch must not keep all of its categories.
        used, codes = np.unique(column.codes, return_inverse=True)
        present = used[used >= 0]
        return {"codes": codes.astype(np.int32) - np.int32(len(used) - len(present)), "values": [column.values[code] for code in present]}
    return column


def _batch(saved: Plain) -> Batch:
    columns, features = ({name: _restored(column) for name, column in saved[group].items()} for group in ("columns", "features"))
    return Batch(saved["endpoint"], "rows", saved["rows"], columns, features)


def _restored(column: Any) -> Column:
    return Category(np.asarray(column["codes"], np.int32), tuple(column["values"])) if isinstance(column, Mapping) else column
