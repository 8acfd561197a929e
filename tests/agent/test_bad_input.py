"""Every kind of bad input in docs/bad-input.md: what a replay and `check` say of it, in one file with all the others."""

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]  # has no types
import pytest
from pyarrow import parquet

from agent.config import Columns
from agent.config_file import load
from agent.replay import Replay
from agent.whole_table import whole_table
from detectors import catalog
from detectors.drift.check import Report, check
from detectors.types import Plain

ROOT = Path(__file__).parents[2]
START = datetime(2026, 1, 5, tzinfo=UTC)
ROWS, REFERENCE = 400, 56
Values = Callable[[np.random.Generator, int], Any]
CONFIG = """
endpoints:
  orders:
    source: {{files: {{path: "{folder}/*.parquet"}}}}
    columns: {{timestamp: at, probability: probability, categorical: [changed]}}
    window: 1d
    reference: {{history: 56d}}
"""


@dataclass(frozen=True, slots=True)
class Case:
    """A column: its values in the reference and on the bad day, and the answers."""

    then: Values
    now: Values
    page: bool = False
    """Whether a replay pages for it."""
    says: str = ""
    """What the replay's explanation holds."""
    aside: str = ""
    """Why it is set aside; "" where it is watched."""
    drifted: bool | None = None
    """Whether `check` calls it drifted, where that differs from `page`."""
    flags: frozenset[str] = frozenset()
    """What `check` flags."""


def normal(random: np.random.Generator, day: int) -> Any:  # noqa: ARG001 - every day is alike
    """Return ordinary numbers."""
    return random.normal(size=ROWS)


def of(value: Any) -> Values:
    """Return a column of one value."""
    return lambda _random, _day: [value] * ROWS


def words(random: np.random.Generator, _day: int) -> Any:
    """Return sentences."""
    return [f"please look into order {number} as soon as you can" for number in random.integers(30, size=ROWS)]


def many(random: np.random.Generator, _day: int) -> Any:
    """Return values out of 5,000."""
    return [f"v{number}" for number in random.integers(5000, size=ROWS)]


CASES: dict[str, Case] = {
    "constant": Case(of(7.0), of(7.0)),
    "another constant": Case(of(7.0), of(8.0), page=True, says="outside the reference's range", flags=frozenset({"out_of_range"})),
    "becomes constant": Case(normal, of(0.0), page=True, flags=frozenset({"constant"})),
    "all missing": Case(of(None), of(None)),
    "all missing now": Case(normal, of(None), page=True, says="missing values in 100.00%", flags=frozenset({"missing", "empty"})),
    "values where there were none": Case(of(None), normal, drifted=True),
    "two-valued": Case(lambda r, _: r.integers(0, 2, ROWS), lambda r, _: (r.random(ROWS) < 0.8).astype(int), page=True),
    "integers with ties": Case(lambda r, _: r.poisson(2, ROWS), lambda r, _: r.poisson(2, ROWS)),
    "heavy-tailed": Case(lambda r, _: r.standard_t(1.1, ROWS), lambda r, _: r.standard_t(1.1, ROWS)),
    "one outlier of 1e6": Case(normal, lambda r, _: np.append(r.normal(size=ROWS - 1), 1e6)),
    "infinities": Case(
        normal, lambda r, _: np.where(r.random(ROWS) < 0.3, np.inf, r.normal(size=ROWS)), page=True, says="missing values in",
        flags=frozenset({"missing"}),
    ),
    "ids": Case(lambda _, day: [f"order-{day}-{row}" for row in range(ROWS)], lambda _, day: [f"order-{day}-{row}" for row in range(ROWS)], aside="looks like an id"),
    "running numbers": Case(lambda _, day: day * ROWS + np.arange(ROWS), lambda _, day: day * ROWS + np.arange(ROWS), aside="looks like a running number"),
    "times as text": Case(lambda _, day: [str(START + timedelta(days=day))] * ROWS, lambda _, day: [str(START + timedelta(days=day))] * ROWS, aside="looks like a time"),
    "free text": Case(words, words, aside="looks like free text"),
    "categories that change entirely": Case(
        lambda r, _: r.choice(["a", "b", "c"], ROWS), lambda r, _: r.choice(["x", "y"], ROWS), page=True, says="gone: '",
        flags=frozenset({"new_category", "vanished_category"}),
    ),
    "5,000 categories": Case(many, many),
    "text instead of numbers": Case(
        normal, of("oops"), page=True, says="100 % of rows of the wrong type", flags=frozenset({"missing", "type_error", "empty"}),
    ),
    "numbers as text": Case(normal, lambda r, _: [repr(float(value)) for value in r.normal(size=ROWS)]),
    "probabilities outside [0, 1]": Case(
        lambda r, _: r.beta(2, 2, ROWS), lambda r, _: 100 * r.beta(2, 2, ROWS), page=True, says="outside the reference's range",
        flags=frozenset({"out_of_range"}),
    ),
}  # fmt: skip

