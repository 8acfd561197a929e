"""Changes of what answers."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors import catalog
from detectors.types import Batch, Category, Stream
from detectors.usage.change import Change, Known, Sighting, answering, restore, sightings, step, totals
from detectors.usage.seen import MOST_VALUES

MINUTE = 60 * 10**9
WINDOW = timedelta(minutes=15)


def answers(timeline: str, deployment: str = "d") -> list[Sighting]:
    """Turn "AAB." into sightings: one letter is a model that answers for one minute, a dot is a silent one."""
    return [
        Sighting(minute * MINUTE, minute * MINUTE + MINUTE - 1, deployment, "live", letter, "", "")
        for minute, letter in enumerate(timeline)
        if letter != "."
    ]


def told(seen: list[Sighting], known: Known | None = None) -> list[Change]:
    """Feed sightings one batch at a time; return what was told."""
    known, changes = known or Known(), list[Change]()
    for one in seen:
        known, new = step(known, "chat", [one], WINDOW)
        known = restore(known.plain())
        changes += new
    return changes


@pytest.mark.parametrize(
    ("timeline", "expected"),
    [
        ("AAAA", []),
        ("AAAB", ["A>B@3"]),
        ("AABBAABBABAB", ["A>B@2"]),
        ("AABC", ["A>B@2", "B>C@3"]),
        ("A" + "." * 500 + "A", []),
        ("AB" + "." * 500 + "ABAB", ["A>B@1"]),
        ("AB" + "B" * 119 + "A", ["A>B@1"]),
        ("AB" + "B" * 121 + "A", ["A>B@1", "B>A@123"]),
    ],
    ids=["nothing", "change", "rollout", "two changes", "same after a pause", "both after a pause", "still remembered", "roll-back"],
)
def test_a_change_is_told_once_and_at_once(timeline: str, expected: list[str]) -> None:
    """The start is no change, a new value is, a value that alternates is not told again, a late roll-back is."""
    assert [f"{change.old}>{change.new}@{change.time // MINUTE}" for change in told(answers(timeline))] == expected


def test_names_without_end_are_told_a_bounded_number_of_times() -> None:
    """Whoever sends a new model name with every call makes no flood of events; once they age, a change is told again."""
    flood = [Sighting(second * 10**9, second * 10**9, "d", "live", f"model-{second}", "", "") for second in range(500)]
    later = Sighting(200 * MINUTE, 200 * MINUTE, "d", "live", "model-499", "", "")
    after = Sighting(300 * MINUTE, 300 * MINUTE, "d", "live", "new", "", "")

    known, changes = step(Known(), "chat", flood, WINDOW)
    assert len(changes) == MOST_VALUES - 1
    assert step(known, "chat", [later, after], WINDOW)[1] == ()
    quiet = [Sighting(minute * MINUTE, minute * MINUTE, "d", "live", "model-499", "", "") for minute in range(10, 200, 10)]
    assert [change.new for change in step(known, "chat", [*quiet, after], WINDOW)[1]] == ["new"]


def test_records_from_before_the_start_change_nothing() -> None:
    """A late export of what an older model answered is history, not a change."""
    late = Sighting(0, MINUTE, "d", "live", "old", "", "")

    assert told([Sighting(9 * MINUTE, 9 * MINUTE, "d", "live", "new", "", ""), late]) == []


def test_calls_that_do_not_say_change_nothing() -> None:
    """A failed call carries no model; that is not another model."""
    seen = [Sighting(0, 1, "d", "live", "A", "", ""), Sighting(2, 3, "d", "live", "", "", ""), Sighting(4, 5, "d", "live", "A", "1", "f")]

    assert told(seen) == []


def test_a_new_deployment_is_told_and_an_early_second_one_is_not() -> None:
    """Deployments of the first window are how the endpoint started; one that joins later is a change on its own stream."""
    seen = [
        Sighting(minute * MINUTE, minute * MINUTE, name, "live", name, "", "")
        for minute, name in [(0, "blue"), (1, "green"), (40, "red"), (41, "pink"), (42, "blue"), (43, "red")]
    ]

    assert [(change.stream, change.what, change.old) for change in told(seen)] == [
        (Stream("chat", "red", "live"), "deployment", "green"),
        (Stream("chat", "pink", "live"), "deployment", "red"),
    ]


def test_the_same_input_has_the_same_ids() -> None:
    """Reading a stretch again after a crash tells nothing twice: the ids are equal, and no two changes share one."""
    known, _ = step(Known(), "chat", answers("A"), WINDOW)
    first, again = told(answers("ABC"), known), told(answers("ABC"), known)

    assert first == again
    assert len({change.id for change in first}) == 2


def test_model_and_fingerprint_are_told_apart() -> None:
    """One roll-out shows as a change of each part, counted in `driftline.changes`."""
    seen = [Sighting(0, 1, "d", "live", "A", "1", "x"), Sighting(2, 3, "d", "live", "B", "1", "y")]
    changes = told(seen)

    assert [(change.what, change.old, change.new) for change in changes] == [("model", "A", "B"), ("fingerprint", "x", "y")]
    assert [(total.metric, total.attributes["change"]) for _, total in totals(changes)] == [
        (catalog.CHANGES, "model"),
        (catalog.CHANGES, "fingerprint"),
    ]


def test_info_shows_what_answers_now() -> None:
    """One series a stream, with the newest of each part; streams that went quiet show nothing."""
    seen = [*answers("AB"), Sighting(5 * MINUTE, 6 * MINUTE, "e", "live", "C", "2", "")]
    known, _ = step(Known(), "chat", sorted(seen), WINDOW)

    found = {stream.deployment: dict(score.attributes) for stream, score in answering(known, "chat", 0)}
    assert found == {
        "d": {"model": "B", "version": "unknown", "fingerprint": "unknown"},
        "e": {"model": "C", "version": "2", "fingerprint": "unknown"},
    }
    assert [stream.deployment for stream, _ in answering(known, "chat", 3 * MINUTE)] == ["e"]


ROWS = st.lists(
    st.tuples(st.integers(0, 50), st.lists(st.sampled_from([None, "a", "b", "c"]), min_size=5, max_size=5)), min_size=1, max_size=30
)


@given(ROWS)
def test_sightings_are_the_distinct_rows(rows: list[tuple[int, list[str | None]]]) -> None:
    """Each combination comes once, with its first and last time: as a plain loop finds them."""
    names = ("deployment", "traffic", "model", "version", "fingerprint")
    missing = ("default", "live", "", "", "")
    columns = {name: Category.of([row[1][index] for row in rows]) for index, name in enumerate(names)}
    expected: dict[tuple[str, ...], list[int]] = {}
    for time, values in rows:
        expected.setdefault(tuple(value or other for value, other in zip(values, missing, strict=True)), []).append(time)

    found = sightings(Batch("chat", "calls", len(rows), columns), np.array([row[0] for row in rows], np.int64))

    assert {one[2:]: (one.first, one.last) for one in found} == {key: (min(times), max(times)) for key, times in expected.items()}
    assert list(found) == sorted(found)


@given(st.text("ABC", max_size=30))
def test_each_value_is_told_at_most_once_within_the_memory(timeline: str) -> None:
    """However values alternate in half an hour, each but the first is a change exactly once."""
    changes = told(answers(timeline))

    assert [change.new for change in changes] == list(dict.fromkeys(timeline))[1:]


def test_many_values_stay_bounded() -> None:
    """A fingerprint that never repeats does not grow the state for ever."""
    known = Known()
    for index in range(300):
        known, _ = step(known, "chat", [Sighting(index, index, f"d{index}", "live", "m", "", "")], WINDOW)
        known, _ = step(known, "chat", [Sighting(index, index, "d", "live", "m", "", str(index))], WINDOW)

    assert len(known.streams) == 200
    assert len(known.streams["d", "live"]["fingerprint"].last) == 50
    assert len(known.deployments["live"].last) == 50
