"""Colour and progress: for people at a terminal only."""

import io
import os
import pty
from collections.abc import Mapping

import pytest

from agent.terminal import painter, progress


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.mark.parametrize(
    ("stream", "environment", "coloured"),
    [
        (Screen(), {"TERM": "xterm"}, True),
        (Screen(), {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (Screen(), {"TERM": "xterm", "NO_COLOR": ""}, True),
        (Screen(), {"TERM": "dumb"}, False),
        (io.StringIO(), {"TERM": "xterm"}, False),
    ],
)
def test_colour_is_for_terminals_that_want_it(stream: io.StringIO, environment: Mapping[str, str], coloured: bool) -> None:  # noqa: FBT001 (a column of the table)
    """A pipe gets none, and NO_COLOR is heeded when it is not empty."""
    assert ("\x1b[31m" in painter(stream, environment)("drift", "red")) == coloured


def test_progress_is_shown_on_a_terminal_and_wiped() -> None:
    """A real pseudo-terminal sees a bar; afterwards the line is free again."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as screen:
        with progress("reading", screen) as advance:
            advance(0.5)
        screen.flush()
        seen = os.read(ours, 65536).decode()
    os.close(ours)

    assert "reading" in seen
    assert "\x1b[2K" in seen


def test_nobody_watches_a_pipe() -> None:
    """Elsewhere progress writes nothing."""
    stream = io.StringIO()
    with progress("reading", stream) as advance:
        advance(0.5)

    assert stream.getvalue() == ""
