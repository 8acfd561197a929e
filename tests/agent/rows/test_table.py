"""Files of every format become the same rows; what cannot be read costs no more than itself."""

import csv
import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # has no types
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from agent.config import Columns
from agent.errors import InputError
from agent.rows.identity import identity
from agent.rows.table import read_table
from detectors.types import Batch, Category, Column

ROLES = Columns(timestamp="time", id="id", prediction="y", label="truth", deployment="slot", segments=("origin",), ignore=("note",))
RECORDS = [
    {"time": "2026-03-29T00:30:00Z", "id": 7, "y": 0.5, "truth": True, "slot": "blue", "origin": "JFK", "note": "?", "x": 1.5, "c": "a"},
    {"time": "2026-03-29T00:31:00Z", "id": 8, "y": 1.5, "truth": None, "slot": None, "origin": None, "note": "!", "x": None, "c": None},
    {"time": "2026-03-29T00:32:00Z", "id": 9, "y": None, "truth": False, "slot": "green", "origin": "LGA", "note": "", "x": -2.0, "c": "b"},
]


def read(path: Path, columns: Columns = Columns(), **options: Any) -> tuple[dict[str, Any], dict[str, Any], Counter[str]]:  # noqa: B008 (a value)
    """Return columns, features and drops of a file whose rows come in one batch."""
    dropped: Counter[str] = Counter()

    def drop(reason: str, rows: int) -> None:
        dropped[reason] += rows

    batches = list(read_table(path, columns, "e", drop=drop, **options))
    batch = batches[0] if batches else Batch("e", "rows", 0, {})
    return {n: plain(c) for n, c in batch.columns.items()}, {n: plain(c) for n, c in batch.features.items()}, dropped


def plain(column: Column) -> list[Any]:
    """Return a column as a list; NaN as None, so that it compares."""
    if isinstance(column, Category):
        return column.decode()
    assert isinstance(column, np.ndarray)
    return [None if value != value else value for value in column.tolist()]  # noqa: PLR0124 (NaN)


