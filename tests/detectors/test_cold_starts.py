"""Which calls met a deployment that was starting up."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.types import Category
from detectors.usage.cold_starts import MOST_VERSIONS, Warmth, mark, newcomer

SECOND = 1_000_000_000
IDLE, WARM_UP = 600 * SECOND, 60 * SECOND


def told(calls: list[tuple[float, float]], known: Warmth | None = None, versions: list[str] | None = None) -> tuple[Warmth, list[bool]]:
    """Return what is known after calls (begin, end in seconds), and which are cold."""
    times = np.array(calls) * SECOND
    version = None if versions is None else Category.of(versions)
    known = known or newcomer(int(times[0, 0]), (), IDLE, WARM_UP)
    after, cold = mark(known, times[:, 0].astype(np.int64), times[:, 1].astype(np.int64), version, IDLE, WARM_UP)
    return after, [False] * len(calls) if cold is None else cold.tolist()


@pytest.mark.parametrize(
    ("calls", "cold"),
    [
        ([(0, 1), (5, 6)], [False, False]),
        ([(0, 1), (601, 605)], [False, False]),
        ([(0, 1), (602, 605)], [False, True]),
        ([(0, 1), (700, 730), (720, 721), (759, 760), (760, 761)], [False, True, True, True, False]),
        ([(0, 1), (760, 761), (700, 730), (0, 1)], [False, True, True, False]),
        ([(0, 650), (700, 701)], [False, False]),
        ([(0, 1), (700, 701), (1400, 1401)], [False, True, True]),
    ],
    ids=["busy", "ten minutes", "longer", "warming up", "in any order", "a long call is no silence", "twice"],
)
def test_a_silence_makes_what_follows_cold(calls: list[tuple[float, float]], cold: list[bool]) -> None:
    """More than ten minutes without a call in flight: the next one, and what begins within a minute of it."""
    assert told(calls)[1] == cold


@given(
    st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 20), st.sampled_from(["1", "2", None])), min_size=1, max_size=30),
    st.integers(1, 29),
)
def test_calls_are_marked_alike_however_they_are_cut(calls: list[tuple[int, int, str | None]], cut: int) -> None:
    """In any order, one batch or two: the same calls are cold, and the same is known."""

    def marked(part: list[tuple[int, int, str | None]], known: Warmth) -> tuple[Warmth, list[bool]]:
        if not part:
            return known, []
        begins = np.array([begin for begin, _, _ in part]) * SECOND
        ends = begins + np.array([lasted for _, lasted, _ in part]) * SECOND
        after, cold = mark(known, begins, ends, Category.of([version for _, _, version in part]), IDLE, WARM_UP)
        return after, [False] * len(part) if cold is None else cold.tolist()

    start = newcomer(calls[0][0] * SECOND, (), IDLE, WARM_UP)
    known, first = marked(calls[:cut], start)
    known, rest = marked(calls[cut:], known)
    whole = marked(calls, start)
    assert first + rest == whole[1]
    assert replace(known, versions={}) == replace(whole[0], versions={})
    assert dict(known.versions) == dict(whole[0].versions)


def test_the_first_calls_there_are_are_none() -> None:
    """Nobody knows what was before, nor which version is new."""
    assert told([(1e9, 1e9 + 1)], versions=["1"])[1] == [False]


def test_a_version_nobody_called_before_starts_cold() -> None:
    """Its own calls of its first minute; those of the old version beside it are warm, and so is a version that comes back."""
    known, _ = told([(0, 1)], versions=["1"])
    known, cold = told([(100, 101), (101, 102), (120, 121), (161, 162)], known, ["1", "2", "2", "2"])
    assert cold == [False, True, True, False]
    assert told([(200, 201), (201, 202)], known, ["1", "2"])[1] == [False, False]


def test_a_new_deployment_of_a_known_endpoint_starts_cold() -> None:
    """Where others were called for longer than the silence that lets one sleep; those that are met together are all old."""
    first = 10_000 * SECOND
    old, young = (Warmth(first, first - since * SECOND) for since in (601, 599))
    calls = np.array([first, first + 59 * SECOND, first + 60 * SECOND])
    for others, expected in (((old, young), [True, True, False]), ((young,), None), ((), None)):
        known = newcomer(first, others, IDLE, WARM_UP)
        _, cold = mark(known, calls, calls + SECOND, None, IDLE, WARM_UP)
        assert (None if cold is None else cold.tolist()) == expected


def test_versions_are_bounded() -> None:
    """A version for every call is no version: those heard of longest ago are forgotten."""
    known: Warmth | None = None
    for number in range(3 * MOST_VERSIONS):
        known, _ = told([(number, number + 0.5)], known, [str(number)])
    assert known is not None
    assert len(known.versions) == MOST_VERSIONS
    assert Warmth(**known.plain()) == known
