"""Reads a whole file of rows, whatever its format: for references, `driftline check` and history."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, timedelta, tzinfo
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np

from agent.config import Columns
from agent.enrichers.enrichment import Enrichment
from agent.errors import InputError
from agent.rows import parquet
from agent.rows.csv_text import BAD_BYTES
from agent.rows.decode import CollectorLines, Csv, Decoder, JsonLines
from agent.rows.events import Assembly
from agent.rows.forms import Asked, Form, form_of
from agent.rows.pair import RowJoiner
from agent.rows.reasons import in_words
from agent.rows.shape import Memory, Shape
from agent.rows.tail import Place, Step, follow
from detectors.types import Batch

Drop = Callable[[str, int], None]
"""Told the reason and the number of rows that could not be read."""

_log = logging.getLogger(__name__)

COLLECTIONS = ("model_inputs", "model_outputs")
"""The collections of Azure ML's data collector that driftline reads."""


def read_table(
    path: Path,
    columns: Columns,
    endpoint: str,
    chunk_rows: int = 65_536,
    *,
    form: Asked = "auto",
    zone: tzinfo = UTC,
    enrichment: Enrichment | None = None,
    drop: Drop = lambda _reason, _rows: None,
) -> Iterator[Batch]:
    """Yield the rows of a file as batches of kind "rows", at most `chunk_rows` each; memory stays bounded.

    Inputs and outputs of the data collector come joined. `zone` is where times without an offset were read;
    `enrichment` draws features from some columns, which are then left out.
    Raises InputError naming file, line or column, and what was expected, when the file cannot be read or has no row.
    """
    for batch in read_shape(path, Shape(endpoint, columns, zone, enrichment), Memory(), form=form, drop=drop):
        for start in range(0, batch.rows, chunk_rows):
            yield batch if batch.rows <= chunk_rows else batch.take(np.arange(start, min(start + chunk_rows, batch.rows)))


def read_shape(
    path: Path, shape: Shape, memory: Memory, *, form: Asked = "auto", drop: Drop = lambda _reason, _rows: None
) -> Iterator[Batch]:
    """Yield the same in pieces as they come; `memory` is what is learnt of the columns."""
    lost: Counter[str] = Counter()

    def lose(reason: str, rows: int) -> None:
        lost[reason] += rows
        drop(reason, rows)

    try:
        found = form_of(path, form)
        if found is None:
            raise InputError(f"{path}: is empty; expected CSV, Parquet or JSON lines")
        batches = whole(path, found, shape, memory, lose)
        rows = 0
        for batch in _joined(batches, lose):
            rows += batch.rows
            yield batch
        if not rows:
            reasons = ", ".join(in_words(reason, count) for reason, count in lost.items())
            raise InputError(f"{path}: has no rows that can be read{f' ({reasons})' if reasons else ''}")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def _decoder(form: Form, shape: Shape) -> Decoder:
    """Return the decoder of a format that grows by appending."""
    if form == "csv":
        return Csv(shape)
    return JsonLines(shape) if form == "jsonl" else CollectorLines(Assembly(shape, COLLECTIONS))


def steps(path: Path, size: int, form: Form | None, place: Place, shape: Shape, memory: Memory, *, final: bool) -> Iterator[Step]:
    """Yield the pieces of a file from `place` to `size` bytes; the offset of a Parquet file is in rows, and `size` is ignored."""
    if form == "parquet":
        for table, rows in parquet.pieces(path, place.offset):
            batch, decided, dropped = shape.batch(table, rows, memory.kinds.get("", {}), {}, str(path))
            memory.kinds = {**memory.kinds, "": decided}
            place = Place(place.offset + rows)
            yield Step((batch,) if batch.rows else (), place, dropped)
    if form is None or form == "parquet":
        return
    bad = 0
    with path.open("rb") as file:
        for step in follow(partial(_read, file), size, place, _decoder(form, shape), memory, str(path), final=final):
            bad += step.dropped[BAD_BYTES]
            yield step
    if bad:
        _log.warning(
            "%s: %d lines hold bytes that are not UTF-8 text, perhaps Latin-1; \N{REPLACEMENT CHARACTER} stands in their place. "
            "Save the file as UTF-8: iconv -f WINDOWS-1252 -t UTF-8",
            path,
            bad,
        )


def whole(path: Path, form: Form | None, shape: Shape, memory: Memory, drop: Drop) -> Iterator[Batch]:
    """Yield the batches of a file nobody writes to any more."""
    for step in steps(path, path.stat().st_size, form, Place(), shape, memory, final=True):
        for reason, rows in step.dropped.items():
            drop(reason, rows)
        yield from step.batches


def _read(file: BinaryIO, offset: int, length: int) -> bytes:
    file.seek(offset)
    return file.read(length)


def _joined(batches: Iterator[Batch], drop: Drop) -> Iterator[Batch]:
    """Pair inputs and outputs by their order in the file: there is no clock, so only the limit lets go."""
    joiner = RowJoiner(drop, timedelta.max)
    for batch in batches:
        yield from joiner.push(batch, 0.0)
    yield from joiner.due(float("inf"))