def write_csv(path: Path, records: list[dict[str, Any]]) -> None:
    """Write records as pandas would: True and False capitalised, missing values empty."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, records[0])
        writer.writeheader()
        writer.writerows(records)


def write_jsonl(path: Path, records: list[dict[str, Any]]) -> None:
    """Write a line a record."""
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def write_parquet(path: Path, records: list[dict[str, Any]]) -> None:
    """Write with the types Arrow infers."""
    parquet.write_table(pa.Table.from_pylist(records), path)


WRITERS: dict[str, Callable[[Path, list[dict[str, Any]]], None]] = {"a.csv": write_csv, "a.jsonl": write_jsonl, "a.parquet": write_parquet}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_rows(name: str, tmp_path: Path) -> None:
    """Roles, features, missing values, booleans and ids agree between CSV, JSON lines and Parquet."""
    WRITERS[name](tmp_path / name, RECORDS)
    columns, features, dropped = read(tmp_path / name, ROLES)
    start = int(datetime(2026, 3, 29, 0, 30, tzinfo=UTC).timestamp())
    assert columns == {
        "time": [(start + 60 * row) * 10**9 for row in range(3)],
        "id": identity(["7", "8", "9"]).tolist(),
        "prediction": [0.5, 1.5, None],
        "label": ["true", None, "false"],
        "deployment": ["blue", None, "green"],
        "segment.origin": ["JFK", None, "LGA"],
    }
    assert features == {"x": [1.5, None, -2.0], "c": ["a", None, "b"]}
    assert not dropped


def test_probabilities_are_no_features(tmp_path: Path) -> None:
    """`probability` and each of `probabilities` are columns of their own; what is no number in them is a type error under that name."""
    roles = Columns(prediction="y", probability="p", probabilities=("p_a", "p_b"))
    rows = [{"y": "a", "p": 0.9, "p_a": 0.9, "p_b": "0.1", "x": 1}, {"y": "b", "p": 1.5, "p_a": "much", "p_b": None, "x": 2}]
    write_jsonl(tmp_path / "a.jsonl", rows)
    columns, features, _ = read(tmp_path / "a.jsonl", roles)
    assert features == {"x": [1, 2]}
    assert columns == {
        "prediction": ["a", "b"],
        "probability": [0.9, 1.5],
        "probability.p_a": [0.9, None],
        "probability.p_b": [0.1, None],
        "type_error.probability.p_a": [False, True],
    }


LATIN = "n,c\n1,café\n".encode("latin-1")

CSV_CASES: dict[str, tuple[bytes, dict[str, Any], dict[str, int]]] = {
    "byte order mark": (b"\xef\xbb\xbfn,c\n1,a\n", {"n": [1], "c": ["a"]}, {}),
    "no last end of line": (b"n,c\n1,a\n2,b", {"n": [1, 2], "c": ["a", "b"]}, {}),
    "Windows ends of line": (b"n,c\r\n1,a\r\n2,b\r\n", {"n": [1, 2], "c": ["a", "b"]}, {}),
    "ragged lines": (b"n,c\n1,a\n2\n3,c,d\n4,d\n", {"n": [1, 4], "c": ["a", "d"]}, {"ragged": 2}),
    "quoted ends of line": (b'n,c\n1,"a\nb"\n2,"say ""hi"", please"\n', {"n": [1, 2], "c": ["a\nb", 'say "hi", please']}, {}),
    "a quote inside a cell": (b'n,c\n1,5" pipe\n2,b\n', {"n": [1, 2], "c": ['5" pipe', "b"]}, {}),
    "words for missing": (b"n,c\nNA,NA\nNaN,null\n,\n1,None\n2,N/A\n", {"n": [None, None, None, 1, 2], "c": None}, {}),
    "infinities": (b"n,c\ninf,a\n-inf,b\n1,c\n", {"n": [float("inf"), float("-inf"), 1], "c": ["a", "b", "c"]}, {}),
    "blanks around numbers": (b"n,c\n 1 ,a\n+2,b\n1e3,c\n", {"n": [1, 2, 1000], "c": ["a", "b", "c"]}, {}),
    "NUL": (b"n,c\n1,a\0b\n", {"n": [1], "c": ["a�b"]}, {"bad_bytes": 1}),
    "bytes that are no UTF-8": (LATIN + b"2,\xe9\n3,a\n", {"n": [1, 2, 3], "c": ["caf�", "�", "a"]}, {"bad_bytes": 2}),
    "semicolons": (b"n;c\n1;a,b\n", {"n": [1], "c": ["a,b"]}, {}),
    "tabs": (b"n\tc\n1\ta\n", {"n": [1], "c": ["a"]}, {}),
    "a name that is missing": (b"n,\n1,a\n", {"n": [1], "column_2": ["a"]}, {}),
    "empty lines": (b"n,c\n\n1,a\n\n\n2,b\n", {"n": [1, 2], "c": ["a", "b"]}, {}),
    "long names of categories": (b"n,c\n1," + b"x" * 100 + b"\n2," + b"x" * 99 + b"\n", {"n": [1, 2], "c": ["x" * 64] * 2}, {}),
    "a constant column": (b"n,c\n1,a\n1,a\n", {"n": [1, 1], "c": ["a", "a"]}, {}),
}


@pytest.mark.parametrize("case", CSV_CASES)
def test_odd_csv_is_read_as_far_as_it_can_be(case: str, tmp_path: Path) -> None:
    """Each oddity costs at most its own line or cell."""
    content, features, dropped = CSV_CASES[case]
    (tmp_path / "a.csv").write_bytes(content)
    _, found, lost = read(tmp_path / "a.csv")
    expected = {name: values if values is not None else [None] * len(found["n"]) for name, values in features.items()}
    assert (found, dict(lost)) == (expected, dropped)


@pytest.mark.parametrize("dictionary", [False, True])
def test_parquet_with_bytes_that_are_no_text(tmp_path: Path, dictionary: bool) -> None:  # noqa: FBT001 - a table
    """Such a value is of the wrong type and missing, whatever the column is for; its row and the other columns stay."""
    offsets = pa.array([0, 1, 3, 4], pa.int32()).buffers()[1]
    texts = pa.Array.from_buffers(pa.string(), 3, [None, offsets, pa.py_buffer(b"af\xe91")])
    parquet.write_table(pa.table({"c": texts.dictionary_encode() if dictionary else texts, "x": [1.0, 2.0, 3.0]}), tmp_path / "a.parquet")
    columns, features, _ = read(tmp_path / "a.parquet")
    assert features == {"c": ["a", None, "1"], "x": [1, 2, 3]}
    assert columns == {"type_error.c": [False, True, False]}
    columns, features, _ = read(tmp_path / "a.parquet", Columns(numeric=("c",)))
    assert features == {"c": [None, None, 1], "x": [1, 2, 3]}
    assert columns == {"type_error.c": [True, True, False]}
    ids, _, _ = read(tmp_path / "a.parquet", Columns(id="c"))
    assert len(set(ids["id"])) == 3


def test_bytes_that_are_no_text_are_told_with_the_file_and_the_way_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One warning for a Latin-1 file: which one, how many lines, how to mend it; none for UTF-8 with a genuine U+FFFD."""
    (tmp_path / "latin.csv").write_bytes(LATIN + "2,Zürich\n".encode("cp1252") * 3)
    (tmp_path / "fine.csv").write_text("n,c\n1,caf�\n")
    read(tmp_path / "fine.csv")
    assert not caplog.records
    read(tmp_path / "latin.csv")
    (record,) = caplog.records
    told = record.getMessage()
    assert f"{tmp_path / 'latin.csv'}: 4 lines hold bytes that are not UTF-8 text" in told
    assert "iconv -f WINDOWS-1252 -t UTF-8" in told


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", b"1,2\n3,4\n", "line 1: expected a header with the names of the columns, found only numbers"),
        ("a.csv", b"a,b,a\n1,2,3\n", "line 1: column 'a' stands twice"),
        ("a.csv", "a,b\n1,2\n".encode("utf-16"), "line 1: is not UTF-8 text"),
        ("a.csv", b"caf\xe9,b\n1,2\n", "line 1: is not UTF-8 text"),
        ("a.csv", b"\n1,2\n", "line 1: expected a header"),
        ("a.csv", b"a,b\n1,2\n", "has no column 'time' (columns.timestamp); it has a, b"),
        ("a.parquet", b"PAR1 and no more", "expected Parquet"),
        ("a.json", b'[{"a": 1}]', "line 1: expected one JSON object a line, found a JSON array"),
        ("a.json", b"a,b\n1,2\n", "line 1: expected a JSON object"),
        ("a.txt", b"", "is empty; expected CSV, Parquet or JSON lines"),
        ("gone.csv", None, "No such file or directory"),
    ],
)
def test_an_unreadable_file_is_told_with_its_place(name: str, content: bytes | None, told: str, tmp_path: Path) -> None:
    """The error names the file, the line or column, and what was expected."""
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read(path, Columns(timestamp="time"))
    assert str(path) in str(caught.value)
    assert told in str(caught.value)


