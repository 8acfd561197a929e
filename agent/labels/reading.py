"""Reads labels from files and from JSON: records of id, label, timestamp and source become batches of labels."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from agent.config import Columns
from agent.errors import InputError
from agent.labels.opinions import EVALUATOR, about
from agent.redaction.column_names import listed
from agent.rows.forms import form_of
from agent.rows.parquet import pieces
from agent.rows.shape import Raw
from agent.rows.table import Drop, read_table
from agent.rows.times import instant
from agent.rows.values import columns
from detectors.types import Batch, Category, Column


@dataclass(frozen=True, slots=True)
class Names:
    """What the columns of a label file are called."""

    id: str = "id"
    label: str = "label"
    timestamp: str = "timestamp"
    source: str = "source"


USUAL = Names()
TRACE, SPAN = "trace_id", "span_id"
"""What names a call, where `id` does not."""
HASHED = "id_hash"
"""Key of an id that was hashed already: 16 hexadecimal digits."""


def from_file(path: Path, endpoint: str, drop: Drop, names: Names = USUAL) -> Iterator[Batch]:
    """Yield the labels of a CSV, Parquet or JSON lines file. `timestamp` and `source` may be absent, in all rows or in some.

    Raises InputError for a file that cannot be read, or lacks id or label.
    """
    try:
        if not path.is_file():
            raise InputError(f"{path}: is no file")
        parquet = form_of(path, "auto") == "parquet"
        yield from _from_parquet(path, endpoint, names) if parquet else _from_text(path, endpoint, drop, names)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def _from_text(path: Path, endpoint: str, drop: Drop, names: Names) -> Iterator[Batch]:
    """Yield labels of CSV or JSON lines."""
    # The time is no role: a row without one is a label all the same.
    roles = Columns(id=names.id, label=names.label, categorical=(names.label, names.source, names.timestamp))
    called = {"id": names.id, "label": names.label}
    there: dict[str, None] = {}
    # A call's id is not hashed as a text is: where evaluators are named, texts are needed.
    if _names_evaluators(path):
        roles = Columns(categorical=(names.id, *roles.categorical, EVALUATOR, TRACE, SPAN))
    for batch in read_table(path, roles, endpoint, drop=drop):
        if EVALUATOR in batch.features:
            yield _of_evaluators(path, endpoint, batch, names)
            continue
        kept: dict[str, Column] = {name: column for name, column in batch.columns.items() if name in called}
        there |= dict.fromkeys([*(called[name] for name in kept), *batch.features])
        _require(path, list(there), names)
        if names.timestamp in batch.features:
            kept["time"] = _times(batch.features[names.timestamp])
        teller = batch.features.get(names.source)
        if isinstance(teller, Category):
            kept["source"] = teller
        yield Batch(endpoint, "labels", batch.rows, kept)


def _names_evaluators(path: Path) -> bool:
    """Whether a text file has a column of evaluators, as its first line tells."""
    with path.open("rb") as file:
        first = file.readline(64 * 1024).removeprefix(b"\xef\xbb\xbf")
    return any(word.strip() == EVALUATOR.encode() for word in re.split(rb"[^\w.-]", first))


def _of_evaluators(path: Path, endpoint: str, batch: Batch, names: Names) -> Batch:
    table = {name: column for name, column in batch.features.items() if isinstance(column, Category)}
    nothing = Category(np.full(batch.rows, -1, np.int32), ())
    if names.label not in table or not ({names.id, TRACE} & table.keys()):
        raise InputError(f"{path}: has no column '{names.label}', or none of '{names.id}' and '{TRACE}'; it has {listed(list(table))}")
    called, traces, spans = (table.get(name, nothing).decode() for name in (names.id, TRACE, SPAN))
    kept: dict[str, Column] = {"id": about(called, traces, spans), "label": table[names.label], EVALUATOR: table[EVALUATOR]}
    if names.timestamp in table:
        kept["time"] = _times(table[names.timestamp])
    if names.source in table:
        kept["source"] = table[names.source]
    return Batch(endpoint, "labels", batch.rows, kept)


def _from_parquet(path: Path, endpoint: str, names: Names) -> Iterator[Batch]:
    """Yield labels with the types their columns have."""
    rows = 0
    for table, count in pieces(path):
        if EVALUATOR not in table or names.id in table or TRACE not in table:
            _require(path, list(table), names)
        yield _batch(_ids(table, count, names), table, endpoint, names)
        rows += count
    if not rows:
        raise InputError(f"{path}: has no rows that can be read")


def _require(path: Path, there: Sequence[str], names: Names) -> None:
    for wanted in (names.id, names.label):
        if wanted not in there:
            raise InputError(f"{path}: has no column '{wanted}'; it has {listed(list(there))}")


def _batch(ids: NDArray[np.uint64], table: Mapping[str, Raw], endpoint: str, names: Names = USUAL) -> Batch:
    found: dict[str, Column] = {"id": ids, "label": table[names.label].categories()[0]}
    if names.timestamp in table:
        found["time"] = table[names.timestamp].times(UTC)
    if names.source in table:
        found["source"] = table[names.source].categories()[0]
    if EVALUATOR in table:
        found[EVALUATOR] = table[EVALUATOR].categories()[0]
    return Batch(endpoint, "labels", len(ids), found)


def _ids(table: Mapping[str, Raw], rows: int, names: Names) -> NDArray[np.uint64]:
    """Return the ids of a table: of calls where evaluators are named, else of answers."""
    if EVALUATOR not in table:
        return table[names.id].ids()
    nothing: Sequence[object] = [None] * rows
    return about(*(table[name].objects() if name in table else nothing for name in (names.id, TRACE, SPAN)))


def _times(column: Column) -> NDArray[np.int64]:
    """Return nanoseconds, 0 where there is no time or one that cannot be read: the label is then of when it came."""
    if not isinstance(column, Category):
        return np.zeros(len(column), np.int64)
    return np.array([*(instant(value, UTC) for value in column.values), 0], np.int64)[column.codes]


def from_json(body: bytes, endpoint: str) -> Batch:
    """Return the labels of a JSON array, one object, or JSON lines. Raises InputError for anything else.

    >>> from_json(b'[{"id": 7, "label": true, "timestamp": "2026-01-01T00:00:00Z"}]', "loans").columns["label"].decode()
    ['true']
    """
    records = _records(body)
    table = columns(records)
    hashed = "id" not in table and (HASHED in table or (EVALUATOR in table and TRACE in table))
    missing = [name for name in ("id", "label") if name not in table and not (name == "id" and hashed)]
    if missing:
        raise InputError(f"labels need id and label; {' and '.join(missing)} missing in all {len(records)} records")
    ids = _unhashed([record.get(HASHED) for record in records]) if HASHED in table and hashed else _ids(table, len(records), USUAL)
    return _batch(ids, table, endpoint)


def to_json(batch: Batch) -> bytes:
    """Return labels as `from_json` takes them, their ids as hashes.

    >>> labels = from_json(b'{"id": "a", "label": "1"}', "loans")
    >>> from_json(to_json(labels), "loans").columns["id"] == labels.columns["id"]
    array([ True])
    """
    ids, labels, tellers, times, evaluators = (batch.columns.get(name) for name in ("id", "label", "source", "time", EVALUATOR))
    table: dict[str, list[Any]] = {}
    if isinstance(ids, np.ndarray):
        table[HASHED] = [f"{id_:016x}" for id_ in ids.tolist()]
    if isinstance(labels, Category):
        table["label"] = list(labels.decode())
    if isinstance(tellers, Category):
        table["source"] = list(tellers.decode())
    if isinstance(evaluators, Category):
        table[EVALUATOR] = list(evaluators.decode())
    if isinstance(times, np.ndarray):
        table["timestamp"] = times.tolist()
    return orjson.dumps([dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)])


def _unhashed(given: Sequence[object]) -> NDArray[np.uint64]:
    try:
        return np.array([0 if value is None else int(str(value), 16) for value in given], np.uint64)
    except (ValueError, OverflowError) as error:
        raise InputError(f"{HASHED} must be up to 16 hexadecimal digits") from error


def _records(body: bytes) -> list[Mapping[str, Any]]:
    body = body.removeprefix(b"\xef\xbb\xbf")
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        try:
            found = [orjson.loads(line) for line in body.splitlines() if line.strip()]
        except orjson.JSONDecodeError as error:
            raise InputError("the body is neither a JSON array nor JSON lines") from error
    records = found if isinstance(found, list) else [found]
    if not records or not all(isinstance(record, dict) for record in records):
        raise InputError("expected objects with id and label, at least one")
    return records
