"""Calls and parts as single rows, and how two rows about the same call become one."""

import zlib
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np
import orjson
from numpy.typing import NDArray

from agent.sources.otlp.columns import CONVERSATION, assemble
from agent.sources.otlp.dialects import ANSWERING
from detectors.safety.results import encode, parse
from detectors.types import Batch, Category, Text
from detectors.usage.tools import COLUMNS as TOOL_COLUMNS

Row: TypeAlias = dict[str, Any]
"""Column name to value: str, float, bool, or int for time and ids; missing ones are left out."""

_SUMS = ("input_length", "output_length", *TOOL_COLUMNS)
_LISTS = ("input", "output")
_LARGEST = ("duration", "time")


def rows_of(batch: Batch, rows: NDArray[np.intp]) -> list[Row]:
    """Return rows of a batch one by one; for the few that have to wait."""
    found: list[Row] = [{} for _ in range(len(rows))]
    for name, column in batch.take(rows).columns.items():
        if isinstance(column, Category):
            values: Sequence[Any] = column.decode()
        else:
            values = column.values if isinstance(column, Text) else column.tolist()
        for row, value in zip(found, values, strict=True):
            if value is not None and value == value:  # noqa: PLR0124 - NaN, which marks missing, differs from itself
                row[name] = value
    return found


def batches_of(rows: Iterable[tuple[str, Row]]) -> list[Batch]:
    """Return rows, given with their endpoints, as one batch an endpoint."""
    grouped: dict[str, list[Row]] = {}
    for endpoint, row in rows:
        grouped.setdefault(endpoint, []).append(row)
    built = []
    for endpoint, members in grouped.items():
        names = dict.fromkeys(name for row in members for name in row)
        values = {name: [row.get(name) for row in members] for name in names}
        for name in ("time", "id", "parent"):
            values[name] = [row.get(name, 0) for row in members]
        built.append(assemble(endpoint, "calls", values))
    return built


def merge_part(call: Row, part: Row) -> Row:
    """Give a call what its log records add; what the span itself said stays. Filter results add up."""
    merged = {**{name: value for name, value in part.items() if name not in {"time", "id"}}, **call}
    if "filters" in call and "filters" in part:
        merged["filters"] = _filters(call, part)
    return merged


def merge_parts(first: Row, second: Row) -> Row:
    """Put two parts of one call together, in the order they came."""
    merged = {**second, **first}
    both = first.keys() & second.keys()
    for name in both.intersection(_SUMS):
        merged[name] = first[name] + second[name]
    for name in both.intersection(_LISTS):
        merged[name] = orjson.dumps(orjson.loads(first[name]) + orjson.loads(second[name])).decode()
    if "filters" in both:
        merged["filters"] = _filters(first, second)
    if "finish_reason" in both:
        merged["finish_reason"] = ",".join(sorted({*first["finish_reason"].split(","), *second["finish_reason"].split(",")}))
    return merged


def merge_twin(inner: Row, outer: Row) -> Row:
    """Make one call of two spans about it: the inner one, closest to the wire, completed from the outer one."""
    merged = {**outer, **inner, "parent": outer.get("parent", 0)}
    for name in _LARGEST:
        if name in inner and name in outer:
            merged[name] = max(inner[name], outer[name])
    if "filters" in inner and "filters" in outer:
        merged["filters"] = _filters(inner, outer)
    if CONVERSATION in merged:
        merged[CONVERSATION] = inner.get(CONVERSATION) or outer.get(CONVERSATION, 0)
    return merged


def merge_end(call: Row, end: Row) -> Row:
    """Give a call what the record that closes its stream adds: it lasts until then."""
    merged = {**end, **call, "time": max(call["time"], end["time"])}
    merged.pop("closing", None)
    if "duration" in call:
        merged["duration"] = call["duration"] + (merged["time"] - call["time"]) / 1e9
    if "filters" in call and "filters" in end:
        merged["filters"] = _filters(call, end)
    return merged


def answers(operation: str | None) -> bool:
    """Whether a call of this operation ends with a finish reason."""
    return operation in ANSWERING


def mark(response_id: str | None) -> int:
    """Return 32 bits that tell answers apart; 0 where the id is not known."""
    return zlib.crc32(response_id.encode()) or 1 if response_id else 0


def _filters(first: Row, second: Row) -> str:
    return encode((*parse(first["filters"]), *parse(second["filters"])))
