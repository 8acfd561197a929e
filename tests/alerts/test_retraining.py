"""When training anew is asked for: after so many bad windows, once, and then not for a while."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.retraining import SIGNALS, Request, Signal, State, Terms, Verdict, step
from detectors.types import Window

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SAID = {"#": True, ".": False, "?": None}


def verdict(number: int, said: str, signal: Signal = "drift", length: timedelta = DAY) -> Verdict:
    """Return what is said of the n-th window: `#` bad, `.` good, `?` it cannot be told."""
    window = Window(START + number * length, START + (number + 1) * length)
    return Verdict(signal, window, SAID[said], {"number": number})


def walk(verdicts: Sequence[Verdict], terms: Terms, state: State | None = None) -> tuple[list[Request], list[bool], State]:
    """Take in verdicts, through a save before each; return requests, whether each verdict led to one, and the last state."""
    state, found, asked = state or State(), list[Request](), list[bool]()
    for one in verdicts:
        state, request = step(State.restore(state.plain()), one, terms)
        found += [request] if request else []
        asked.append(request is not None)
    return found, asked, state


def timeline(seen: str, terms: Terms, length: timedelta = DAY) -> str:
    """Return `R` where a request came, and `-` elsewhere."""
    _, asked, _ = walk([verdict(number, said, length=length) for number, said in enumerate(seen)], terms)
    return "".join("R" if one else "-" for one in asked)


def terms(windows: int, within: int, cool_down: int, days: int = 1) -> Terms:
    return Terms(windows, within, days, cool_down * DAY)


@pytest.mark.parametrize(
    ("windows", "within", "cool_down", "seen", "expected"),
    [
        (3, 3, 7, "###", "--R"),
        (3, 3, 7, "##.###", "-----R"),
        (3, 3, 7, "#?#??#", "-----R"),
        (3, 3, 7, "##..#.#", "-------"),
        (3, 3, 7, "??????", "------"),
        (3, 3, 7, "#" * 14, "--R---------R-"),
        (3, 3, 7, "###.......###", "--R---------R"),
        (3, 3, 0, "######", "--R--R"),
        (1, 1, 3, "########", "R---R---"),
        (3, 5, 7, "#.#.#", "----R"),
        (3, 5, 7, "#.#..#", "------"),
        (2, 5, 2, "#...##..###", "----R----R-"),
        (3, 5, 0, "#?.?#?.?#", "--------R"),
    ],
)
def test_timelines(windows: int, within: int, cool_down: int, seen: str, expected: str) -> None:
    """A window a day: where requests come follows from the windows alone."""
    assert timeline(seen, terms(windows, within, cool_down)) == expected


def test_bad_windows_may_have_to_lie_on_several_days() -> None:
    """One odd afternoon is no ground to train on, however many windows it has."""
    hours = ["."] * 20 + ["#"] * 10

    assert timeline("".join(hours), terms(3, 3, 7), HOUR).index("R") == 22
    assert timeline("".join(hours), Terms(3, 3, 2, DAY), HOUR).index("R") == 24


def test_a_request_names_its_windows_and_when_it_is_quiet() -> None:
    """The bad windows are listed in order of time, with what they rest on."""
    (request,), _, _ = walk([verdict(number, said) for number, said in enumerate("#.##")], terms(3, 4, 7))

    assert [one.evidence["number"] for one in request.windows] == [0, 2, 3]
    assert (request.time, request.quiet_until) == (START + 4 * DAY, START + 11 * DAY)


def test_signals_are_counted_apart_and_cool_down_together() -> None:
    """Labels of old windows neither complete nor break what newer windows show; after a request both are quiet."""
    mixed = [verdict(8, "#"), verdict(9, "#"), verdict(2, "#", "decay"), verdict(3, "."), verdict(10, "?"), verdict(3, "#", "decay")]
    requests, _, state = walk([*mixed, verdict(4, "#", "decay")], terms(3, 3, 7))

    assert [(request.signal, request.time) for request in requests] == [("decay", START + 11 * DAY)]
    assert not state.judged.get("drift")
    late = [verdict(number, "#", "decay") for number in (5, 12, 17, 18, 19, 20)]
    requests, asked, _ = walk(late, terms(3, 3, 7), state)
    assert asked == [False, False, False, False, False, True]
    assert [one.start for one in requests[0].windows] == [START + number * DAY for number in (18, 19, 20)]


def test_a_window_that_is_judged_again_counts_once() -> None:
    """More labels of the same window replace what it said: bad stays one window, good takes it back."""
    again = [verdict(0, "#"), verdict(0, "#"), verdict(1, "#"), verdict(0, "."), verdict(2, "#"), verdict(1, "#"), verdict(3, "#")]

    assert walk(again, terms(3, 3, 7))[1] == [False] * 6 + [True]


def test_labels_that_come_out_of_order_are_put_in_order() -> None:
    """A good window between two bad ones breaks their row, though it is known last."""
    shuffled = [verdict(0, "#"), verdict(2, "#"), verdict(1, "."), verdict(3, "#"), verdict(4, "#")]

    assert walk(shuffled, terms(3, 3, 7))[1] == [False] * 4 + [True]


def test_longer_cool_down_from_now_on_drops_what_was_counted_before() -> None:
    """A configuration that changed in between is obeyed at once."""
    _, _, state = walk([verdict(number, "#") for number in range(5)], terms(3, 3, 0))

    assert len(state.judged["drift"]) == 2
    assert walk([verdict(5, "#")], terms(3, 3, 7), state)[1] == [False]


VERDICTS = st.lists(st.builds(verdict, st.integers(0, 40), st.sampled_from("##.?"), st.sampled_from(SIGNALS)), max_size=60)
TERMS = st.tuples(st.integers(1, 4), st.integers(0, 3), st.integers(0, 9)).map(lambda one: terms(one[0], one[0] + one[1], one[2]))


@given(VERDICTS, TERMS)
def test_requests_are_never_closer_than_the_cool_down(verdicts: list[Verdict], chosen: Terms) -> None:
    """Whatever comes in whatever order: no window of a later request began in the quiet of an earlier, and none is used twice."""
    requests, _, _ = walk(verdicts, chosen)

    for earlier, later in pairwise(requests):
        assert later.windows[0].start >= earlier.quiet_until
        assert later.time >= earlier.time
    used = [(request.signal, one.start) for request in requests for one in request.windows]
    assert len(used) == len(set(used))


@given(VERDICTS, TERMS)
def test_a_request_has_enough_bad_windows(verdicts: list[Verdict], chosen: Terms) -> None:
    """All of them were said to be bad, by its signal, and there are as many as asked for."""
    bad = {(one.signal, one.window.start) for one in verdicts if one.bad}

    for request in walk(verdicts, chosen)[0]:
        assert chosen.windows <= len(request.windows) <= chosen.within
        assert all((request.signal, one.start) in bad for one in request.windows)


@given(VERDICTS, TERMS)
def test_what_cannot_be_told_changes_nothing_but_the_clock(verdicts: list[Verdict], chosen: Terms) -> None:
    """Leaving such windows out gives the same requests, as long as none of them is the newest."""
    state = step(State(), verdict(99, "?"), chosen)[0]
    told = [one for one in verdicts if one.bad is not None]

    assert walk(verdicts, chosen, state)[0] == walk(told, chosen, state)[0]


@given(VERDICTS, TERMS)
def test_the_state_is_bounded(verdicts: list[Verdict], chosen: Terms) -> None:
    """No more windows are kept than can matter."""
    assert all(len(kept) <= chosen.within for kept in walk(verdicts, chosen)[2].judged.values())


@given(st.text("#.", max_size=60), st.integers(1, 5), st.integers(0, 5))
def test_in_order_it_is_the_plain_count(seen: str, windows: int, more: int) -> None:
    """Without cool-down, windows in order: a request each time so many of the last ones are bad, counted from the last request."""
    expected, since = "", ""
    for said in seen:
        since += said
        asks = said == "#" and since[-(windows + more) :].count("#") >= windows
        expected, since = expected + "-R"[asks], "" if asks else since

    assert timeline(seen, terms(windows, windows + more, 0)) == expected
