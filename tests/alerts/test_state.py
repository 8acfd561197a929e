"""The alert state machine."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.state import State, Status, step

START = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
BREACHED = {"#": True, ".": False, "?": None}
LETTERS = {State.INACTIVE: ".", State.PENDING: "p", State.FIRING: "F"}


def statuses(seen: str, hold: int, keep: int) -> list[Status]:
    """Step once a minute through readings: `#` breached, `.` clear, `?` too little data."""
    found, status = [], Status()
    for minute, reading in enumerate(seen):
        status = step(status, BREACHED[reading], START + minute * MINUTE, hold=hold * MINUTE, keep_firing=keep * MINUTE)
        status = Status.restore(status.plain())
        found.append(status)
    return found


def states(seen: str, hold: int, keep: int) -> str:
    """Return the states of such a timeline: `.` inactive, `p` pending, `F` firing."""
    return "".join(LETTERS[status.state] for status in statuses(seen, hold, keep))


@pytest.mark.parametrize(
    ("hold", "keep", "seen", "expected"),
    [
        (2, 0, "####.", "ppFF."),
        (2, 0, "##.##", "pp.pp"),
        (1, 0, "##??#.", "pFFFF."),
        (0, 0, "#.#.", "F.F."),
        (0, 2, "#...#", "FFF.F"),
        (0, 2, "#.#..", "FFFFF"),
        (0, 2, "#.#...", "FFFFF."),
        (2, 0, "#??#", "pppF"),
        (0, 0, "#????", "FFFFF"),
        (0, 2, "#.???.", "FFFFF."),
        (3, 0, "?..??", "....."),
    ],
)
def test_timelines(hold: int, keep: int, seen: str, expected: str) -> None:
    """Each minute's state follows from the readings so far."""
    assert states(seen, hold, keep) == expected


READINGS = st.text("#.?", max_size=40)
MINUTES = st.integers(0, 5)


@given(READINGS, MINUTES, MINUTES)
def test_nothing_fires_before_its_hold(seen: str, hold: int, keep: int) -> None:
    """Whenever an alert begins to fire, no reading of the last `hold` minutes was clear, and this one is a breach."""
    found = states(seen, hold, keep)

    for minute, state in enumerate(found):
        if state == "F" and (minute == 0 or found[minute - 1] != "F"):
            assert minute >= hold
            assert seen[minute] == "#"
            assert "." not in seen[minute - hold : minute]


@given(READINGS, MINUTES, MINUTES)
def test_nothing_resolves_before_it_was_clear_long_enough(seen: str, hold: int, keep: int) -> None:
    """Whenever an alert resolves, no reading of the last `keep` minutes was a breach, and this one is clear."""
    found = states(seen, hold, keep)

    for minute in range(1, len(found)):
        if found[minute - 1] == "F" != found[minute]:
            assert seen[minute] == "."
            assert "#" not in seen[minute - keep : minute]


@given(READINGS, MINUTES, MINUTES)
def test_silence_changes_nothing(seen: str, hold: int, keep: int) -> None:
    """A window with too little data leaves the status as it is, field for field."""
    found = [Status(), *statuses(seen, hold, keep)]

    for minute, reading in enumerate(seen):
        if reading == "?":
            assert found[minute + 1] == found[minute]


@pytest.mark.parametrize("back", [1, 600])
def test_a_clock_that_goes_back_delays_but_neither_fires_nor_sticks(back: int) -> None:
    """After a jump back the hold starts again, and then fires; a firing alert still resolves."""
    hold = keep = 2 * MINUTE
    pending = step(Status(), True, START, hold=hold, keep_firing=keep)
    earlier = step(pending, True, START - back * MINUTE, hold=hold, keep_firing=keep)
    firing = step(earlier, True, START - back * MINUTE + hold, hold=hold, keep_firing=keep)
    clear = step(firing, False, START, hold=hold, keep_firing=keep)
    clear = step(clear, False, START - back * MINUTE, hold=hold, keep_firing=keep)

    assert (earlier.state, firing.state, clear.state) == (State.PENDING, State.FIRING, State.FIRING)
    assert step(clear, False, START - back * MINUTE + keep, hold=hold, keep_firing=keep) == Status()
