"""The header of a CSV: names over several lines, quotes that nothing closes, marks before it."""

import csv
import io
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.config import Columns
from agent.errors import InputError
from agent.rows.csv_text import header
from agent.rows.table import read_table

NAMES = st.lists(
    st.text(st.sampled_from('ab "\n,;'), min_size=1, max_size=6).map(lambda name: f"x{name}x"), min_size=2, max_size=4, unique=True
)


@given(names=NAMES, marked=st.booleans())
def test_it_is_what_the_csv_module_reads(names: list[str], *, marked: bool) -> None:
    """Quoted names may hold delimiters, quotes and ends of lines."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow(names)
    start = (b"\xef\xbb\xbf" if marked else b"") + text.getvalue().encode()
    found = header(start + b"1,2,3\n", "a.csv", final=False)
    assert found is not None
    assert (list(found.names), found.size) == (names, len(start))


@pytest.mark.parametrize("final", [True, False])
def test_half_a_header_waits(*, final: bool) -> None:
    """Until its name is closed, unless nothing more comes."""
    found = header(b'"a\nb', "a.csv", final=final)
    assert (found is None) == (not final)


def test_a_quote_inside_a_name_is_a_letter() -> None:
    """As in inches."""
    found = header(b'5" pipe,b\n1,2" x\n', "a.csv", final=True)
    assert found is not None
    assert found.names == ('5" pipe', "b")


def test_lines_that_end_with_cr_alone_are_refused() -> None:
    """They would be read as one line."""
    with pytest.raises(InputError, match="lines end with CR alone"):
        header(b"a,b\r1,2\r", "a.csv", final=True)


@pytest.mark.parametrize("end", ["\n", ""])
def test_lines_behind_a_quote_that_nothing_closes_are_counted(end: str, tmp_path: Path) -> None:
    """One quote too many takes the rest of the file with it: every line of it is told, not one row."""
    path = tmp_path / "a.csv"
    path.write_text('n,x\n"a\nb",1\nb,2\n"c,3\n' + "d,4\n" * 50 + "e,5" + end)
    lost: Counter[str] = Counter()
    rows = sum(batch.rows for batch in read_table(path, Columns(), "e", drop=lambda reason, count: lost.update({reason: count})))
    assert (rows, lost) == (2, {"open_quote": 52})
