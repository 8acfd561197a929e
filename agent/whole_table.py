"""A whole file of rows in memory, column by column: what `check` and `report` compare."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.config import Columns
from agent.errors import InputError
from agent.rows.table import read_table
from agent.terminal import Advance
from detectors.types import Batch, Category, Column, Text


@dataclass(frozen=True, slots=True)
class WholeTable:
    """The columns of a file, features and prediction, each as long as the file has readable rows."""

    columns: Mapping[str, Column]
    rows: int
    dropped: Mapping[str, int]
    """Reason to rows, columns or single values that could not be read; such values count as missing."""


def whole_table(path: Path, roles: Columns, advance: Advance) -> WholeTable:
    """Read a CSV, Parquet or JSONL file. Raises InputError for a file that is missing, unreadable or without rows."""
    dropped: Counter[str] = Counter()

    def drop(reason: str, rows: int) -> None:
        dropped[reason] += rows

    try:
        size = path.stat().st_size
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    if not path.is_file():
        raise InputError(f"{path}: is no file")
    batches: list[Batch] = []
    cells = 0
    for batch in read_table(path, roles, "check", drop=drop):
        batches.append(batch)
        cells += batch.rows * len(batch.features)
        for name, flags in batch.columns.items():
            if name.startswith("type_error.") and isinstance(flags, np.ndarray):
                dropped[f"wrong type in {name.removeprefix('type_error.')}"] += int(flags.sum())
        # Nobody knows how many rows are left; a value takes about eight bytes in a file, as it does in memory.
        advance(min(8 * cells / (size + 1), 0.99))
    rows = sum(batch.rows for batch in batches)
    if not rows:
        raise InputError(f"{path}: has no rows that can be read{_reasons(dropped)}")
    return WholeTable(_columns(batches, roles), rows, dict(dropped))


def _reasons(dropped: Mapping[str, int]) -> str:
    return f" ({', '.join(f'{reason}: {rows}' for reason, rows in dropped.items())})" if dropped else ""


def _columns(batches: Sequence[Batch], roles: Columns) -> dict[str, Column]:
    names = list(dict.fromkeys(name for batch in batches for name in batch.features))
    found = {name: joined([(batch.features.get(name), batch.rows) for batch in batches]) for name in names}
    if roles.prediction is not None and any("prediction" in batch.columns for batch in batches):
        found[roles.prediction] = joined([(batch.columns.get("prediction"), batch.rows) for batch in batches])
    return found


def joined(parts: Sequence[tuple[Column | None, int]]) -> Column:
    """Return the parts of a column as one; a part that is None is that many missing rows.

    >>> both = joined([(Category.of(["a"]), 1), (None, 1), (Category.of(["b", "a"]), 2)])
    >>> both.decode()
    ['a', None, 'b', 'a']
    """
    if any(isinstance(column, Category | Text) for column, _ in parts):
        return _categories(parts)
    return np.concatenate(
        [np.full(rows, np.nan) if column is None else np.asarray(column, np.float64) for column, rows in parts] or [np.empty(0)]
    )


def _categories(parts: Sequence[tuple[Column | None, int]]) -> Category:
    index: dict[str, int] = {}
    codes: list[NDArray[np.int32]] = []
    for column, rows in parts:
        if isinstance(column, Text):
            column = Category.of(column.values)  # noqa: PLW2901 (the same part, coded)
        if not isinstance(column, Category):
            # All missing: a part whose kind was not known yet, or numbers among categories that say nothing.
            codes.append(np.full(rows, -1, np.int32))
            continue
        new = np.array([*(index.setdefault(value, len(index)) for value in column.values), -1], np.int32)
        codes.append(new[column.codes])
    return Category(np.concatenate(codes), tuple(index))
