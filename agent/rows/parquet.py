"""Parquet in pieces: row groups cut into tables of columns."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agent.errors import InputError
from agent.rows.shape import Raw

_BUFFER = 256 * 1024
"""Bytes read ahead in each column: without it a whole row group, often 100 MB and more, would be held."""

VALUES = 1_000_000
"""Values in a piece: 8 MB of numbers."""
_BYTES = 64 * 2**20
"""Bytes of a piece where values are large: pictures, long texts."""


def pieces(path: Path, start: int = 0, rows: int | None = None) -> Iterator[tuple[dict[str, Raw], int]]:
    """Yield columns and number of rows, piece by piece, from row `start` on. Raises InputError for what is no Parquet file.

    `rows` is the size of a piece; None chooses it by the number of columns.
    """
    import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415 (it has no types; 45 MB that a process without files never needs)
    from pyarrow import parquet  # noqa: PLC0415 (the same)

    from agent.rows.arrow import Arrow  # noqa: PLC0415 (the same)

    try:
        schema = parquet.read_schema(path)
        if len(set(schema.names)) < len(schema.names):
            raise InputError(f"{path}: two columns have the same name; every column needs its own")
        texts = [field.name for field in schema if pa.types.is_string(field.type)]
        with parquet.ParquetFile(path, read_dictionary=texts, pre_buffer=False, buffer_size=_BUFFER) as file:
            groups, skip = _after(file.metadata, start)
            size = rows or _piece(file.metadata, len(schema))
            for batch in file.iter_batches(size, row_groups=groups, use_threads=False):
                piece = batch.slice(min(skip, batch.num_rows))
                skip -= batch.num_rows - piece.num_rows
                if piece.num_rows:
                    yield {name: Arrow(piece.column(name)) for name in schema.names}, piece.num_rows
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, FileNotFoundError | PermissionError):
            raise
        raise InputError(f"{path}: expected Parquet: {str(error).splitlines()[0][:200]}") from error


def _piece(metadata: Any, columns: int) -> int:
    """Return how many rows to read at once."""
    held = sum(metadata.row_group(group).total_byte_size for group in range(metadata.num_row_groups))
    by_size = _BYTES * max(metadata.num_rows, 1) // max(held, 1)
    return int(min(max(1000, VALUES // max(1, columns)), max(by_size, 1)))


def _after(metadata: Any, start: int) -> tuple[list[int], int]:
    """Return the row groups that hold rows from `start` on, and how many rows of the first to skip."""
    begin = 0
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group).num_rows
        if start < begin + rows:
            return list(range(group, metadata.num_row_groups)), start - begin
        begin += rows
    return [], 0
