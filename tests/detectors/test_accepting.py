"""Accepting the new normal: what the new reference is made of, and what becomes of everything else a stream knows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.drift.accepting import accepted, carried, lived, newest_cells, recounted, same_grid, shelved
from detectors.drift.baseline import BaselineBuilder
from detectors.drift.drift import Drift
from detectors.drift.histories import Histories
from detectors.drift.learning import ready
from detectors.drift.observing import ROWS, vector
from detectors.drift.state import DriftState, state_from
from detectors.types import Category, Column, Profile
from tests.fakes.drift_stream import DRIFT, START, batch, day, history

FIRST = START.toordinal()


def rows(number: int, shift: float = 0.0, size: int = 200) -> dict[str, Column]:
    """Return a day's rows."""
    random = np.random.default_rng(number)
    return {"x": random.normal(shift, size=size), "c": Category.of(["a", "b", "b", "c"] * (size // 4))}


def lives(state: DriftState, first: int, last: int, shift: float = 0.0, detector: Drift = DRIFT) -> DriftState:
    """Return the state after the days `first` to `last`, the end left out."""
    for number in range(first, last):
        state = detector.step(state, day(number), detector.observe(state, batch(rows(number, shift)))).state
    return state


@pytest.fixture(scope="module")
def calibrated() -> DriftState:
    """A stream of 56 days of history and 20 live days, the last ten of them shifted."""
    state = history({day(n): batch(rows(n)) for n in range(56)})
    return lives(lives(state, 56, 66), 66, 76, shift=2.0)


def test_the_reference_is_made_of_the_windows_of_those_days(calibrated: DriftState) -> None:
    """Both ends count; cells stay, the sums are those of the windows, and nothing of the old reference is left."""
    made = accepted(calibrated, FIRST + 66, FIRST + 75)

    assert [window.day for window in made.windows] == list(range(FIRST + 66, FIRST + 76))
    assert same_grid(made.cells[0].grid, calibrated.cells[0].grid)
    for number, total in made.split(made.totals).items():
        expected = sum(vector(DRIFT.observe(made, batch(rows(n, 2.0))), made.index[number]) for n in range(66, 76))
        assert total.tolist() == np.asarray(expected).tolist()
    assert (made.rolling, made.frozen, made.days.days) == (None, False, {})


def test_what_was_drift_is_none_afterwards_and_the_old_normal_is() -> None:
    """With enough days accepted the new level is quiet and the level of before alarms, in both references."""
    before = lives(history({day(n): batch(rows(n)) for n in range(56)}), 56, 116, shift=1.0)
    made = accepted(before, FIRST + 56, FIRST + 115)
    quiet = DRIFT.step(made, day(116), DRIFT.observe(made, batch(rows(116, 1.0))))
    loud = DRIFT.step(quiet.state, day(117), DRIFT.observe(quiet.state, batch(rows(117, -0.5))))

    assert ready(made, FIRST + 116, DRIFT.terms)[1].status == "calibrated"
    assert all(found.severity < 1 for found in quiet.findings if found.feature == "x")
    assert [found.severity > 1 for found in loud.findings if found.feature == "x"] == [True, True]


def test_the_same_windows_set_the_same_lines() -> None:
    """Accepting exactly the windows a reference has changes no line, also where most values of a category are rare."""

    def rare(number: int) -> dict[str, Column]:
        random = np.random.default_rng(number)
        names = [f"v{value}" for value in np.minimum(random.zipf(1.6, size=300), 3000)]
        return {"x": random.normal(size=300), "tail": Category.of(list(names))}

    state = history({day(n): batch(rare(n)) for n in range(60)})
    made = accepted(state, FIRST, FIRST + 59)
    (_, old), (_, new) = (ready(one, FIRST + 60, DRIFT.terms) for one in (state, made))
    assert state.occurrences["tail"].places
    assert new.replay.thresholds.tolist() == old.replay.thresholds.tolist()
    assert (new.line, new.replay.rho, new.status) == (old.line, old.replay.rho, old.status)
    assert new.severities.tolist() == old.severities.tolist()
    half = accepted(state, FIRST + 20, FIRST + 49)
    alone = history({day(n): batch(rare(n)) for n in range(20, 50)})
    unseen = [int(Histories(one)[1].unseen.sum()) for one in (half, alone)]
    # Values of other weeks are in this vocabulary, and are no news here.
    assert 0 < unseen[0] <= unseen[1]


def test_a_file_no_longer_says_what_is_usual() -> None:
    """What was built from a file without time keeps its cells only: an offset from the file was accepted with the windows."""
    builder = BaselineBuilder()
    builder.learn(batch(rows(0, size=4000)))
    builder.fix()
    builder.count(batch(rows(0, size=4000)), None)
    state = lives(builder.state(), 0, 12, shift=0.7)
    made = accepted(state, FIRST, FIRST + 11)

    assert all(known.file is not None for known in state.cells)
    assert all(known.file is None for known in made.cells)


def test_no_window_is_no_reference(calibrated: DriftState) -> None:
    """Days without windows, and those a person took out, cannot be accepted."""
    cut = calibrated.exclude(int(day(70).start.timestamp()), int(day(71).start.timestamp()))
    assert FIRST + 70 not in {window.day for window in accepted(cut, FIRST + 66, FIRST + 75).windows}
    for first, last in ((FIRST + 70, FIRST + 70), (FIRST + 500, FIRST + 600), (1, FIRST - 1)):
        with pytest.raises(ValueError, match="no window"):
            accepted(cut, first, last)


def test_windows_accepted_over_stay_to_be_accepted(calibrated: DriftState) -> None:
    """Accepting five days and then ten is possible, also after the state was saved and read back; rows of windows go on as well."""
    five = shelved(accepted(calibrated, FIRST + 71, FIRST + 75), calibrated)
    read = state_from(five.plain())
    assert [window.start for window in lived(read)] == [window.start for window in lived(calibrated)]
    ten = shelved(accepted(read, FIRST + 66, FIRST + 75), read)
    assert [window.day - FIRST for window in ten.windows] == list(range(66, 76))
    assert [(window.start, window.packed) for window in lived(ten)] == [(window.start, window.packed) for window in lived(calibrated)]
    assert five.volumes.rows.tolist() == [200] * len(five.volumes)


def test_going_back_forgets_no_window_that_came_since(calibrated: DriftState) -> None:
    """The state of before, taken again after five more days, knows those days too."""
    since = lives(shelved(accepted(calibrated, FIRST + 66, FIRST + 75), calibrated), 76, 81, shift=2.0)
    again = shelved(state_from(calibrated.plain()), since)
    assert {window.day - FIRST for window in lived(again)} >= set(range(66, 81))
    assert again.rolling is not None
    assert lives(again, 81, 90).shelf != ()


def test_an_open_window_is_carried_over(calibrated: DriftState) -> None:
    """What was counted before the acceptance is worth as much after it, to the last row."""
    made = accepted(calibrated, FIRST + 66, FIRST + 75)
    half = calibrated_profile(calibrated, 80)
    kept = carried(half, calibrated, made)
    assert kept is not None
    for known in made.cells:
        assert vector(kept, known).tolist() == vector(DRIFT.observe(made, batch(rows(80))), known).tolist()


def calibrated_profile(state: DriftState, number: int) -> Profile:
    """Return what a state counts of a day."""
    return DRIFT.observe(state, batch(rows(number)))


def test_other_cells_carry_nothing() -> None:
    """Counts of other edges would be told as missing rows: such a window starts anew."""
    one = history({day(n): batch(rows(n)) for n in range(20)})
    other = history({day(n): batch(rows(n, 5.0)) for n in range(20)})
    assert carried(DRIFT.observe(one, batch(rows(21))), one, other) is None
    assert carried(DRIFT.observe(one, batch(rows(21))), one, one) is not None
    assert carried(DRIFT.observe(DriftState(), batch(rows(21))), DriftState(), other) is not None
    assert shelved(other, one).shelf == ()


def test_cells_that_were_replaced_are_the_new_ones() -> None:
    """A feature whose values left its cells altogether is accepted in the rolling reference's; windows from before hold nothing of it."""
    state = lives(history({day(n): batch(rows(n)) for n in range(56)}), 56, 80, shift=50.0)
    assert state.rolling is not None
    assert state.rolling.generation == 1
    made = accepted(state, FIRST + 56, FIRST + 79, profiles(state, 56, 80, 50.0))
    known = made.index["x"]
    assert known.key == "x"
    assert same_grid(known.grid, newest_cells(state)[0].grid)
    counts = [made.split(window.unpack())["x"].sum() for window in made.windows]
    assert counts[0] == 0
    assert counts[-1] == 200
    half = carried(DRIFT.observe(state, batch(rows(81, 50.0))), state, made)
    assert half is not None
    assert vector(half, known).tolist() == vector(DRIFT.observe(made, batch(rows(81, 50.0))), known).tolist()
    assert vector(half, known)[-1] == 0
    step = DRIFT.step(made, day(81), half)
    assert {found.feature for found in step.findings} >= {"x", "c"}
    assert state_from(made.plain()).windows == made.windows
    back = shelved(state_from(made.plain()), state)
    assert {window.day for window in lived(back)} == {window.day for window in lived(state)}


def test_windows_from_before_a_cut_keep_their_feature() -> None:
    """Where the first cells still tell most rows apart, all windows are accepted in these: live ones from what the store has of them."""
    state = lives(history({day(n): batch(rows(n)) for n in range(56)}), 56, 80, shift=2.2)
    assert state.rolling is not None
    assert state.rolling.generation == 1
    wanted = recounted(state, FIRST + 60, FIRST + 79)
    assert wanted == {int(day(number).start.timestamp()) for number in range(60, 80)}
    made = accepted(state, FIRST + 60, FIRST + 79, profiles(state, 60, 80, 2.2))
    assert same_grid(made.index["x"].grid, state.index["x"].grid)
    for number, window in zip(range(60, 80), made.windows, strict=True):
        expected = vector(DRIFT.observe(made, batch(rows(number, 2.2))), made.index["x"])
        assert made.split(window.unpack())["x"].tolist() == expected.tolist()
    half = carried(DRIFT.observe(state, batch(rows(81, 2.2))), state, made)
    assert half is not None
    assert vector(half, made.index["x"]).tolist() == vector(DRIFT.observe(made, batch(rows(81, 2.2))), made.index["x"]).tolist()
    assert {window.day - FIRST for window in lived(shelved(made, state))} == {window.day - FIRST for window in lived(state)}
    assert recounted(made, FIRST, FIRST + 100) == frozenset()


def profiles(state: DriftState, first: int, last: int, shift: float) -> dict[int, Profile]:
    """Return what the store would have of some days."""
    return {int(day(n).start.timestamp()): DRIFT.observe(state, batch(rows(n, shift))) for n in range(first, last)}


@settings(max_examples=25, deadline=None)
@given(first=st.integers(0, 80), length=st.integers(0, 40))
def test_any_days_are_a_sound_state(calibrated: DriftState, first: int, length: int) -> None:
    """Whatever days are chosen, the state is saved and read back, judges a window, and its sums are its windows'."""
    try:
        made = accepted(calibrated, FIRST + first, FIRST + first + length)
    except ValueError:
        assert first > 75
        return
    assert np.array_equal(made.totals, sum(window.unpack().astype(np.int64) for window in made.windows))
    again = state_from(made.plain())
    assert again.windows == made.windows
    step = DRIFT.step(again, day(90), DRIFT.observe(again, batch(rows(90))))
    assert {found.status for found in step.findings} <= {"calibrated", "provisional", "uncalibrated"}


def test_nothing_counted_is_carried_as_nothing(calibrated: DriftState) -> None:
    """A window that only saw doubled rows stays empty."""
    empty = Profile({"duplicates": np.array([3], np.int64)})
    assert ROWS not in empty.counts
    assert carried(empty, calibrated, calibrated) is empty
