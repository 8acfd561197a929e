"""Folders are listed so that none is missed and none is read twice."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agent.sources.azureml_periods import Rate, end_of, folders, period_of, start_of

MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))  # noqa: DTZ001 (made aware)
RATES: st.SearchStrategy[Rate] = st.sampled_from(["minute", "hour", "day", "month", "year"])
FORMATS: dict[Rate, str] = {"minute": "%Y/%m/%d/%H/%M", "hour": "%Y/%m/%d/%H", "day": "%Y/%m/%d", "month": "%Y/%m", "year": "%Y"}


@given(MOMENTS, RATES)
def test_a_moment_lies_in_its_period(moment: datetime, rate: Rate) -> None:
    """A period begins at or before its moments and ends after them; the next begins where it ends."""
    start = start_of(moment, rate)
    assert start <= moment < end_of(start, rate)
    assert start_of(end_of(start, rate), rate) == end_of(start, rate)
    assert period_of(f"{start.strftime(FORMATS[rate])}/i.jsonl", rate) == start


@given(MOMENTS, st.timedeltas(timedelta(0), timedelta(days=40)), MOMENTS, RATES)
def test_every_period_is_listed_once(first: datetime, span: timedelta, moment: datetime, rate: Rate) -> None:
    """Whatever the span, exactly one listed folder holds a period in it, and folders come in order of time."""
    last = first + span
    moment = first + (moment - datetime(2024, 1, 1, tzinfo=UTC)) % (span + timedelta(microseconds=1))
    listed = list(folders(first, last, rate))
    path = f"{moment.strftime(FORMATS[rate])}/i.jsonl"
    assert sum(path.startswith(folder) for folder in listed) == 1
    assert all(early < late for early, late in pairwise(listed))


def test_foreign_paths_have_no_period() -> None:
    """Other files in the folders are left alone."""
    for path in ("2026/11/20/08/i.json", "2026/11/20/i.jsonl", "2026/11/20/08/30/i.jsonl", "2026/13/20/08/i.jsonl", "a/b/c/d/i.jsonl"):
        assert period_of(path, "hour") is None
