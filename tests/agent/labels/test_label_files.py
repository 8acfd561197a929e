"""Files of labels: what can be read is, whatever is missing in some rows; what cannot is refused with the reason."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # no stubs among the locked packages
import pytest
from pyarrow import parquet

from agent.errors import InputError
from agent.labels.reading import from_file
from agent.rows.identity import identity
from detectors.types import Category

MOMENT = datetime(2026, 8, 2, tzinfo=UTC)
NANOSECONDS = int(MOMENT.timestamp()) * 10**9


def read(path: Path) -> list[tuple[Any, ...]]:
    """Return id, label and time of every row."""
    found: list[tuple[Any, ...]] = []
    for batch in from_file(path, "loans", lambda _reason, _rows: None):
        label = batch.columns["label"]
        assert isinstance(label, Category)
        times = batch.columns.get("time")
        given = [0] * batch.rows if times is None else np.asarray(times).tolist()
        found += zip(np.asarray(batch.columns["id"]).tolist(), label.decode(), given, strict=True)
    return found


def table(**columns: list[Any]) -> bytes:
    """Return a Parquet file."""
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table(columns), sink)
    written: bytes = sink.getvalue().to_pybytes()
    return written


READ: dict[str, tuple[str, bytes, list[tuple[str, str | None, int]]]] = {
    "csv": ("a.csv", b"id,label\n1,yes\n2,no\n", [("1", "yes", 0), ("2", "no", 0)]),
    "a time in some rows": ("a.csv", b"id,label,timestamp\n1,yes,2026-08-02T00:00:00Z\n2,no,\n3,no,soon\n", [("1", "yes", NANOSECONDS), ("2", "no", 0), ("3", "no", 0)]),
    "a time in some lines": ("a.jsonl", b'{"id":1,"label":true,"timestamp":1785628800}\n{"id":2,"label":0}\n', [("1", "true", NANOSECONDS), ("2", "0", 0)]),
    "labels of odd types": ("a.jsonl", b'{"id":1,"label":{"x":1}}\n{"id":2,"label":[1]}\n{"id":3,"label":null}\n{"id":4,"label":"yes"}\n', [("1", None, 0), ("2", None, 0), ("3", None, 0), ("4", "yes", 0)]),
    "parquet with times": ("a.parquet", table(id=["1", "2"], label=["yes", "no"], timestamp=[MOMENT, None]), [("1", "yes", NANOSECONDS), ("2", "no", 0)]),
    "parquet with numbers": ("a.parquet", table(id=[1, 2], label=[1.0, None]), [("1", "1", 0), ("2", None, 0)]),
}  # fmt: skip


@pytest.mark.parametrize("what", READ)
def test_rows_are_read(tmp_path: Path, what: str) -> None:
    """A label without a time is one of when it came (0); a label that is no value is missing, and told as unusable when it is joined."""
    name, content, expected = READ[what]
    (tmp_path / name).write_bytes(content)

    ids = identity(id_ for id_, _, _ in expected).tolist()
    assert read(tmp_path / name) == [(hashed, label, time) for hashed, (_, label, time) in zip(ids, expected, strict=True)]


REFUSED = {
    "empty": ("a.csv", b"", "has no rows that can be read"),
    "a head alone": ("a.csv", b"id,label\n", "has no rows that can be read"),
    "other columns": ("a.csv", b"a,b\n1,2\n", "has no column 'id'; it has a, b"),
    "no label": ("a.csv", b"id,truth\n1,2\n", "has no column 'label'; it has id, truth"),
    "a column twice": ("a.csv", b"id,label,label\n1,2,3\n", "column 'label' stands twice"),
    "not UTF-8": ("a.csv", b"\xff\xfei\x00d\x00", "is not UTF-8 text"),
    "an array": ("a.jsonl", b"[1, 2]\n", "found a JSON array"),
    "no Parquet": ("a.parquet", b"PAR1 but not really", "expected Parquet"),
    "parquet without rows": ("a.parquet", table(id=[], label=[]), "has no rows that can be read"),
    "parquet without labels": ("a.parquet", table(id=[1]), "has no column 'label'; it has id"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_read_is_refused(tmp_path: Path, what: str) -> None:
    """One sentence with the file and what is wrong with it."""
    name, content, told = REFUSED[what]
    (tmp_path / name).write_bytes(content)

    with pytest.raises(InputError, match=told) as raised:
        read(tmp_path / name)
    assert str(tmp_path / name) in str(raised.value)
