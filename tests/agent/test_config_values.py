"""Reading plain data into dataclasses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge, Gt
from hypothesis import given
from hypothesis import strategies as st

from agent.config_units import duration, size
from agent.config_values import BAD, Reader
from agent.secret import Secret

FOLDER = Path("/configured")


@dataclass(frozen=True, slots=True)
class Inner:
    """Options inside options."""

    port: Annotated[int, Ge(1)] = 1


@dataclass(frozen=True, slots=True)
class Sample:
    """One option of every kind a component may have."""

    account: str
    every: Annotated[timedelta, Gt(timedelta(0))] = timedelta(minutes=1)
    max_bytes: int = 0
    path: Path | None = None
    mode: Literal["a", "b"] = "a"
    names: tuple[str, ...] = ()
    ratio: Annotated[float, Ge(0)] = 0.5
    inner: Inner = field(default_factory=Inner)
    match: Mapping[str, str] = field(default_factory=dict)
    on: bool = True
    token: Secret | None = None
    _made: Any = field(init=False, default=None)


def read(**data: Any) -> tuple[Any, list[str]]:
    """Read a Sample called `it`."""
    reader = Reader(FOLDER)
    return reader.record(Sample, data, "it"), reader.problems


def test_every_kind_of_option_is_read() -> None:
    """Durations, sizes, relative paths, lists, nested options, mappings and numbers as text become what the dataclass says."""
    value, problems = read(
        account="x",
        every="1h30m",
        max_bytes="64MiB",
        path="rows.csv",
        mode="b",
        names=["n"],
        ratio="0.25",
        inner={"port": 3},
        match={"a": "b"},
    )

    assert problems == []
    assert value == Sample("x", timedelta(hours=1.5), 64 << 20, FOLDER / "rows.csv", "b", ("n",), 0.25, Inner(3), {"a": "b"})


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"acount": "x"}, "it.acount: unknown key (value x); known: account, every, inner, match, max_bytes"),
        ({"account": 3}, "it.account: 3 should be a valid string; put it in quotes"),
        ({"account": "x", "every": 15}, "it.every: 15 is no duration; write 30s, 15m, 1h or 56d"),
        ({"account": "x", "every": "0s"}, "it.every: 0s should be greater than"),
        ({"account": "x", "max_bytes": "64 potatoes"}, "it.max_bytes: 64 potatoes is no size"),
        ({"account": "x", "mode": "c"}, "it.mode: c is unknown; known: a, b"),
        ({"account": "x", "names": "n"}, "it.names: must be a list such as [n]"),
        ({"account": "x", "names": ["n", 3]}, "it.names[1]: 3 should be a valid string"),
        ({"account": "x", "ratio": -1}, "it.ratio: -1 should be greater than or equal to 0"),
        ({"account": "x", "ratio": True}, "it.ratio: must be a number, not true"),
        ({"account": "x", "inner": {"prt": 1}}, "it.inner.prt: unknown key (value 1); known: port; did you mean port?"),
        ({"account": "x", "inner": [1]}, "it.inner: must be a mapping, not a list"),
        ({"account": "x", "inner": {"port": 0}}, "it.inner.port: 0 should be greater than or equal to 1"),
        ({"account": "x", "match": {"a": 1}}, "it.match.a: 1 should be a valid string"),
        ({"account": "x", "path": 3}, "it.path: 3 should be a path; put it in quotes"),
        ({"account": "x", "token": 3}, "it.token: *** should be a valid string"),
        ({"account": "x", "_made": 3}, "it._made: unknown key (value 3)"),
        ({}, "it.account: is required"),
    ],
)
def test_a_fault_names_key_value_and_way_out(data: dict[str, Any], problem: str) -> None:
    """Each fault is one line that names the key, the value, and what is known."""
    value, problems = read(**data)

    assert value is BAD
    assert problems[0].startswith(problem)
    assert "\n" not in problems[0]


def test_all_faults_are_told_at_once() -> None:
    """Reading goes on after a fault."""
    _, problems = read(account=1, mode="c", inner={"port": "x"})

    assert [problem.partition(":")[0] for problem in problems] == ["it.account", "it.mode", "it.inner.port"]


def test_what_was_put_in_stays_hidden() -> None:
    """A value from the environment is shown as *** by errors and by the component that holds it."""
    value, problems = read(account=Secret("s3cret"), token=Secret("t0ken"))
    _, faults = read(account="x", ratio=Secret("s3cret"))

    assert problems == []
    assert (value.account, value.token) == ("s3cret", "t0ken")
    assert "s3cret" not in repr(value)
    assert "t0ken" not in repr(value)
    assert faults == ["it.ratio: *** should be a valid number"]


def test_a_secret_in_the_file_is_noticed_and_hidden() -> None:
    """A secret that did not come from the environment is listed by its key, and hidden all the same."""
    reader = Reader(FOLDER)
    value = reader.record(Sample, {"account": "x", "token": "t0ken"}, "it")

    assert reader.inline == ["it.token"]
    assert "t0ken" not in repr(value)


@given(st.lists(st.tuples(st.integers(0, 999), st.sampled_from("smhdw")), min_size=1, max_size=4))
def test_durations_add_up(parts: list[tuple[int, str]]) -> None:
    """A duration is the sum of its parts, whatever their order."""
    unit = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

    assert duration("".join(f"{number}{letter}" for number, letter in parts)) == sum(
        (timedelta(**{unit[letter]: number}) for number, letter in parts), timedelta(0)
    )


@pytest.mark.parametrize("text", ["", "15", "m", "15 m", "-1h", "1y", "P1D", "99999999999d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """Nothing is guessed: a number needs its unit."""
    with pytest.raises(ValueError, match="duration"):
        duration(text)


@pytest.mark.parametrize(("text", "expected"), [("1B", 1), ("1kB", 1000), ("1.5MB", 1_500_000), ("64 MiB", 64 << 20), ("2GiB", 2 << 30)])
def test_sizes(text: str, expected: int) -> None:
    """MB are powers of ten, MiB of two."""
    assert size(text) == expected