def test_two_columns_of_one_name_in_parquet_are_refused(tmp_path: Path) -> None:
    """Nobody could tell which is meant."""
    parquet.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"]), tmp_path / "a.parquet")
    with pytest.raises(InputError, match="two columns have the same name"):
        read(tmp_path / "a.parquet")


def test_odd_json_lines_are_counted_and_passed_over(tmp_path: Path) -> None:
    """Broken lines, lists, depth bombs and huge numbers cost their line or cell; NaN without quotes is a missing number."""
    lines = [
        b'{"n": 1, "c": "a"}',
        b'{"n": 2, "c"',
        b"[1, 2]",
        b"",
        b'{"n": NaN, "c": "NA"}',
        b'{"n": Infinity, "c": ""}',
        b'{"n": "4", "c": 5}',
        b'{"n": "much", "c": [1]}',
        b'{"n": 1' + b"0" * 400 + b', "c": "\\ud800"}',
        b"[" * 5000,
        b'{"a": ' * 5000,
        b'{"n": {"deep": 1}, "c": true}',
        b"\xff\xfe",
    ]
    (tmp_path / "a.jsonl").write_bytes(b"\xef\xbb\xbf" + b"\n".join(lines) + b"\n")
    columns, features, dropped = read(tmp_path / "a.jsonl", Columns(numeric=("n",), categorical=("c",)))
    assert features == {"n": [1, None, float("inf"), 4, None, float("inf"), None], "c": ["a", "NA", None, "5", None, "?", "true"]}
    assert columns == {
        "type_error.n": [False, False, False, False, True, False, True],
        "type_error.c": [False, False, False, False, True, False, False],
    }
    assert dropped == {"broken_line": 5}


def test_rows_without_a_readable_time_are_dropped_and_counted(tmp_path: Path) -> None:
    """Counted at the time of arrival they would blur another window."""
    times: list[Any] = ["2026-01-01", "soon", None, True, [], 1e300, -5, "0001-01-01T00:00:00Z", 1767225600]
    write_jsonl(tmp_path / "a.jsonl", [{"time": time, "x": place} for place, time in enumerate(times)])
    columns, features, dropped = read(tmp_path / "a.jsonl", Columns(timestamp="time"))
    assert features == {"x": [0, 8]}
    assert columns == {"time": [1767225600 * 10**9] * 2}
    assert dropped == {"no_time": 7}


