"""Events of Azure ML's data collector: CloudEvents lines whose `data` are rows of model inputs or outputs."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, TypeAlias

import numpy as np

from agent.rows import values
from agent.rows.identity import identity
from agent.rows.pair import PARTS
from agent.rows.shape import Kinds, Shape
from agent.rows.times import instant
from detectors.types import Batch, Category, Column

Load: TypeAlias = Callable[[str], Sequence[Any]]
"""Fetches the rows of an event too large for its line, given their address. Raises ValueError with a reason to count."""


@dataclass(frozen=True, slots=True)
class Event:
    """Some rows of one collection that were collected together."""

    collection: str
    time: int
    """Nanoseconds since 1970, UTC; 0: unknown."""
    correlation: str | None
    """Rows of inputs and outputs with the same correlation and position belong together."""
    rows: Sequence[Mapping[str, Any]]
    deployment: str | None = None


def event(line: Mapping[str, Any], deployment: str | None = None, load: Load | None = None) -> Event:
    """Return the event of a stored line; `deployment` is that of a line that names none. Raises ValueError with a reason to count.

    >>> event({"type": "azureml.inference.model_inputs", "time": "1970-01-01T00:00:01Z", "data": [{"a": 1}], "correlationid": "c"})
    Event(collection='model_inputs', time=1000000000, correlation='c', rows=[{'a': 1}], deployment=None)
    """
    kind = line.get("type")
    if not isinstance(kind, str):
        raise ValueError("no_type")  # noqa: TRY004 (a reason for the counter, not a wrong argument)
    data = line.get("data")
    address = line.get("dataref") or (data if line.get("datainblob") == "true" else None)
    if address is not None:
        if load is None or not isinstance(address, str):
            raise ValueError("dataref")
        data = load(address)
    source, correlation = line.get("source"), line.get("correlationid")
    return Event(
        kind.rpartition(".")[2],
        instant(line.get("time"), UTC),
        correlation if isinstance(correlation, str) and correlation else None,
        records(data),
        (_deployment(source) if isinstance(source, str) else None) or deployment,
    )


def records(data: object) -> list[dict[str, Any]]:
    """Return `data` if it is a list of records. Raises ValueError with a reason to count."""
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise ValueError("no_records")
    return data


def _deployment(source: str) -> str | None:
    name = source.partition("/deployments/")[2].partition("/")[0]
    return name or None


@dataclass(frozen=True, slots=True)
class Assembly:
    """Turns events into batches: one for each collection, with `part` and `pair` columns when there are two."""

    shape: Shape
    collections: tuple[str, ...]
    """Inputs and outputs, or one collection that holds whole rows."""

    def part(self, collection: str) -> str | None:
        """Return inputs, outputs, or None for a collection nobody asked for. `inputs` is an old name of `model_inputs`."""
        for part, known in zip(PARTS, self.collections, strict=False):
            if known in {collection, f"model_{collection}"}:
                return part
        return None

    def batches(self, events: Sequence[Event], kinds: Mapping[str, Kinds], name: str) -> tuple[list[Batch], dict[str, Kinds], Counter[str]]:
        """Return the batches, the kinds of columns by part, and how much was dropped for which reason."""
        found, dropped, batches = dict(kinds), Counter[str](), []
        for part in PARTS:
            mine = [event for event in events if event.rows and self.part(event.collection) == part]
            if not mine:
                continue
            rows = [row for event in mine for row in event.rows]
            batch, found[part], lost = self.shape.batch(values.columns(rows), len(rows), found.get(part, {}), self._given(mine, part), name)
            dropped.update(lost)
            if batch.rows:
                batches.append(batch)
        dropped["other_collection"] += sum(len(event.rows) for event in events if self.part(event.collection) is None)
        return batches, found, +dropped

    def _given(self, events: Sequence[Event], part: str) -> dict[str, Column]:
        counts = [len(event.rows) for event in events]
        pairs = identity(
            None if event.correlation is None else f"{event.correlation}_{row}" for event in events for row in range(len(event.rows))
        )
        given: dict[str, Column] = {"time": np.repeat(np.array([event.time for event in events], np.int64), counts)}
        if any(event.deployment is not None for event in events):
            deployments = Category.of([event.deployment for event in events])
            given["deployment"] = Category(np.repeat(deployments.codes, counts), deployments.values)
        if len(self.collections) == 1:
            return given | {"id": pairs}
        return given | {"pair": pairs, "part": Category.constant(part, len(pairs))}
