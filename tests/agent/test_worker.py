"""The limits of the report worker; what it draws is in `test_report.py`."""

import os
from pathlib import Path

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # no stubs among the locked packages
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # the same
import pytest

from agent.errors import InputError, Unavailable
from agent.worker import Limits, report


def table(path: Path, shift: float, **extra: list[object]) -> Path:
    """Write 200 rows with a number, a category and a column without values."""
    draw = np.random.default_rng(7)
    columns = {"delay": draw.normal(shift, 1, 200), "carrier": draw.choice(["AA", "UA"], 200), "empty": [None] * 200, **extra}
    pq.write_table(pa.table(columns), path)
    return path


def test_tables_without_a_common_column_are_named(tmp_path: Path) -> None:
    """What cannot be compared is said, and nothing is left behind."""
    one = tmp_path / "one.parquet"
    pq.write_table(pa.table({"other": [1.0]}), one)

    with pytest.raises(InputError, match=r"report: one.parquet and b.parquet have no column"):
        report(one, table(tmp_path / "b.parquet", 0), tmp_path / "report.html", os.environ)
    assert not (tmp_path / "report.html").exists()


def test_a_worker_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    """Time is bounded: importing alone takes longer than this."""
    with pytest.raises(Unavailable, match=r"not done after 0\.01 s"):
        report(tmp_path / "a", tmp_path / "b", tmp_path / "c", os.environ, Limits(seconds=0.01))


def test_a_worker_that_needs_too_much_memory_is_ended(tmp_path: Path) -> None:
    """Memory is bounded: Evidently does not fit into 300 MiB of address space."""
    with pytest.raises(Unavailable, match="report: the worker ended"):
        report(
            table(tmp_path / "a.parquet", 0), table(tmp_path / "b.parquet", 1), tmp_path / "c", os.environ, Limits(memory_bytes=300 << 20)
        )