@pytest.mark.parametrize("name", WRITERS)
def test_a_time_without_offset_was_read_in_the_endpoints_zone(name: str, tmp_path: Path) -> None:
    """New York, around the end of summer time; an hour that comes twice is its first."""
    zone = ZoneInfo("America/New_York")
    clocks = ["2026-07-01T12:00:00", "2026-11-01T00:59:59", "2026-11-01T01:30:00", "2026-11-01T03:00:00", "2026-12-24T18:00:00.25"]
    WRITERS[name](tmp_path / name, [{"time": clock, "x": 1} for clock in clocks])
    columns, _, _ = read(tmp_path / name, Columns(timestamp="time"), zone=zone)
    expected = [datetime.fromisoformat(clock).replace(tzinfo=zone).timestamp() for clock in clocks]
    assert columns["time"] == [round(time * 1e6) * 1000 for time in expected]


def test_parquet_types_all_find_their_place(tmp_path: Path) -> None:
    """Every type of Arrow is a number, a category, or no feature."""
    table = pa.table(
        {
            "time": pa.array([datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)], pa.timestamp("us", "Europe/Stockholm")),
            "small": pa.array([1, None], pa.int8()),
            "large": pa.array([2**63, 1], pa.uint64()),
            "decimal": pa.array([Decimal("1.25"), None]),
            "half": pa.array(np.array([1.5, 2.5], np.float16)),
            "flag": pa.array([True, None]),
            "coded": pa.array(["a", "b"]).dictionary_encode(),
            "coded_numbers": pa.array([3, 4]).dictionary_encode(),
            "long": pa.array(["a", None], pa.large_string()),
            "day": pa.array([date(2026, 1, 1), None]),
            "list": pa.array([[1], None]),
            "record": pa.array([{"a": 1}, None]),
            "nothing": pa.nulls(2),
            "raw": pa.array([b"\x00", None]),
        }
    )
    parquet.write_table(table, tmp_path / "a.parquet")
    columns, features, _ = read(tmp_path / "a.parquet", Columns(timestamp="time"))
    assert columns == {"time": [1767225600 * 10**9, 1767312000 * 10**9]}
    assert features == {
        "small": [1, None],
        "large": [2.0**63, 1],
        "decimal": [1.25, None],
        "half": [1.5, 2.5],
        "flag": ["true", None],
        "coded": ["a", "b"],
        "coded_numbers": [3, 4],
        "long": ["a", None],
        "nothing": [None, None],
    }


@pytest.mark.parametrize(
    ("kind", "value"), [(pa.timestamp("ns"), 1767225600 * 10**9), (pa.timestamp("s"), 1767225600), (pa.date32(), 20454)]
)
def test_parquet_times_of_every_unit(kind: Any, value: int, tmp_path: Path) -> None:
    """Naive timestamps and dates are midnight and clock of the endpoint's zone."""
    parquet.write_table(pa.table({"time": pa.array([value], kind)}), tmp_path / "a.parquet")
    columns, _, _ = read(tmp_path / "a.parquet", Columns(timestamp="time"), zone=ZoneInfo("Europe/Stockholm"))
    assert columns == {"time": [(1767225600 - 3600) * 10**9]}


def test_chunks_have_the_asked_size(tmp_path: Path) -> None:
    """No batch is larger than asked, and none is lost between them."""
    write_csv(tmp_path / "a.csv", [{"n": number} for number in range(1000)])
    batches = list(read_table(tmp_path / "a.csv", Columns(), "e", 300))
    assert [batch.rows for batch in batches] == [300, 300, 300, 100]
    assert np.concatenate([np.asarray(batch.features["n"]) for batch in batches]).tolist() == list(range(1000))


def test_too_many_columns_are_counted(tmp_path: Path) -> None:
    """A source cannot make driftline keep columns without end."""
    write_jsonl(tmp_path / "a.jsonl", [{f"c{number}": 1 for number in range(1500)} | {"n" * 200: 1}])
    _, features, dropped = read(tmp_path / "a.jsonl")
    assert len(features) == 1000
    assert dropped["too_many_columns"] == 501