ELSEWHERE = {
    "a column that vanishes": "tests/agent/test_bad_input.py::test_columns_that_come_and_go",
    "a column that appears": "tests/agent/test_bad_input.py::test_columns_that_come_and_go",
    "a window of 1 or 20 rows": "tests/agent/test_bad_input.py::test_small_windows_are_insufficient_and_small_files_no_answer",
    "a window of 10,000,000 rows": "tests/detectors/test_large_windows.py::test_ten_million_rows_are_judged_in_seconds",
    "a reference smaller than the window": "tests/detectors/test_large_windows.py::test_a_reference_smaller_than_the_window",
    "labels of the wrong type": "tests/detectors/test_realised_metrics.py::test_bad_input_is_answered",
    "bytes that are not UTF-8": "tests/agent/rows/test_table.py::test_bytes_that_are_no_text_are_told_with_the_file_and_the_way_out",
    "far fewer or more rows": "tests/detectors/test_row_count.py::test_far_fewer_and_far_more_are_unusual",
    "fewer than 30 values among missing ones": "tests/detectors/test_check.py::test_a_column_with_few_values_is_not_called_fine",
    "dates, times, lists, mappings, bytes as types of their own": "tests/agent/test_check_types.py::test_types_that_disagree",
    "decimal commas, thousands marks, units: `1,5`, `1.200,00 EUR`": "tests/agent/test_check_types.py::test_why_text_is_set_aside",
    "true and false against 0 and 1": "tests/agent/test_check_types.py::test_types_that_disagree",
    "two columns of one name": "tests/agent/rows/test_table.py::test_two_columns_of_one_name_in_parquet_are_refused",
    "more than 1,000 columns": "tests/agent/test_check_types.py::test_thousands_of_columns_are_all_compared",
    "a compressed file, an Excel sheet, UTF-16, ends of lines in CR alone, a JSON array": "tests/agent/test_check_types.py::test_what_a_file_is_instead_is_said_in_one_line",
    "rows that come twice": "tests/agent/test_bad_input.py::test_quality_is_shown_of_every_window",
}
"""Rows of the page that no single column shows, with the test of each."""


def column(name: str) -> str:
    """Return the name of a case's column."""
    return {"probabilities outside [0, 1]": "probability", "categories that change entirely": "changed"}.get(name, name)


def table(day: int, *, bad: bool) -> pa.Table:
    """Return the rows of a day: all cases side by side, and a good column."""
    random = np.random.default_rng(day)
    found: dict[str, Any] = {"at": [START + timedelta(days=day, seconds=row) for row in range(ROWS)], "good": random.normal(size=ROWS)}
    found |= {column(name): list((case.now if bad else case.then)(random, day)) for name, case in CASES.items()}
    return pa.table(found)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """56 days of reference and an ordinary one in one file, the bad day in another."""
    folder = tmp_path_factory.mktemp("bad")
    usual = pa.concat_tables([table(day, bad=False) for day in range(REFERENCE + 1)], promote_options="permissive")
    parquet.write_table(usual, folder / "a.parquet")
    parquet.write_table(table(REFERENCE + 1, bad=True), folder / "b.parquet")
    (folder / "driftline.yaml").write_text(CONFIG.format(folder=folder))
    return folder


