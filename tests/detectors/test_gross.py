"""The first days: what is seen before a reference is calibrated."""

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.drift.gross import gross_change
from detectors.drift.history import FeatureHistory

Ints = NDArray[np.int64]

USUAL = np.array([100, 100, 100, 100, 0])
MOVED = np.array([10, 40, 100, 250, 0])
FAR = np.array([0, 5, 45, 350, 0])
FILE = USUAL * 10


def stream(windows: list[Ints], kind: str = "numeric", file: Ints | None = None, unseen: list[int] | None = None) -> FeatureHistory:
    counts = np.array(windows, np.int64).reshape(len(windows), 5)
    return FeatureHistory(
        "age", "categorical" if kind == "categorical" else "numeric", counts, np.array(unseen or [0] * len(windows), np.int64), file
    )


def wobbling(windows: int) -> list[Ints]:
    return [USUAL + np.array([3, -3, 2, -2, 0]) * (-1) ** number for number in range(windows)]


@pytest.mark.parametrize("file", [None, FILE])
@pytest.mark.parametrize(
    ("held", "level"), [([USUAL], None), ([FAR], "information"), ([FAR, FAR], "information"), ([FAR, FAR, FAR], "warning")]
)
def test_levels(held: list[Ints], level: str | None, file: Ints | None) -> None:
    """Gross is information; held for three windows and beyond every change before, it is a warning."""
    found = gross_change(stream(wobbling(6) + held[:-1], file=file), held[-1])
    assert found.level == level
    assert (found.explanation == "") == (level is None)
    if level is not None:
        assert ("the reference file" if file is not None else "windows before") in found.explanation
        assert ("held for 3 windows" in found.explanation) == (level == "warning")


def test_a_stream_that_jumps_by_itself_does_not_warn() -> None:
    """No warning where earlier windows lie as far from each other as the change."""
    jumping = [USUAL, FAR, USUAL, USUAL, USUAL, USUAL]
    found = gross_change(stream([*jumping, MOVED, MOVED], file=FILE), MOVED)
    assert found.level == "information"
    assert gross_change(stream([*wobbling(6), MOVED, MOVED], file=FILE), MOVED).level == "warning"


@pytest.mark.parametrize(("quiet", "level"), [(0, "information"), (1, "information"), (2, "warning")])
def test_two_earlier_windows_are_needed(quiet: int, level: str) -> None:
    """A stream that starts far from the file is a warning only once two windows show how it varies."""
    assert gross_change(stream([*wobbling(quiet), FAR, FAR], file=FILE), FAR).level == level


@pytest.mark.parametrize(("windows", "silent"), [(19, False), (20, True)])
def test_silent_from_twenty_windows_on(windows: int, silent: bool) -> None:  # noqa: FBT001 - a row of a table
    """From 20 windows on the rule with its replayed lines speaks alone."""
    assert (gross_change(stream(wobbling(windows)), FAR).level is None) == silent


def test_nothing_to_compare_with() -> None:
    """The first window without a file, a small one, and small ones before it: no effect, no failure."""
    assert np.isnan(gross_change(stream([]), FAR).effect)
    assert np.isnan(gross_change(stream([np.array([5, 5, 5, 5, 0])]), FAR).effect)
    assert np.isnan(gross_change(stream(wobbling(6)), np.array([0, 5, 5, 5, 0])).effect)
    assert gross_change(stream([], file=FILE), FAR).level == "information"


def test_rows_without_values_and_new_categories() -> None:
    """Five points more missing or new are gross; the sentence tells the shares."""
    lost = np.array([90, 90, 90, 90, 40])
    assert "missing values in 10.00% of rows (reference 0.00%)" in gross_change(stream(wobbling(6)), lost).explanation
    categories = np.array([200, 150, 50, 0, 0])
    new = np.array([180, 140, 40, 40, 0])
    found = gross_change(stream([categories] * 6, "categorical"), new)
    assert "values the reference never had in 10.00% of rows (reference 0.00%)" in found.explanation


def test_constant_columns() -> None:
    """A constant column that becomes another constant is gross; one that stays is not."""
    before, after = np.array([0, 400, 0, 0, 0]), np.array([0, 0, 400, 0, 0])
    assert gross_change(stream([before] * 4), before).level is None
    assert gross_change(stream([before] * 4), after).level == "information"
    assert gross_change(stream([np.array([0, 0, 0, 0, 400])] * 4), np.array([0, 0, 0, 0, 400])).level is None
