"""Files are followed as they grow, and each row comes exactly once."""

import json
import os
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]  # has no types
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from agent.config import Columns
from agent.plain import pack, unpack
from agent.sources import Context, Poll
from agent.sources.files import Files
from detectors.types import Category

Make = Callable[..., Context]
Dropped = Callable[[Context], dict[str, int]]

CSV = b'time,name,x\n1700000000,"a\nb",1\n1700000001,"say ""hi""",2\n1700000002,c,\n1700000003,,4.5\n'
JSONL = b'{"time": 1700000000, "name": "a", "x": 1}\n{"time": 1700000001, "name": null, "x": 2.5}\n{"time": 1700000002, "x": 3}\n'


def rows(polls: Iterable[Poll]) -> list[dict[str, Any]]:
    """Return the rows of polls as records of time and features."""
    found: list[dict[str, Any]] = []
    for poll in polls:
        for batch in poll.batches:
            columns = {"time": batch.columns.get("time"), **batch.features}
            lists = {
                name: column.decode() if isinstance(column, Category) else column.tolist()  # type: ignore[union-attr]  # no text columns here
                for name, column in columns.items()
                if column is not None
            }
            found += [dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)]
    return found


def poll(source: Files, context: Context, cursor: Any) -> tuple[list[dict[str, Any]], Any]:
    """Poll once; return the rows and the cursor as it comes back from the store."""
    polls = list(source.poll(context, cursor))
    return rows(polls), unpack(pack(polls[-1].cursor)) if polls else cursor


@pytest.mark.parametrize(("name", "content"), [("a.csv", CSV), ("a.jsonl", JSONL)])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, len(CSV)), max_size=6).map(sorted))
def test_any_cut_into_appends_gives_the_same_rows_once(
    name: str, content: bytes, cuts: list[int], tmp_path_factory: pytest.TempPathFactory, context_of: Make
) -> None:
    """However a file grows, and however often the cursor is stored, its rows are those of the whole file."""
    columns = Columns(timestamp="time", categorical=("name",), numeric=("x",))
    whole = tmp_path_factory.mktemp("whole") / name
    whole.write_bytes(content)
    expected, _ = poll(Files(whole), context_of(columns=columns), None)
    growing = tmp_path_factory.mktemp("growing") / name
    found: list[dict[str, Any]] = []
    cursor = None
    for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True):
        with growing.open("ab") as file:
            file.write(content[start:end])
        new, cursor = poll(Files(growing), context_of(columns=columns), cursor)
        found += new
    assert json.dumps(found, sort_keys=True) == json.dumps(expected, sort_keys=True)
    assert len(found) == content.count(b"17000")


def test_a_restart_between_chunks_loses_and_doubles_nothing(tmp_path: Path, context_of: Make) -> None:
    """The cursor of any chunk continues exactly after that chunk."""
    path = tmp_path / "a.csv"
    path.write_text("n\n" + "".join(f"{number}\n" for number in range(1_200_000)))
    context = context_of()
    polls = list(Files(path).poll(context, None))
    assert len(polls) > 2
    first, rest = rows(polls[:1]), rows(Files(path).poll(context, polls[0].cursor))
    assert [row["n"] for row in first + rest] == list(range(1_200_000))


def test_parquet_is_read_once_for_each_version_of_the_file(tmp_path: Path, context_of: Make) -> None:
    """Parquet is read when it appears, not again, and again when it changes; chunks can be interrupted."""
    path, context = tmp_path / "a.parquet", context_of()
    parquet.write_table(pa.table({"n": range(2_500_000)}), path, row_group_size=700_000)
    polls = list(Files(path).poll(context, None))
    assert len(polls) >= 3
    rest = rows(Files(path).poll(context, polls[1].cursor))
    assert [row["n"] for row in rows(polls[:2]) + rest] == list(range(2_500_000))
    assert list(Files(path).poll(context, polls[-1].cursor)) == []
    parquet.write_table(pa.table({"n": [7]}), path)
    assert rows(Files(path).poll(context, polls[-1].cursor)) == [{"n": 7.0}]


def test_new_files_come_in_the_order_of_their_names(tmp_path: Path, context_of: Make) -> None:
    """A later poll takes up new files by name."""
    source, context = Files(tmp_path / "*.jsonl"), context_of()
    (tmp_path / "b.jsonl").write_text('{"n": 2}\n')
    (tmp_path / "a.jsonl").write_text('{"n": 1}\n')
    first, cursor = poll(source, context, None)
    (tmp_path / "d.jsonl").write_text('{"n": 4}\n')
    (tmp_path / "c.jsonl").write_text('{"n": 3}\n')
    second, cursor = poll(source, context, cursor)
    assert [row["n"] for row in first + second] == [1, 2, 3, 4]
    assert poll(source, context, cursor) == ([], cursor)


def _rotate(path: Path) -> None:
    path.rename(path.with_name("b.csv"))
    path.write_text("n\n3\n4\n")


def _truncate(path: Path) -> None:
    path.write_text("n\n3\n")
    path.write_text("n\n3\n4\n")


def _replace_by_longer(path: Path) -> None:
    path.unlink()
    path.write_text("n\n3\n4\n" + "\n" * 50)


@pytest.mark.parametrize("change", [_rotate, _truncate, _replace_by_longer])
def test_a_file_that_is_not_the_old_one_is_read_from_its_start(change: Callable[[Path], None], tmp_path: Path, context_of: Make) -> None:
    """Rotation, truncation and replacement neither lose the new rows nor double the old ones."""
    path, source, context = tmp_path / "a.csv", Files(tmp_path / "*.csv"), context_of()
    path.write_text("n\n1\n2\n")
    first, cursor = poll(source, context, None)
    change(path)
    second, _ = poll(source, context, cursor)
    assert [row["n"] for row in first + second] == [1, 2, 3, 4]


