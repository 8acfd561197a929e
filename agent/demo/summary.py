"""The table at the end: what happened, when driftline said so and in which words, what it cost, and where to look."""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple, TextIO

from agent.demo.chat import Chat, Played
from agent.demo.flight_story import ENDPOINT, Told, said, span
from agent.demo.known import AFTERWARDS, IN_REFERENCE

_WIDTH = 160
"""Columns where nobody knows the width of the screen."""


class Row(NamedTuple):
    """One line of the table."""

    what: str
    when: str
    told: str
    words: str


def rows(told: Told, played: Played) -> Iterator[Row]:
    """Yield what happened in both acts."""
    blizzard = [
        one for one in told.deciding if date.fromordinal(one.day) in {known.day for known in IN_REFERENCE if known.family == "delay"}
    ]
    if blizzard:
        days = sorted({date.fromordinal(one.day) for one in blizzard})
        features = ", ".join(dict.fromkeys(one.feature for one in blizzard))
        words = f"its days set the alarm line or stand next to it: {features}"
        yield Row(
            "a blizzard, inside the reference", " and ".join(f"{day.day} {day:%b}" for day in days), "when the reference was built", words
        )
    for known in AFTERWARDS:
        episode = told.of(known)
        if episode is not None:
            words = f"{', '.join(episode.features)}: {said(episode.worst)} (severity {episode.worst.severity:.2f})"
            yield Row(known.what, span(episode), f"{episode.told.day} {episode.told:%b %H:%M}, the day's end", words)
    for one in played.happenings:
        after = "never" if one.told is None else f"{one.told - one.began:.1f} s later"
        yield Row(one.what, f"second {one.began:.0f}", after, one.words)


def show(told: Told, played: Played, stream: TextIO) -> None:
    """Print the table; on a terminal as wide as that is."""
    # Imported here: only a demo that got this far needs it.
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console(file=stream, width=None if stream.isatty() else _WIDTH, highlight=False)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name, share in (("what happened", 3), ("when", 2), ("driftline said so", 3), ("in its words", 9)):
        table.add_column(name, ratio=share, overflow="fold")
    for row in rows(told, played):
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def costs(told: Told, played: Played) -> Iterator[str]:
    """Yield what watching cost, measured in this run."""
    cost = played.cost
    yield (
        f"the daemon, {cost.seconds:.0f} s from ready with {cost.calls:.0f} calls: {cost.cpu:.2f} s of CPU ({cost.per_thousand:.2f} s per 1,000 calls, "
        f"/metrics read five times a second), {cost.memory:.0f} MB resident"
    )
    yield f"the replay of {told.as_it_is.rows:,} flights: {told.seconds:.1f} s, {1e6 * told.seconds / told.as_it_is.rows:.0f} s per million rows"
    agree = all(one.served == one.counted for one in played.counts)
    books = ", ".join(f"{one.served} {one.what}" + ("" if agree else f" (driftline: {one.counted})") for one in played.counts)
    yield f"the service's own books: {books}; driftline counted {'the same' if agree else 'otherwise'}"


def places(folder: Path, chat: Chat, report: Path | None, generated: Sequence[Path], *, running: bool) -> Iterator[tuple[str, str]]:
    """Yield where to look: what it is, and the file or address."""
    yield "what Prometheus sees", chat.url if running else f"{folder}/metrics.txt (it was {chat.url})"
    yield "alerts and changes as JSON", f"{folder}/events.jsonl"
    yield "what the daemon logs, notifications included", f"{folder}/agent.log"
    yield "the configurations", f"{folder}/{ENDPOINT}.yaml and {folder}/support-chat.yaml"
    if report is not None:
        yield "Evidently's report of the first storm", str(report)
    for path in generated:
        yield f"generated {path.parent.name}", str(path)
