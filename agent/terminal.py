"""Colour and progress for people at a terminal; plain text for everything else."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Literal, TextIO

Style = Literal["red", "yellow", "green", "bold", "dim"]
_CODES: dict[Style, str] = {"red": "31", "yellow": "33", "green": "32", "bold": "1", "dim": "2"}


def say(text: str = "", stream: TextIO | None = None) -> None:
    """Write a line to a stream, standard output if none is given."""
    (stream or sys.stdout).write(f"{text}\n")


def colourful(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Tell whether a stream takes colour: a terminal, and neither NO_COLOR nor TERM=dumb (no-color.org)."""
    return stream.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


def painter(stream: TextIO, environment: Mapping[str, str]) -> Callable[[str, Style], str]:
    """Return a function that styles text for a stream, or leaves it alone.

    >>> import io
    >>> painter(io.StringIO(), {})("drift", "red")
    'drift'
    """
    if not colourful(stream, environment):
        return lambda text, _: text
    return lambda text, style: f"\x1b[{_CODES[style]}m{text}\x1b[0m"


def clean(text: str) -> str:
    r"""Return text from data without control characters, so that it cannot drive the terminal.

    >>> clean("a\x1b[31mb\n")
    'a?[31mb?'
    """
    return "".join(character if character.isprintable() else "?" for character in text)


Advance = Callable[[float], None]
"""Takes the share of the work that is done, 0 to 1."""


@contextmanager
def progress(title: str, stream: TextIO) -> Iterator[Advance]:
    """Show a progress bar on a terminal while the block runs; elsewhere nothing."""
    if not stream.isatty():
        yield lambda share: None  # noqa: ARG005 (nobody watches)
        return
    # Imported here: a tenth of a second that only long work at a terminal pays.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=stream), transient=True) as bar:
        task = bar.add_task(title, total=1.0)
        yield lambda share: bar.update(task, completed=share)