def test_a_renamed_file_is_followed_under_its_new_name(tmp_path: Path, context_of: Make) -> None:
    """What was appended before a rotation comes, once, although the file has another name by then."""
    path, source, context = tmp_path / "a.csv", Files(tmp_path / "*.csv"), context_of()
    path.write_text("n\n1\n")
    first, cursor = poll(source, context, None)
    with path.open("a") as file:
        file.write("2\n")
    _rotate(path)
    second, _ = poll(source, context, cursor)
    assert sorted(row["n"] for row in first + second) == [1, 2, 3, 4]


def test_a_last_line_without_end_comes_once_the_file_has_rested(tmp_path: Path, context_of: Make, clock: Any) -> None:
    """Half a line waits; a file nobody touched for a minute has no half line."""
    path, context = tmp_path / "a.csv", context_of()
    path.write_text("n\n1\n2")
    os.utime(path, (clock.time.timestamp(), clock.time.timestamp()))
    first, cursor = poll(Files(path), context, None)
    clock.time += timedelta(minutes=2)
    second, cursor = poll(Files(path), context, cursor)
    third, _ = poll(Files(path), context, cursor)
    assert [[row["n"] for row in part] for part in (first, second, third)] == [[1], [2], []]


def test_one_bad_file_does_not_stop_the_others_and_is_told_once(tmp_path: Path, context_of: Make, dropped_in: Dropped) -> None:
    """An unreadable file is counted when it appears and when it changes, not at each poll."""
    source, context = Files(tmp_path / "*"), context_of()
    for name, content in {"a.csv": "1,2\n3,4\n", "b.json": '[{"n": 1}]', "c.parquet": "PAR1 no", "d.jsonl": '{"n": 1}\n'}.items():
        (tmp_path / name).write_text(content)
        os.utime(tmp_path / name, (1, 1))
    first, cursor = poll(source, context, None)
    assert [row["n"] for row in first] == [1]
    poll(source, context, cursor)
    assert dropped_in(context) == {"unreadable_file": 3}
    (tmp_path / "a.csv").write_text("n\n2\n")
    second, _ = poll(source, context, cursor)
    assert [row["n"] for row in second] == [2]


def test_a_column_keeps_its_type_and_a_missing_one_is_missing(tmp_path: Path, context_of: Make) -> None:
    """A column that changes type is counted as type errors; one that is left out is all missing; the rest is read."""
    source, context = Files(tmp_path / "*.parquet"), context_of()
    parquet.write_table(pa.table({"x": [1.0, 2.0], "y": ["a", "b"], "z": [1, 2]}), tmp_path / "a.parquet")
    parquet.write_table(pa.table({"x": ["much", "3"], "z": [3, 4]}), tmp_path / "b.parquet")
    first, second = (batch for poll in source.poll(context, None) for batch in poll.batches)
    assert [str(value) for value in second.features["x"].tolist()] == ["nan", "3.0"]  # type: ignore[union-attr]  # a number
    assert second.columns["type_error.x"].tolist() == [True, False]  # type: ignore[union-attr]  # flags
    assert "type_error.x" not in first.columns
    assert isinstance(second.features["y"], Category)
    assert second.features["y"].decode() == [None, None]
    assert second.features["z"].tolist() == [3, 4]  # type: ignore[union-attr]  # a number


def test_history_is_the_span_before_now(tmp_path: Path, context_of: Make, clock: Any) -> None:
    """Only rows of the asked span come, whatever the file holds."""
    start = datetime(2026, 11, 1, tzinfo=clock.time.tzinfo)
    lines = [{"t": (start + timedelta(days=day)).isoformat(), "day": day} for day in range(30)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    batches = list(Files(tmp_path / "*").history(context_of(columns=Columns(timestamp="t")), timedelta(days=7)))
    assert [value for batch in batches for value in batch.features["day"].tolist()] == [13, 14, 15, 16, 17, 18, 19]  # type: ignore[union-attr]  # numbers


def test_collected_lines_come_in_halves_that_the_pipeline_joins(tmp_path: Path, context_of: Make) -> None:
    """A poll hands over both halves with what pairs them; history joins them itself."""
    event = {"specversion": "1.0", "time": "2026-11-20T08:00:00Z", "correlationid": "one"}
    lines = [{**event, "type": "azureml.inference.model_inputs", "data": [{"x": 1}, {"x": 2}]}]
    lines += [{**event, "type": "azureml.inference.model_outputs", "data": [{"y": 3}, {"y": 4}]}]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    context = context_of(columns=Columns(prediction="y"))
    inputs, outputs = (batch for poll in Files(tmp_path / "*").poll(context, None) for batch in poll.batches)
    assert inputs.columns["pair"].tolist() == outputs.columns["pair"].tolist()  # type: ignore[union-attr]  # hashes
    assert [batch.columns["part"].decode() for batch in (inputs, outputs)] == [["inputs"] * 2, ["outputs"] * 2]  # type: ignore[union-attr]  # names
    (whole,) = Files(tmp_path / "*").history(context, timedelta(days=1))
    assert whole.features["x"].tolist() == [1, 2]  # type: ignore[union-attr]  # numbers
    assert whole.columns["prediction"].tolist() == [3, 4]  # type: ignore[union-attr]  # numbers


def test_many_small_files_share_a_cursor(tmp_path: Path, context_of: Make) -> None:
    """The cursor names every file, so it is not written once a file."""
    for number in range(300):
        (tmp_path / f"{number:03}.csv").write_text(f"n\n{number}\n")
    polls = list(Files(tmp_path / "*").poll(context_of(), None))
    assert len(polls) == 1
    assert [row["n"] for row in rows(polls)] == list(range(300))
