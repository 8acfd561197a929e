"""What lets a judge go on after a restart: windows that wait for it, the verdicts it gave already, and the texts it is given."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from agent.clock import from_nanoseconds, to_nanoseconds
from agent.effects import ClosedWindow
from agent.errors import DriftlineError
from agent.judges.criteria import Criterion
from agent.judges.sitting import Pending, Scores
from agent.judges.spend import Spent
from agent.judges.task import Item
from agent.judges.verdicts import Gap, Verdict
from agent.plain import pack, unpack
from agent.spool.frame import Frame, decode, encode
from agent.store.text import storable
from agent.texts.kept import KeptTexts, signed
from detectors.types import Batch, Stream, Window

_log = logging.getLogger(__name__)

MOST = 8
"""Windows that are taken up again; a judge lets no more of them wait."""


class Unjudged:
    """The windows of one endpoint that its judge has not done with. `add` comes from the engine's thread, the rest from the judge's."""

    def __init__(self, kept: KeptTexts, endpoint: str, timezone: str, clock: Callable[[], int]) -> None:
        self._kept = kept
        self._endpoint = endpoint
        self._zone = ZoneInfo(timezone)
        self._clock = clock
        self._told = list[tuple[Stream, Window]]()

    def add(self, closed: ClosedWindow) -> bool:
        """Keep a closed window until it is judged; False where it was there before: after a crash windows close again."""
        if closed.calls is None:
            return False
        try:
            return self._add(closed, closed.calls)
        except DriftlineError as error:
            _log.warning("endpoint %s: a window that waits for its judge would not outlive the agent: %s", self._endpoint, error)
            return True

    def _add(self, closed: ClosedWindow, sample: Batch) -> bool:
        calls = encode(Frame(sample, "sample", None, 0))
        values = (*map(storable, closed.stream), *self._span(closed.window), self._clock(), calls)
        with self._kept.database.writing() as connection:
            return connection.execute("INSERT OR IGNORE INTO waiting VALUES (?, ?, ?, ?, ?, ?, ?)", values).rowcount > 0

    def left(self) -> list[Pending]:
        """Return the newest windows that were not judged, oldest first; earlier ones are given up."""
        query = "SELECT deployment, traffic, start, end, calls FROM waiting WHERE endpoint = ? AND calls IS NOT NULL ORDER BY saved DESC, start DESC"
        found = list[Pending]()
        for number, (deployment, traffic, start, end, calls) in enumerate(self._kept.database.read(query, (storable(self._endpoint),))):
            stream = Stream(self._endpoint, deployment, traffic)
            window = Window(*(from_nanoseconds(moment).astimezone(self._zone) for moment in (start, end)))
            batch = decode(calls).batch
            if number < MOST and batch is not None:
                found.append(Pending(stream, window, batch))
            else:
                self.done(stream, window)
        return found[::-1]

    def told(self, stream: Stream, window: Window) -> None:
        """Note that the verdicts of a window were told; once they are saved it is done."""
        self._told.append((stream, window))

    def settle(self, saved: Callable[[], bool]) -> None:
        """Be done with windows whose verdicts are in the store, as `saved` says."""
        if self._told and saved():
            for stream, window in self._told:
                self.done(stream, window)
            self._told.clear()

    def done(self, stream: Stream, window: Window) -> None:
        """Note that a window was judged, or given up."""
        key = (*map(storable, stream), self._span(window)[0])
        with self._kept.database.writing() as connection:
            connection.execute("UPDATE waiting SET calls = NULL WHERE endpoint = ? AND deployment = ? AND traffic = ? AND start = ?", key)

    @staticmethod
    def _span(window: Window) -> tuple[int, int]:
        return to_nanoseconds(window.start), to_nanoseconds(window.end)


class Lent:
    """Hands out the texts of one endpoint, as `HeldTexts` does; those on disk stay there. Used from one thread."""

    def __init__(self, kept: KeptTexts, endpoint: str) -> None:
        self.kept = kept
        self.endpoint = endpoint
        self.last: tuple[Item, int] | None = None
        """What was handed out last, and whose it is."""

    def take(self, endpoint: str, identity: int, taker: str = "judge") -> Item | None:  # noqa: ARG002 - others hold texts for several
        """Return the texts of a call; None where they are gone."""
        found = self.kept.item(self.endpoint, identity)
        self.last = None if found is None else (found, identity)
        return found

    def forget(self, endpoint: str, until: int, keep: Iterable[int] = (), taker: str = "judge") -> None:
        """Let nothing go: age and size decide."""


class Remembering:
    """A judge whose verdicts outlive the process until their window is told: no answer is asked about twice."""

    def __init__(self, judge: Scores, lent: Lent, rater: str) -> None:
        """`rater` says which judge it is, and what it is asked: another one's verdicts do not count."""
        self._judge = judge
        self._lent = lent
        self._rater = rater

    @property
    def criteria(self) -> Sequence[Criterion]:
        """What there will be verdicts of."""
        return self._judge.criteria

    @property
    def open(self) -> bool:
        """Whether it may be asked now."""
        return self._judge.open

    @property
    def now(self) -> Callable[[], datetime]:
        """The time."""
        return self._judge.now

    @property
    def wait(self) -> Callable[[float], bool]:
        """Waits so many seconds; returns whether the end was asked for."""
        return self._judge.wait

    @property
    def spent(self) -> Spent:
        """What the day took."""
        return self._judge.spent

    def take(self) -> Counter[str]:
        """Return what became of calls since the last time."""
        return self._judge.take()

    def rest(self) -> None:
        """Let go of what is only needed while there is work."""
        self._judge.rest()

    def score(self, item: Item) -> Sequence[Verdict | Gap]:
        """Return what was said of an item before, else what is said now."""
        place = self._lent.last
        identity = place[1] if place is not None and place[0] is item else None
        known = None if identity is None else self._known(identity)
        if known is not None:
            return known
        found = self._judge.score(item)
        if identity is not None and any(isinstance(one, Verdict) for one in found):
            self._keep(identity, found)
        return found

    def _known(self, identity: int) -> Sequence[Verdict | Gap] | None:
        query = "SELECT verdicts FROM text WHERE endpoint = ? AND id = ? AND rater = ?"
        rows = self._lent.kept.database.read(query, (storable(self._lent.endpoint), signed(identity), self._rater))
        if not rows or rows[0][0] is None:
            return None
        return [Gap(name, why) if score is None else Verdict(name, score, why) for name, score, why in unpack(rows[0][0])]

    def _keep(self, identity: int, found: Sequence[Verdict | Gap]) -> None:
        said = [[one.evaluator, one.score, one.reason] if isinstance(one, Verdict) else [one.evaluator, None, one.why] for one in found]
        query = "UPDATE text SET rater = ?, verdicts = ? WHERE endpoint = ? AND id = ?"
        with self._lent.kept.database.writing() as connection:
            connection.execute(query, (self._rater, pack(said), storable(self._lent.endpoint), signed(identity)))
