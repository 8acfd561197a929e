"""The rolling reference: what it rests on, when it is refit, who pages, and what happens when values leave the first cells."""

from datetime import timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from agent.plain import pack, unpack
from detectors.drift.drift import Drift
from detectors.drift.grid import NumericGrid
from detectors.drift.state import DriftState
from detectors.types import Category, Step, Window
from tests.fakes.drift_stream import DRIFT, START, batch, day, finding, gauges, history, hour, steps

ROWS = 300
RANDOM = np.random.default_rng(31)
STEADY = [RANDOM.normal(size=ROWS) for _ in range(200)]


def past(days: int = 56) -> DriftState:
    """Return a reference of so many steady days; day 0 is a Monday."""
    return history({day(n): batch({"x": STEADY[n]}) for n in range(days)})


def fitted_days(step: Step) -> list[int]:
    """Return the days, from 0, that the rolling reference rests on."""
    assert step.state.rolling is not None
    return [window.day - day(0).day for window in step.state.rolling.fitted]


def test_it_rests_on_the_last_56_complete_days_and_is_refit_on_mondays() -> None:
    """Refit at the first window of each ISO week, also where Monday has none; between refits it stays."""
    live = {day(n): batch({"x": STEADY[n]}) for n in range(57, 85) if n != 70}
    found = dict(zip(live, steps(past(), live), strict=True))
    assert fitted_days(found[day(57)]) == list(range(1, 56))
    assert fitted_days(found[day(62)]) == list(range(1, 56))
    assert fitted_days(found[day(63)]) == [n for n in range(7, 63) if n != 56]
    assert fitted_days(found[day(69)]) == fitted_days(found[day(63)])
    assert fitted_days(found[day(71)]) == [n for n in range(15, 71) if n not in {56, 70}]


def test_an_alarmed_window_stays_in() -> None:
    """Windows that alarmed belong to the next rolling reference: it follows what lasts, the fixed one never does."""
    live = {day(n): batch({"x": STEADY[n] + 2.0}) for n in range(56, 140)}
    found = steps(past(), live)
    assert finding(found[0], "x", "rolling").level == "page"
    assert finding(found[-1], "x", "rolling").severity < 1 < finding(found[-1], "x").severity
    assert "rolling reference pages" in finding(found[-1], "x").explanation


def test_a_stream_that_learns_has_one_reference_until_that_is_complete() -> None:
    """Before, both would be the same windows; then the rolling one starts from them, calibrated."""
    found = steps(DriftState(), {day(n): batch({"x": np.tile(STEADY[n], 4)}) for n in range(53)})
    assert {one.reference for one in found[48].findings} == {"fixed"}
    assert {one.reference for one in found[-1].findings} == {"fixed", "rolling"}
    assert gauges(found[-1])["reference.status", "rolling", "calibrated"] == 1
    assert gauges(found[-1])["reference.missing", "rolling"] == 0


@pytest.mark.parametrize(
    ("pages", "fixed", "rolling"),
    [("fixed", "page", "information"), ("rolling", "information", "page"), ("both", "page", "page")],
)
def test_who_pages_is_configured(pages: str, fixed: str, rolling: str) -> None:
    """One of two pages, the other informs; two that both page share the budget, and rest on more days for it."""
    detector = Drift(pages=pages)  # type: ignore[arg-type]  # a table
    state = past(70)
    step = detector.step(state, day(70), detector.observe(state, batch({"x": STEADY[70] + 2.0})))
    assert len(fitted_days(step)) == (63 if pages == "both" else 56)
    assert [finding(step, "x", name).level for name in ("fixed", "rolling")] == [fixed, rolling]


def test_the_fixed_one_pages_where_the_rolling_one_is_not_calibrated() -> None:
    """A reference of last year has no window in the last 56 days: the rolling one says what it lacks, the fixed one pages."""
    (step,) = steps(past(), {day(300): batch({"x": STEADY[56] + 2.0})})
    assert finding(step, "x").level == "page"
    assert finding(step, "x", "rolling").status == "uncalibrated"
    assert gauges(step)["reference.missing", "rolling"] == 29


def test_it_goes_on_after_a_restart_as_if_nothing_had_happened() -> None:
    """Saved at any point of a week, also with the calibration forgotten, the same findings follow."""
    live = {day(n): batch({"x": STEADY[n], "c": Category.of(["a", "b"] * 150)}) for n in range(56, 80)}
    state = history({day(n): batch({"x": STEADY[n], "c": Category.of(["a", "b"] * 150)}) for n in range(56)})
    whole = steps(state, live)
    for at in (1, 5, 8, 13):
        again = DRIFT.restore(unpack(pack(whole[at].state.plain())))
        rest = steps(again, dict(list(live.items())[at + 1 :]))
        assert repr([one.findings for one in rest]) == repr([one.findings for one in whole[at + 1 :]])
        assert pack(rest[-1].state.plain()) == pack(whole[-1].state.plain())