class Heard(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.lines.append(record.getMessage())


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay says."""

    records: list[Plain]
    warnings: list[str]

    def score(self, feature: str, day: int = REFERENCE + 1) -> Plain | None:
        """Return what is said of a feature on a day, by the reference that pages."""
        start = (START + timedelta(days=day)).isoformat()
        return next(
            (
                one
                for one in self.records
                if one["type"] == "score" and (one["feature"], one["reference"], one["start"]) == (feature, "rolling", start)
            ),
            None,
        )


@pytest.fixture(scope="module")
def replayed(folder: Path) -> Replayed:
    """Replay the whole folder once."""
    heard = Heard()
    logging.getLogger("agent").addHandler(heard)
    try:
        records = list(Replay(load(folder / "driftline.yaml", {}), []).records())
    finally:
        logging.getLogger("agent").removeHandler(heard)
    return Replayed(records, heard.lines)


@pytest.fixture(scope="module")
def checked(folder: Path) -> Plain:
    """Compare the bad day with the days before, as `check --json` says it."""
    done = subprocess.run(
        [sys.executable, "-m", "agent", "check", str(folder / "a.parquet"), str(folder / "b.parquet"), "--ignore", "at", "--json"],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    answer: Plain = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("name", CASES)
def test_a_replay_says_what_the_page_says(replayed: Replayed, name: str) -> None:
    """Paged or not, with the words; set aside with a warning that names column and reason; nothing on the day before."""
    case, feature = CASES[name], column(name)
    told = [line for line in replayed.warnings if f": {feature} is not watched for drift: {case.aside}" in line]
    assert bool(told) is bool(case.aside), replayed.warnings
    score, before = replayed.score(feature), replayed.score(feature, REFERENCE)
    if case.aside:
        assert score is None
        return
    assert score is not None
    assert (score["level"] == "page") is case.page, score
    assert case.says in score["explanation"]
    assert before is not None
    assert before["level"] != "page"
    assert score["kind"] == ("prediction" if feature == "probability" else "data")


@pytest.mark.parametrize("name", CASES)
def test_check_says_what_the_page_says(checked: Plain, name: str) -> None:
    """Drifted or not, flagged, or set aside with the reason."""
    case, feature = CASES[name], column(name)
    aside = {one["feature"]: one["reason"] for one in checked["set_aside"]}
    assert (feature in aside) is bool(case.aside)
    assert case.aside in aside.get(feature, "")
    drifted = case.page if case.drifted is None else case.drifted
    assert (feature in checked["drifted"]) is drifted, [one for one in checked["scores"] if one["feature"] == feature]
    assert {one["check"] for one in checked["quality"] if one["feature"] == feature and one["flagged"]} == case.flags


def test_the_good_column_is_judged_beside_them(replayed: Replayed, checked: Plain) -> None:
    """One bad column never stops the others: severity and verdict as on any day."""
    good = replayed.score("good")
    assert good is not None
    assert good["level"] is None
    assert good["severity"] < 1
    assert good["status"] == "calibrated"
    assert "good" in {one["feature"] for one in checked["scores"]} - set(checked["drifted"])


def test_names_of_categories_are_told_where_they_are_configured(replayed: Replayed) -> None:
    """`columns.categorical` names the column: its new values are named, and those that are gone."""
    changed = replayed.score("changed")
    assert changed is not None
    assert "new: 'x', 'y'" in changed["explanation"] or "new: 'y', 'x'" in changed["explanation"]
    assert "gone: " in changed["explanation"]


def rows(folder: Path, name: str, table: pa.Table) -> Path:
    """Write a table."""
    parquet.write_table(table, folder / name)
    return folder / name


def compared(then: Path, now: Path, *ignored: str) -> Report:
    """Compare two files."""
    reference, current = (whole_table(path, Columns(ignore=ignored), lambda _: None).columns for path in (then, now))
    return check(reference, current)


def test_columns_that_come_and_go(tmp_path: Path) -> None:
    """A column the reference lacks is named and not judged; one that is gone is missing in all rows. `check` flags both."""
    random = np.random.default_rng(1)

    def day(number: int, *names: str) -> pa.Table:
        times = [START + timedelta(days=number, seconds=row) for row in range(ROWS)]
        return pa.table({"at": times, **{name: random.normal(size=ROWS) for name in names}})

    usual = rows(tmp_path, "a.parquet", pa.concat_tables([day(number, "good", "gone") for number in range(REFERENCE + 1)]))
    now = rows(tmp_path, "b.parquet", day(REFERENCE + 1, "good", "late"))
    (tmp_path / "driftline.yaml").write_text(CONFIG.format(folder=tmp_path).replace("probability: probability, categorical: [changed]", ""))
    heard = Heard()
    logging.getLogger("agent").addHandler(heard)
    try:
        found = Replayed(list(Replay(load(tmp_path / "driftline.yaml", {}), []).records()), heard.lines)
    finally:
        logging.getLogger("agent").removeHandler(heard)
    gone, good = found.score("gone"), found.score("good")
    assert gone is not None
    assert gone["level"] == "page"
    assert good is not None
    assert good["level"] is None
    assert found.score("late") is None
    assert any("late is not watched for drift: not in the reference" in line for line in found.warnings)
    report = compared(usual, now, "at")
    assert {(one.check, one.feature) for one in report.quality if one.flagged} == {("vanished", "gone"), ("appeared", "late")}


@pytest.mark.parametrize("size", [1, 20])
def test_small_windows_are_insufficient_and_small_files_no_answer(tmp_path: Path, size: int) -> None:
    """A window of 1 or 20 rows is `insufficient`, never fine; it learns and alarms nothing; doubled rows are counted once and told."""
    random = np.random.default_rng(2)

    def day(number: int, count: int) -> pa.Table:
        times = [START + timedelta(days=number, seconds=row) for row in range(count)]
        return pa.table({"at": times, "key": [f"{number}/{row}" for row in range(count)], "x": random.normal(size=count)})

    usual = rows(tmp_path, "a.parquet", pa.concat_tables([day(number, ROWS) for number in range(REFERENCE)]))
    small = day(REFERENCE, size)
    now = rows(tmp_path, "b.parquet", pa.concat_tables([small, small]))
    config = CONFIG.format(folder=tmp_path).replace("probability: probability, categorical: [changed]", "id: key")
    (tmp_path / "driftline.yaml").write_text(config)
    found = Replayed(list(Replay(load(tmp_path / "driftline.yaml", {}), []).records()), [])
    score = found.score("x", REFERENCE)
    assert score is not None
    assert (score["status"], score["level"], score["samples"]) == ("insufficient", None, size)
    assert score["explanation"].startswith(f"{size} rows in this window; 30 are needed")
    assert [one["rows"] for one in found.records if one["type"] == "window"] == [size]
    report = compared(usual, now, "at", "key")
    assert report.verdict == ("insufficient" if 2 * size < 30 else "stable")


def test_quality_is_shown_of_every_window(tmp_path: Path) -> None:
    """Missing, wrong, out of range, new, gone, doubled and fresh: shares and seconds of a small window that was made by hand."""
    random = np.random.default_rng(3)
    begin = START + timedelta(days=REFERENCE)
    then = pa.concat_tables(
        [
            pa.table(
                {
                    "at": [START + timedelta(days=day, seconds=row) for row in range(100)],
                    "key": [f"{day}/{row}" for row in range(100)],
                    "x": random.uniform(0, 1, 100),
                    "c": ["a", "b"] * 50,
                }
            )
            for day in range(REFERENCE)
        ]
    )
    parquet.write_table(then, tmp_path / "a.parquet")
    values = ["0.5"] * 30 + ["null"] * 4 + ['"oops"'] * 2 + ["7", "-7", "8", "9"]
    moments = [(begin + timedelta(hours=12, minutes=row)).isoformat() for row in range(40)]
    names = ["a"] * 39 + ["z"]
    written = [
        f'{{"at": "{at}", "key": "{row}", "x": {value}, "c": "{name}"}}'
        for row, (at, value, name) in enumerate(zip(moments, values, names, strict=True))
    ]
    (tmp_path / "b.jsonl").write_text("\n".join([*written, *written[:10], ""]))
    config = CONFIG.format(folder=tmp_path).replace("*.parquet", "[ab].*")
    (tmp_path / "driftline.yaml").write_text(config.replace("probability: probability, categorical: [changed]", "id: key"))

    closed = [one for _, effects in Replay(load(tmp_path / "driftline.yaml", {}), []).effects() for one in effects.windows]

    (last,) = closed
    shown = {(one.metric, *one.attributes.values()): one.value for one in last.scores}
    expected = {
        (catalog.DATA_ROWS,): 40,
        (catalog.DATA_MISSING, "x"): 6 / 40,
        (catalog.DATA_MISSING, "c"): 0,
        (catalog.DATA_TYPE_ERROR, "x"): 2 / 40,
        (catalog.DATA_OUT_OF_RANGE, "x"): 4 / 40,
        (catalog.DATA_NEW_CATEGORY, "c"): 1 / 40,
        (catalog.DATA_VANISHED_CATEGORY, "c"): 0.5,
        (catalog.DATA_DUPLICATE,): 10 / 50,
        (catalog.DATA_FRESHNESS,): (11 * 60 + 20) * 60,
    }
    assert {name: shown[name] for name in expected} == pytest.approx(expected)


def test_the_page_has_a_row_for_each_kind_and_each_row_a_test() -> None:
    """The first cell of every row of the table is a case here, or names a test that is there."""
    page = (ROOT / "docs" / "bad-input.md").read_text("utf-8")
    named = [line.split("|")[1].strip() for line in page.splitlines() if line.startswith("| ") and not line.startswith("| what")]
    assert sorted(named) == sorted([*CASES, *ELSEWHERE])
    for place in ELSEWHERE.values():
        path, _, test = place.partition("::")
        assert f"def {test}(" in (ROOT / path).read_text("utf-8"), place
