"""One frame of the spool: a batch as bytes, its columns laid out so that reading them copies nothing."""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import ConfigError, InputError
from agent.plain import pack, unpack
from detectors.types import Batch, Category, Column, Plain, Text

VERSION = 1

_HEAD = struct.Struct("<BBxxIII")
"""Version, flags, bytes of the note, bytes of the column table, bytes of padding at the end."""
_CURSOR = 1
_DTYPES: dict[str, type[np.generic]] = {"f": np.float64, "i": np.int64, "u": np.uint64, "b": np.bool_, "c": np.int32}
_CODES = {np.dtype(found): code for code, found in _DTYPES.items() if code != "c"}


@dataclass(frozen=True, slots=True)
class Frame:
    """What one entry of the spool holds."""

    batch: Batch | None
    """None: only the cursor moves."""
    source: str
    cursor: Plain | None
    """Where a pull source goes on once this frame is in the spool; None from push sources."""
    received: int
    """Time of arrival, nanoseconds since 1970, UTC."""


def encode(frame: Frame) -> bytes:
    """Return the frame as bytes, a multiple of 8 long. Raises ValueError for a column that is not `rows` long.

    >>> batch = Batch("chat", "calls", 2, {"duration": np.array([0.5, 1.5])})
    >>> decode(memoryview(encode(Frame(batch, "otlp", None, 7)))).batch.columns["duration"]
    array([0.5, 1.5])
    """
    note = pack([frame.source, frame.received, frame.cursor])
    table, buffers = b"", list[bytes | memoryview]()
    if frame.batch is not None:
        batch = frame.batch
        columns = _columns(batch.columns, batch.rows, buffers)
        table = pack([batch.endpoint, batch.kind, batch.rows, columns, _columns(batch.features, batch.rows, buffers)])
    gap = -(len(note) + len(table)) % 8
    flags = 0 if frame.cursor is None else _CURSOR
    return b"".join([_HEAD.pack(VERSION, flags, len(note), len(table), gap), note, table, bytes(gap), *buffers])


def decode(data: bytes | memoryview) -> Frame:
    """Return the frame; its arrays are read-only views of `data`.

    Raises InputError for bytes `encode` did not write, ConfigError when a newer driftline wrote them.
    """
    view = memoryview(data)
    note_bytes, table_bytes, gap = _head(view)
    start = _HEAD.size + note_bytes
    source, received, cursor = unpack(view[_HEAD.size : start])
    if not table_bytes:
        return Frame(None, source, cursor, received)
    endpoint, kind, rows, columns, features = unpack(view[start : start + table_bytes])
    buffers = _Buffers(view, start + table_bytes + gap, rows)
    try:
        batch = Batch(endpoint, kind, rows, dict(buffers.take(columns)), dict(buffers.take(features)))
    except (ValueError, TypeError, KeyError, IndexError) as problem:
        raise InputError(f"a frame of the spool cannot be read: {problem}") from problem
    return Frame(batch, source, cursor, received)


def cursor_of(data: bytes | memoryview) -> tuple[str, Plain] | None:
    """Return source and cursor of an encoded frame without decoding its columns; None where it has no cursor."""
    view = memoryview(data)
    if view[1] & _CURSOR == 0:
        return None
    note_bytes, _, _ = _head(view)
    source, _, cursor = unpack(view[_HEAD.size : _HEAD.size + note_bytes])
    return source, cursor


def _head(view: memoryview) -> tuple[int, int, int]:
    if len(view) < _HEAD.size:
        raise InputError(f"a frame of the spool has {len(view)} bytes, too few for its head")
    version, _, note_bytes, table_bytes, gap = _HEAD.unpack_from(view)
    if version > VERSION:
        raise ConfigError(
            f"the spool was written by a newer driftline (frame format {version}, this one reads {VERSION}): run that version"
        )
    if version != VERSION or _HEAD.size + note_bytes + table_bytes + gap > len(view):
        raise InputError("a frame of the spool has a head that does not fit it")
    return note_bytes, table_bytes, gap


def _columns(columns: Mapping[str, Column], rows: int, buffers: list[bytes | memoryview]) -> list[list[Any]]:
    described = list[list[Any]]()
    for name, column in columns.items():
        if len(column) != rows:
            raise ValueError(f"column '{name}' has {len(column)} values in a batch of {rows} rows")
        if isinstance(column, Category):
            described.append([name, "c", _add(buffers, column.codes.astype(np.int32, copy=False)), column.values])
        elif isinstance(column, Text):
            text = pack(column.values)
            buffers += (text, bytes(-len(text) % 8))
            described.append([name, "t", len(text)])
        elif column.dtype in _CODES:
            described.append([name, _CODES[column.dtype], _add(buffers, column)])
        else:
            raise ValueError(f"column '{name}' is {column.dtype}, expected float64, int64, uint64 or bool")
    return described


def _add(buffers: list[bytes | memoryview], values: NDArray[Any]) -> int:
    data = np.ascontiguousarray(values).tobytes()
    buffers += (data, bytes(-len(data) % 8))
    return len(data)


class _Buffers:
    """Hands out the columns of a frame in the order in which they were written."""

    def __init__(self, view: memoryview, offset: int, rows: int) -> None:
        self._view, self._offset, self._rows = view, offset, rows

    def take(self, described: list[list[Any]]) -> Iterator[tuple[str, Column]]:
        for name, code, size, *values in described:
            if self._offset + size > len(self._view):
                raise ValueError(f"column '{name}' ends beyond the frame")
            column = self._column(code, size, values)
            if len(column) != self._rows:
                raise ValueError(f"column '{name}' has {len(column)} values, expected {self._rows}")
            self._offset += size + -size % 8
            yield name, column

    def _column(self, code: str, size: int, values: list[Any]) -> Column:
        if code == "t":
            return Text(tuple(unpack(self._view[self._offset : self._offset + size])))
        dtype = np.dtype(_DTYPES[code])
        if size % dtype.itemsize:
            raise ValueError(f"{size} bytes are no {dtype} values")
        numbers: NDArray[Any] = np.frombuffer(self._view, dtype, size // dtype.itemsize, self._offset)
        return Category(numbers, tuple(values[0])) if code == "c" else numbers