def test_state_is_bounded() -> None:
    """No more than 56 days before the last refit and what came since, however long the stream."""
    found = steps(past(), {day(n): batch({"x": STEADY[n % 200]}) for n in range(56, 290)})
    rolling = found[-1].state.rolling
    assert rolling is not None
    assert len(rolling.fitted) == 56
    assert len(rolling.since) <= 7
    assert len(rolling.outside) <= 15


def test_values_that_leave_the_range_get_cells_of_their_own() -> None:
    """After a week with more than 5 % outside, cells are cut anew from a whole day: the feature starts without windows, others keep theirs.

    Until it is calibrated again the fixed reference pages for it.
    """
    random = np.random.default_rng(33)

    def rows(n: int) -> dict[str, NDArray[np.float64]]:
        return {"x": random.normal(50.0, 1.0, 400) if n >= 60 else random.normal(size=400), "y": random.normal(size=400)}

    state = history({day(n): batch(rows(n)) for n in range(56)})
    found = steps(state, {day(n): batch(rows(n)) for n in range(56, 135)})
    before, cut, end = found[62 - 56], found[73 - 56], found[-1]
    assert before.state.rolling is not None
    assert before.state.rolling.generation == 0
    assert finding(before, "x", "rolling").severity > 1
    assert cut.state.rolling is not None
    assert cut.state.rolling.generation == 1
    grids = {known.name: known.grid for known in cut.state.rolling.cells}
    assert isinstance(grids["x"], NumericGrid)
    assert grids["x"].low > 40
    assert finding(cut, "x", "rolling").status == "uncalibrated"
    assert np.isnan(finding(cut, "x", "rolling").severity)
    assert finding(cut, "x").level == "page"
    assert finding(cut, "y", "rolling").status == "calibrated"
    assert finding(end, "x", "rolling").status == "calibrated"
    assert finding(end, "x", "rolling").severity < 1
    assert finding(end, "x").level == "information"
    again = DRIFT.restore(unpack(pack(cut.state.plain())))
    assert pack(again.plain()) == pack(cut.state.plain())


def test_cells_are_cut_anew_in_the_middle_of_a_day() -> None:
    """Where a day has several windows, those counted before the cut say nothing of the new cells, and nothing stops."""
    random = np.random.default_rng(34)

    def half(number: int) -> Window:
        return Window(START + timedelta(hours=12 * number), START + timedelta(hours=12 * number + 12))

    def rows(number: int) -> dict[str, NDArray[np.float64]]:
        return {"x": random.normal(9.0 * (number >= 120), 1.0, 300), "y": random.normal(size=300)}

    state = history({half(n): batch(rows(n)) for n in range(112)})
    found = steps(state, {half(n): batch(rows(n)) for n in range(112, 150)})
    rolling = found[-1].state.rolling
    assert rolling is not None
    assert rolling.generation == 1
    assert finding(found[-1], "x", "rolling").status == "uncalibrated"
    assert finding(found[-1], "y", "rolling").status == "calibrated"


def test_new_categories_get_cells_of_their_own() -> None:
    """A vocabulary that changes for good is learnt by the rolling reference."""
    old, new = Category.of(["a", "b", "c"] * 200), Category.of(["d", "e", "f"] * 200)
    state = history({day(n): batch({"c": old}) for n in range(56)})
    found = steps(state, {day(n): batch({"c": new}) for n in range(56, 140)})
    assert finding(found[0], "c", "rolling").level == "page"
    last = finding(found[-1], "c", "rolling")
    assert last.status == "calibrated"
    assert not last.severity > 1
    assert gauges(found[-1])["data.new_category.ratio", "c"] == 1.0


def test_a_week_without_traffic_is_told() -> None:
    """Gaps take days from the rolling reference: short of 50 windows it is provisional, and the fixed one pages."""
    found = steps(past(), {day(n): batch({"x": STEADY[n] + (3.0 if n == 77 else 0.0)}) for n in (*range(56, 60), *range(70, 78))})
    assert finding(found[-1], "x", "rolling").status == "provisional"
    assert finding(found[-1], "x").level == "page"
    assert "provisional: 46 of" in finding(found[-1], "x", "rolling").explanation


def test_hours_are_refit_without_the_day_that_runs() -> None:
    """Windows of the running day are no part of the fit: it rests on complete days."""
    state = history({hour(n): batch({"x": RANDOM.normal(size=60)}) for n in range(56 * 24)})
    found = steps(state, {hour(n): batch({"x": RANDOM.normal(size=60)}) for n in range(56 * 24 + 5, 56 * 24 + 9)})
    assert len(fitted_days(found[-1])) == 56 * 24
