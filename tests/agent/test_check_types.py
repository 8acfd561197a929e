"""`driftline check` where the two files disagree on what a column is, and where a file is not what its name says."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # has no types
import pytest
from pyarrow import parquet

from agent.cli import main

ROWS = 400
DRAW = np.random.default_rng(5)
GOOD = DRAW.normal(size=ROWS)
FLAGS = DRAW.random(ROWS) < 0.5
DATES = pa.array([dt.date(2026, 1, 1 + row % 28) for row in range(ROWS)])
LISTS = pa.array([[1, 2]] * ROWS)
NOTHING = pa.nulls(ROWS)
WORDS = DRAW.choice(["red", "green"], ROWS)


def answer(tmp_path: Path, capsys: pytest.CaptureFixture[str], then: dict[str, Any], now: dict[str, Any], *options: str) -> dict[str, Any]:
    """Return the JSON of two tables."""
    for name, table in (("then", then), ("now", now)):
        parquet.write_table(pa.table({"good": GOOD, **table}), tmp_path / f"{name}.parquet")
    assert main(["check", str(tmp_path / "then.parquet"), str(tmp_path / "now.parquet"), "--json", *options]) == 0
    return dict(json.loads(capsys.readouterr().out))


@pytest.mark.parametrize(
    ("then", "now", "drifted", "checks", "aside"),
    [
        (FLAGS, FLAGS.astype(np.int64), False, set(), False),
        (FLAGS.astype(np.int64), FLAGS, False, set(), False),
        (FLAGS.astype(np.float64), np.where(FLAGS, "True", "False"), False, set(), False),
        (NOTHING, WORDS, True, set(), False),
        (NOTHING, GOOD, True, set(), False),
        (WORDS, NOTHING, True, {"missing", "empty", "vanished_category"}, False),
        (GOOD, LISTS, True, {"missing", "empty", "type_error"}, False),
        (WORDS, LISTS, True, {"missing", "empty", "type_error", "vanished_category"}, False),
        (LISTS, GOOD, False, set(), True),
        (DATES, DATES, False, set(), True),
        (DATES, WORDS, False, set(), True),
        (NOTHING, DATES, False, set(), True),
    ],
)
def test_types_that_disagree(
    then: Any, now: Any, *, drifted: bool, checks: set[str], aside: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Flags are 0 and 1, what has no values takes the other's type, and no column goes without a word or is called gone."""
    found = answer(tmp_path, capsys, {"odd": then}, {"odd": now})
    assert ("odd" in found["drifted"]) == drifted
    assert {one["check"] for one in found["quality"] if one["flagged"]} == checks
    assert ("odd" in {one["feature"] for one in found["set_aside"]}) == aside
    assert {"odd"} <= {one["feature"] for one in (*found["set_aside"], *found["scores"])}


def test_a_column_of_dates_that_is_gone_is_gone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It cannot be compared, and its absence is a finding all the same."""
    found = answer(tmp_path, capsys, {"day": DATES}, {"lists": LISTS})
    assert {(one["check"], one["feature"]) for one in found["quality"]} == {("vanished", "day"), ("appeared", "lists")}


def test_the_rows_are_those_of_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever is compared of them."""
    parquet.write_table(pa.table({"day": DATES}), tmp_path / "one.parquet")
    one = str(tmp_path / "one.parquet")
    assert main(["check", one, one, "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["rows"] == {"reference": ROWS, "current": ROWS}
    assert main(["check", one, one]) == 3
    assert capsys.readouterr().out.startswith("INSUFFICIENT  no column that could be judged (400 rows against 400")


def test_thousands_of_columns_are_all_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The daemon keeps 1,000 of a source; two files are compared whole."""
    table = {f"c{column}": np.zeros(ROWS) for column in range(1100)}
    found = answer(tmp_path, capsys, table, {}, "--columns", "good,c1099")
    assert [(one["check"], one["feature"]) for one in found["quality"]] == [("vanished", "c1099")]


@pytest.mark.parametrize("option", ["--prediction", "--probability", "--categorical", "--numeric", "--columns"])
def test_an_option_that_names_no_column_is_refused(option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A slip of the pen would go unnoticed."""
    parquet.write_table(pa.table({"good": GOOD}), tmp_path / "one.parquet")
    one = str(tmp_path / "one.parquet")
    assert main(["check", one, one, option, "goood"]) == 2
    assert f"has no column 'goood' ({option}); it has good" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\x1f\x8b\x08\0rest", "is compressed (gzip); unpack it first"),
        (b"PK\x03\x04\0rest", "is a zip archive or an Excel sheet"),
        (b"ARROW1\0\0rest", "save it as CSV, Parquet or JSON lines"),
        ("a,b\n1,2\n".encode("utf-16"), "iconv -f UTF-16 -t UTF-8"),
        (b"a,b\r1,2\r3,b\r", "lines end with CR alone"),
        (b"sep=;\na;b\n1;2\n", "found 'sep=;'; leave that line out"),
        (b'"a\rb","a\rb"\n1,2\n', "column 'a?b' stands twice"),
        (b"a,b\n1\n", "1 rows with more or fewer cells than the header"),
    ],
)
@pytest.mark.parametrize("name", ["it.csv", "it.txt"])
def test_what_a_file_is_instead_is_said_in_one_line(
    name: str, content: bytes, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the way out."""
    (tmp_path / name).write_bytes(content)
    assert main(["check", str(tmp_path / name), str(tmp_path / name)]) == 2
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1


def test_a_change_of_nothing_matters_to_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With smallest changes of 0 whatever is significant is drift, and the same file is stable."""
    table = {"words": WORDS}
    smallest = ("--min-psi", "0", "--min-sd", "0", "--min-points", "0")
    assert answer(tmp_path, capsys, table, table, *smallest)["verdict"] == "stable"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([f"{value:.3f}" for value in GOOD], "most read as numbers"),
        ([f"{value:.3f}".replace(".", ",") for value in GOOD], "write them with a point"),
        ([f"{1e6 * value:,.2f} EUR" for value in GOOD], "write them with a point"),
        ([f"+49 170 {row:07}" for row in range(ROWS)], "of values occur once"),
        ([f"{1 + row % 12}/{1 + row % 28}/2025" for row in range(ROWS)], "looks like a time"),
        ([f"{1 + row % 28}.{1 + row % 12}.2025 10:00" for row in range(ROWS)], "looks like a time"),
    ],
)
def test_why_text_is_set_aside(values: list[str], reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Numbers and dates in another spelling are told from ids, and no value is quoted."""
    found = answer(tmp_path, capsys, {"text": values}, {"text": values})
    (aside,) = found["set_aside"]
    assert reason in aside["reason"]
    assert ("number" in aside["reason"]) == (reason not in {"of values occur once", "looks like a time"})
    assert values[0] not in aside["reason"]