def stored(part: str, correlation: str, data: list[dict[str, Any]], **more: Any) -> str:
    """Return a line as the data collector stores it."""
    event = {"specversion": "1.0", "type": f"azureml.inference.{part}", "time": "2026-11-20T08:00:00Z", "correlationid": correlation}
    source = "/subscriptions/s/resourceGroups/g/onlineEndpoints/delay/deployments/blue"
    return json.dumps({**event, "source": source, "data": data, **more}) + "\n"


def test_collected_lines_are_joined(tmp_path: Path) -> None:
    """Halves anywhere in the file become one row; old names of collections are known; what has no half is counted."""
    lines = [
        stored("model_outputs", "late", [{"y": 3}]),
        stored("model_inputs", "one", [{"x": 1, "c": "a"}, {"x": 2, "c": None}]),
        stored("model_outputs", "one", [{"y": 1, "margin": 0.5}, {"y": 2, "margin": 0.25}]),
        stored("inputs", "late", [{"x": 3, "c": "b"}]),
        stored("model_inputs", "alone", [{"x": 4}]),
        stored("model_outputs", "nobody", [{"y": 5}]),
        stored("request", "other", [{"x": 6}]),
        stored("model_inputs", "far", [], dataref="https://elsewhere.example/x"),
    ]
    (tmp_path / "a.jsonl").write_text("".join(lines))
    lost: Counter[str] = Counter()

    def drop(reason: str, rows: int) -> None:
        lost[reason] += rows

    batches = list(read_table(tmp_path / "a.jsonl", Columns(timestamp="time", id="correlationid", prediction="y"), "e", drop=drop))
    found = {
        (x, y)
        for batch in batches
        for x, y in zip(plain(batch.features["x"]), plain(batch.columns.get("prediction", np.full(batch.rows, np.nan))), strict=True)
    }
    assert found == {(1, 1), (2, 2), (3, 3), (4, None)}
    assert all(plain(batch.columns["deployment"]) == ["blue"] * batch.rows for batch in batches)
    assert {time for batch in batches for time in plain(batch.columns["time"])} == {1795161600 * 10**9}
    assert lost == {"unpaired": 2, "other_collection": 1, "dataref": 1}


@pytest.mark.parametrize(("first", "kind"), [(95, float), (94, str)])
def test_a_few_broken_cells_do_not_make_a_number_a_category(first: int, kind: type, tmp_path: Path) -> None:
    """From 95 numbers in 100 on a column is numeric, and the others are type errors."""
    write_csv(tmp_path / "a.csv", [{"n": number if number < first else "?"} for number in range(100)])
    columns, features, _ = read(tmp_path / "a.csv")
    assert isinstance(features["n"][0], kind)
    assert sum(columns.get("type_error.n", [])) == (5 if kind is float else 0)


@pytest.mark.parametrize("name", WRITERS)
def test_the_configuration_decides_types_first(name: str, tmp_path: Path) -> None:
    """A code that looks like a number is a category; a number that looks like text is a number."""
    WRITERS[name](tmp_path / name, [{"zip": 94103, "price": "12.5"}, {"zip": 10001, "price": "free"}])
    columns, features, _ = read(tmp_path / name, Columns(categorical=("zip",), numeric=("price",)))
    assert features == {"zip": ["94103", "10001"], "price": [12.5, None]}
    assert columns == {"type_error.price": [False, True]}


MESS = st.lists(
    st.sampled_from([b'"', b",", b"\n", b"\r", b"\0", b"1", b"a", b"\xff", b"NA", b"1e999", b"{", b"}", b'{"n":', b"[", b"\xef\xbb\xbf", b"PAR1"]) | st.binary(max_size=3),
    max_size=40,
).map(b"".join)  # fmt: skip


@pytest.mark.parametrize("name", WRITERS)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mess=MESS, head=st.booleans())
def test_no_bytes_raise_anything_but_an_input_error(name: str, mess: bytes, head: bool, tmp_path: Path) -> None:  # noqa: FBT001 (drawn)
    """Whatever a file holds, it is read as far as it goes, or refused in a sentence."""
    path = tmp_path / name
    path.write_bytes((b"n,c\n" if head else b"") + mess)
    with suppress(InputError):
        for batch in read_table(path, Columns(id="n", categorical=("c",)), "e"):
            assert {len(column) for column in (*batch.columns.values(), *batch.features.values())} <= {batch.rows}
