"""Rows of a reference, gathered batch by batch and thinned evenly: a bounded sample that keeps their order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from detectors.types import Category, Column, Plain, Text, take

MOST = 9_999
"""Rows kept: at 10,000 Azure ML refuses a test, and NannyML and SciPy turn to approximations."""


@dataclass(frozen=True, slots=True)
class ReferenceRows:
    """Every `stride`-th row of what was added; the stride doubles when there are too many."""

    columns: Mapping[str, Column] = field(default_factory=dict)
    rows: int = 0
    stride: int = 1
    seen: int = 0

    def add(self, columns: Mapping[str, Column], rows: int) -> "ReferenceRows":
        """Return the sample with the columns of a batch considered; free text is left out.

        >>> kept = ReferenceRows().add({"x": np.arange(15_000.0)}, 15_000)
        >>> kept.rows, kept.stride, kept.columns["x"][:3].tolist()
        (7500, 2, [0.0, 2.0, 4.0])
        """
        chosen = np.arange(-self.seen % self.stride, rows, self.stride)
        batch = {name: take(column, chosen) for name, column in columns.items() if not isinstance(column, Text)}
        names = list(dict.fromkeys([*self.columns, *batch]))
        sides = ((self.columns, self.rows), (batch, len(chosen)))
        joined = {name: _joined([(side.get(name), length) for side, length in sides]) for name in names}
        total, stride = self.rows + len(chosen), self.stride
        while total > MOST:
            kept = np.arange(0, total, 2)
            joined, total, stride = {name: take(column, kept) for name, column in joined.items()}, len(kept), 2 * stride
        return ReferenceRows(joined, total, stride, self.seen + rows)

    def plain(self) -> Plain:
        """Return the rows as data; `rows_from` takes them back."""
        columns = {
            name: {"codes": column.codes, "values": list(column.values)} if isinstance(column, Category) else {"numbers": column}
            for name, column in self.columns.items()
        }
        return {"columns": columns, "rows": self.rows, "stride": self.stride, "seen": self.seen}


def rows_from(saved: Plain) -> ReferenceRows:
    """Return the rows that `ReferenceRows.plain` described."""
    columns: dict[str, Column] = {
        name: Category(np.asarray(column["codes"], np.int32), tuple(column["values"]))
        if "codes" in column
        else np.asarray(column["numbers"], np.float64)
        for name, column in saved["columns"].items()
    }
    return ReferenceRows(columns, saved["rows"], saved["stride"], saved["seen"])


def _joined(parts: Sequence[tuple[Column | None, int]]) -> Column:
    """Return the parts of a column as one; a part that is None, or of another kind than the first, is that many missing rows."""
    kind = next(type(column) for column, rows in parts if column is not None)
    if kind is not Category:
        return np.concatenate(
            [np.asarray(column, np.float64) if isinstance(column, np.ndarray) else np.full(rows, np.nan) for column, rows in parts]
        )
    index: dict[str, int] = {}
    codes = []
    for column, rows in parts:
        if isinstance(column, Category):
            place = np.array([*(index.setdefault(value, len(index)) for value in column.values), -1], np.int32)
            codes.append(place[column.codes])
        else:
            codes.append(np.full(rows, -1, np.int32))
    return Category(np.concatenate(codes), tuple(index))
