"""A whole file of rows in memory, column by column: what `check` and `report` compare."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path

import numpy as np

from agent.concatenation import joined
from agent.config import Columns
from agent.enrichers.enrichment import Enrichment
from agent.errors import InputError
from agent.redaction.masking import Masks
from agent.rows.shape import Kinds, Memory, Shape
from agent.rows.table import read_shape
from agent.terminal import Advance
from detectors.types import Batch, Column

MOST_COLUMNS = 100_000
"""Columns kept of a file: here nobody pays for them by the window."""
OTHER = "neither numbers nor categories: times, lists, mappings or bytes"
_NOTHING: Kinds = {}


@dataclass(frozen=True, slots=True)
class WholeTable:
    """The columns of a file, features and prediction, each as long as the file has readable rows."""

    columns: Mapping[str, Column]
    rows: int
    dropped: Mapping[str, int]
    """Reason to rows, columns or single values that could not be read; such values count as missing."""
    wrong: Mapping[str, int] = field(default_factory=dict)
    """Column to how many of its values are not of its type."""
    kinds: Kinds = field(default_factory=dict)
    """What each column was decided to be; those that are `other` (dates, lists, mappings) are not among `columns`."""

    @property
    def others(self) -> dict[str, str]:
        """The columns that hold neither numbers nor categories, and what is said of them."""
        return {name: OTHER for name, kind in self.kinds.items() if kind == "other" and name not in self.columns}

    @property
    def names(self) -> tuple[str, ...]:
        """All columns of the file."""
        return (*self.columns, *self.others)


def whole_table(
    path: Path,
    roles: Columns,
    advance: Advance,
    enrichment: Enrichment | None = None,
    masks: Masks | None = None,
    expected: Kinds = _NOTHING,
) -> WholeTable:
    """Read a CSV, Parquet or JSONL file; `enrichment` draws features from some of its columns, `masks` go over categories.

    `expected` says what a column is whose own values do not: those of the file it is compared with.
    Raises InputError for a file that is missing, unreadable or without rows.
    """
    dropped: Counter[str] = Counter()

    def drop(reason: str, rows: int) -> None:
        dropped[reason] += rows

    try:
        size = path.stat().st_size
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    if not path.is_file():
        raise InputError(f"{path}: is no file")
    wrong: Counter[str] = Counter()
    batches: list[Batch] = []
    cells = 0
    memory = Memory()
    shape = Shape("check", roles, UTC, enrichment, expected, MOST_COLUMNS)
    for batch in read_shape(path, shape, memory, drop=drop):
        batches.append(batch if masks is None else masks.batch(batch, str(path)))
        cells += batch.rows * len(batch.features)
        for name, flags in batch.columns.items():
            if name.startswith("type_error.") and isinstance(flags, np.ndarray):
                column = name.removeprefix("type_error.")
                wrong[roles.prediction if column == "prediction" and roles.prediction is not None else column] += int(flags.sum())
        # Nobody knows how many rows are left; a value takes about eight bytes in a file, as it does in memory.
        advance(min(8 * cells / (size + 1), 0.99))
    rows = sum(batch.rows for batch in batches)
    dropped.update({f"wrong type in {column}": count for column, count in wrong.items()})
    kinds = {name: kind for part in memory.kinds.values() for name, kind in part.items()}
    return WholeTable(_columns(batches, roles), rows, dict(dropped), dict(wrong), kinds)


def _columns(batches: Sequence[Batch], roles: Columns) -> dict[str, Column]:
    names = list(dict.fromkeys(name for batch in batches for name in batch.features))
    found = {name: joined([(batch.features.get(name), batch.rows) for batch in batches]) for name in names}
    if roles.prediction is not None and any("prediction" in batch.columns for batch in batches):
        found[roles.prediction] = joined([(batch.columns.get("prediction"), batch.rows) for batch in batches])
    return found
