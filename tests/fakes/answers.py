"""Answers of a classifier that labels are about, hour by hour."""

import numpy as np

from detectors.types import Batch, Category, Column

HOUR = 3600 * 1_000_000_000
START = 1_767_225_600 * 1_000_000_000  # 2026-01-01 UTC
ROWS = 60
"""Answers an hour."""


def answers(window: int, *, rows: int = ROWS, deployment: str = "a") -> Batch:
    """Return the answers of one hour; ids begin at 1."""
    first = window * rows + 1
    columns: dict[str, Column] = {
        "time": np.arange(rows, dtype=np.int64) * (HOUR // rows) + START + window * HOUR,
        "id": np.arange(first, first + rows, dtype=np.uint64),
        "deployment": Category.constant(deployment, rows),
        "prediction": Category.of([str((first + row) % 2) for row in range(rows)]),
        "segment.origin": Category.of([("JFK", "EWR", "LGA")[(first + row) % 3] for row in range(rows)]),
    }
    return Batch("loans", "rows", rows, columns)
