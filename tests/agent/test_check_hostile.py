"""Files nobody means to write: `check` answers or refuses in one line, whatever bytes and types they hold."""

import datetime as dt
import io
import json
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # has no types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from agent.cli import main

ROWS = 60
PIECES = [
    b"a",
    b"1",
    b"2.5",
    b",",
    b",",
    b"\n",
    b"\n",
    b'"',
    b"\xff",
    b"\0",
    b"nan",
    b"inf",
    b"-",
    b"e9",
    b" ",
    b";",
    b"\r\n",
    b"\xc3\xa9",
    b"1e400",
]
CSV = st.builds(
    lambda names, pieces: b",".join(names) + b"\n" + b"".join(pieces),
    st.lists(st.sampled_from([b"a", b"b", b"c"]), min_size=1, max_size=3, unique=True),
    st.lists(st.sampled_from(PIECES), max_size=400),
)
VALUES: st.SearchStrategy[Any] = st.sampled_from(
    [None, 1, -1.5, "x", "1", "", True, [], {"a": 1}, 1e308, "NaN", 2**70, "\ud800", "é" * 300]
)
JSONL = st.lists(st.dictionaries(st.sampled_from(["a", "b", "c", ""]), VALUES, max_size=4), max_size=80).map(
    lambda rows: "\n".join(map(json.dumps, rows)).encode()
)

COLUMNS: dict[str, Any] = {
    "date": pa.array([dt.date(2026, 1, 1)] * ROWS),
    "moment": pa.array([dt.datetime(2026, 1, 1, tzinfo=dt.UTC)] * ROWS),
    "list": pa.array([[1, 2]] * ROWS),
    "struct": pa.array([{"a": 1}] * ROWS),
    "flag": pa.array([bool(row % 3) for row in range(ROWS)]),
    "coded": pa.array([row % 4 for row in range(ROWS)]).dictionary_encode(),
    "span": pa.array([dt.timedelta(seconds=1)] * ROWS),
    "bytes": pa.array([b"\xff"] * ROWS),
    "large": pa.array(["x", "y"] * (ROWS // 2), pa.large_string()),
    "unsigned": pa.array([2**64 - 1 - row for row in range(ROWS)], pa.uint64()),
    "half": pa.array(np.linspace(-1, 1, ROWS).astype(np.float16)),
    "nothing": pa.nulls(ROWS),
    "huge": pa.array([1e308 * (-1) ** row for row in range(ROWS)]),
    "tiny": pa.array([5e-324 * row for row in range(ROWS)]),
    "empty": pa.array([""] * ROWS),
    "words": pa.array(["q", None] * (ROWS // 2)).dictionary_encode(),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder to write to."""
    return tmp_path_factory.mktemp("hostile")


def answered(then: Path, now: Path, *options: str) -> None:
    """Assert that two files lead to a JSON answer, or to one line that names what is wrong."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["check", str(then), str(now), "--json", *options])
    assert "Traceback" not in err.getvalue()
    if code == 2:
        assert [line for line in err.getvalue().splitlines() if line.startswith("driftline: ")]
    else:
        assert code in {0, 3}
        json.loads(out.getvalue(), parse_constant=pytest.fail)


@given(CSV, CSV, st.sampled_from([(), ("--categorical", "a"), ("--numeric", "b"), ("--prediction", "a", "--probability", "b")]))
@settings(max_examples=60, deadline=None)
def test_any_csv(folder: Path, then: bytes, now: bytes, options: tuple[str, ...]) -> None:
    """Quotes that never end, NUL, bytes that are no text, numbers beyond all numbers."""
    (folder / "then.csv").write_bytes(then)
    (folder / "now.csv").write_bytes(now)
    answered(folder / "then.csv", folder / "now.csv", *options)


@given(JSONL, JSONL, st.sampled_from([(), ("--prediction", "a", "--probability", "b")]))
@settings(max_examples=60, deadline=None)
def test_any_json_lines(folder: Path, then: bytes, now: bytes, options: tuple[str, ...]) -> None:
    """Values of every type in one column, lone surrogates, keys that are empty."""
    (folder / "then.jsonl").write_bytes(then)
    (folder / "now.jsonl").write_bytes(now)
    answered(folder / "then.jsonl", folder / "now.jsonl", *options)


SIDES = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from(sorted(COLUMNS)), min_size=1)


@given(SIDES, SIDES, st.sampled_from([1, 20, ROWS]), st.sampled_from([(), ("--thresholds", "evidently"), ("--thresholds", "nannyml")]))
@settings(max_examples=40, deadline=None)
def test_any_type_of_parquet(folder: Path, then: dict[str, str], now: dict[str, str], rows: int, options: tuple[str, ...]) -> None:
    """Every type of Arrow may stand where the reference has another."""
    for name, side in (("then", then), ("now", now)):
        parquet.write_table(pa.table({column: COLUMNS[kind].slice(0, rows) for column, kind in side.items()}), folder / f"{name}.parquet")
    answered(folder / "then.parquet", folder / "now.parquet", *options)
