"""Both acts together: the second plays in real time while the first computes; ends with the table, or with what did not happen."""

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from agent.demo import flight_story, summary
from agent.demo.chat import Chat, Played
from agent.demo.children import Child, Children
from agent.demo.flight_story import ENDPOINT, Told
from agent.demo.flights import ZONE
from agent.errors import DriftlineError
from agent.terminal import Advance, painter, progress
from agent.terminal import say as write

_REPORT = 90.0
"""Longest time to wait for the report, seconds."""


class StoryFailed(DriftlineError):
    """Something that should have been found was not; exit code 1."""


@dataclass(slots=True)
class Story:
    """One performance, with everything it writes in `folder`."""

    folder: Path

    def tell(self, *, stay: bool) -> None:
        """Tell the story; with `stay` keep daemon and application running until interrupted.

        Raises StoryFailed where an expected alert never came, Unavailable where a process does not start.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(1) as pool, Children(self.folder, os.environ) as children:
            chat = Chat(self.folder, children)
            playing = pool.submit(chat.play)
            try:
                self._tell(chat, playing, children, stay=stay)
            finally:
                chat.stop.set()

    def _tell(self, chat: Chat, playing: Future[Played], children: Children, *, stay: bool) -> None:
        self._title("Act one: a year of real flights, replayed by the event time of its rows")
        with _show("a year of flights and a delay model"):
            flight_story.prepare(self.folder, say)
        told = flight_story.tell(self.folder, say, _show)
        report = self._report(told, children)
        say()
        self._title("Act two: a language model, watched in real time (it began while the year was replayed)")
        for line in _lines(chat, playing):
            say(line)
        played = playing.result()
        (self.folder / "metrics.txt").write_text(played.page)
        drawn = self._drawn(report)
        say()
        self._title("What happened, and when driftline said so")
        summary.show(told, played, sys.stdout)
        for line in summary.costs(told, played):
            say(line)
        say()
        self._title("Where to look")
        for what, place in summary.places(self.folder, chat, drawn, _generated(), running=stay):
            say(f"{what + ':':46} {place}")
        missing = [*told.missing(), *untold(played)]
        if missing:
            raise StoryFailed("the story did not happen: " + "; ".join(missing))
        if stay:
            say(f"still running: {chat.url}; Ctrl-C ends it")
            threading.Event().wait()

    def _report(self, told: Told, children: Children) -> tuple[Child, Path] | None:
        """Have Evidently draw the first day of alarm, while the other act plays."""
        storm = next((one for one in told.without.episodes if one.family == "delay"), None)
        if storm is None:
            return None
        current = self.folder / f"{storm.first}.parquet"
        _write_day(self.folder / "flights.parquet", storm.first, current)
        out = self.folder / f"{ENDPOINT}-{storm.first}.html"
        out.unlink(missing_ok=True)
        config, reference = self.folder / f"{ENDPOINT}.yaml", self.folder / "reference.parquet"
        options = ["-c", str(config), "--reference", str(reference), "--current", str(current), "--out", str(out)]
        return children.start("report", ["agent", "report", ENDPOINT, *options], {}), out

    def _drawn(self, report: tuple[Child, Path] | None) -> Path | None:
        if report is None:
            return None
        child, out = report
        try:
            code = child.process.wait(_REPORT)
        except subprocess.TimeoutExpired as error:
            raise StoryFailed(f"the report was not drawn within {_REPORT:.0f} s; see {child.log}") from error
        if code != 0:
            raise StoryFailed(f"the report could not be drawn; see {child.log}")
        return out

    def _title(self, text: str) -> None:
        say(painter(sys.stdout, os.environ)(text, "bold"))


def say(text: str = "") -> None:
    """Write a line at once, to a log file too: a story is told while it happens."""
    write(text)
    sys.stdout.flush()


def _show(title: str) -> AbstractContextManager[Advance]:
    return progress(title, sys.stderr)


def _lines(chat: Chat, playing: Future[Played]) -> Iterator[str]:
    """Yield what the act tells, until it has ended and everything is told."""
    while True:
        ended = playing.done()
        try:
            yield chat.told.get(timeout=0.0 if ended else 0.2)
        except queue.Empty:
            if ended:
                return


def untold(played: Played) -> Iterator[str]:
    """Yield a sentence for everything of act two that was not told, or counted wrongly."""
    for one in played.happenings:
        if one.told is None:
            yield f"{one.name} {one.state} was not told after {one.what}"
    for count in played.counts:
        if count.served != count.counted:
            yield f"the service saw {count.served} {count.what}, driftline {count.counted}"


def _write_day(year: Path, day: date, out: Path) -> None:
    """Write the flights of one day to a file of their own."""
    # Imported here: pandas is here since the table was made, and not before.
    import pandas as pd  # type: ignore[import-untyped]  # noqa: PLC0415  # has no types

    begin = pd.Timestamp(day, tz=ZONE)
    end = pd.Timestamp(day + timedelta(days=1), tz=ZONE)
    pd.read_parquet(year, filters=[("scheduled", ">=", begin), ("scheduled", "<", end)]).to_parquet(out, index=False)


def _generated() -> list[Path]:
    """Return the folders of generated rules and boards of this installation."""
    root = Path(__file__).parents[2]
    found = [root / package / "generated" for package in ("alerts", "dashboards")]
    here = Path.cwd()
    return [path.relative_to(here) if path.is_relative_to(here) else path for path in found if path.is_dir()]
