"""What is remembered of who sends metrics: how far each series had counted, so that nothing counts twice."""

from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple

from agent.sources.otlp.buckets import EXPLICIT, ZERO
from detectors.types import Plain

MOST_RUNS = 2_000
"""Series of one sender; processes that name themselves alike and are restarted often add some each time."""
_REMEMBERED, _MOST_SPANS = 8, 64
"""Spans of a series that are remembered at least, and at most of the newest ten minutes: processes that name themselves alike share it."""
_SETTLED = 600_000_000_000
"""Nanoseconds after which a name that is told no more gives way to another one for the same, and spans are forgotten."""
_ended = itemgetter(1)

Lost = Callable[[str, int], None]
What = tuple[str, str, str]
"""Operation, provider, quantity."""


class Point(NamedTuple):
    """One data point of a batch; `low` to `high` are its rows, the rest is as in `Told`."""

    low: int
    high: int
    time: int
    start: int
    sender: int
    series: int
    call: int
    rank: int
    counter: bool
    cumulative: bool
    total: float
    scale: int


class Added(NamedTuple):
    """What a data point adds."""

    begin: int
    """When the span began in which it happened, nanoseconds."""
    total: float
    """Sum of the values; NaN: not known."""
    counts: dict[int, int]
    """By index of the bucket."""


@dataclass(slots=True)
class Run:
    """What a series had counted when it was heard of last, since it began."""

    time: int
    scale: int
    total: float
    buckets: dict[int, int]

    def increase(self, point: Point, now: dict[int, int]) -> Added | None:
        """Return what was added since; None where there is less than before, or other buckets."""
        if self.scale != point.scale and (EXPLICIT in {self.scale, point.scale} or self.scale < point.scale):
            return None
        before = self._at(point.scale)
        if any(now.get(index, 0) < count for index, count in before.items()) or (point.counter and point.total < self.total):
            return None
        total = point.total - self.total
        return Added(
            self.time, total if total >= 0 else float("nan"), {index: count - before.get(index, 0) for index, count in now.items()}
        )

    def _at(self, scale: int) -> dict[int, int]:
        """Return the buckets as they are at a coarser scale."""
        shift = self.scale - scale
        merged: dict[int, int] = {}
        for index, count in self.buckets.items():
            place = index if index == ZERO else index >> shift
            merged[place] = merged.get(place, 0) + count
        return merged


@dataclass(slots=True)
class Sender:
    """One resource. Processes that name themselves alike share it: their runs differ in when they began."""

    since: int
    """A run that began before this, nanoseconds, had counted before anybody listened, or was forgotten."""
    runs: dict[tuple[int, int], Run] = field(default_factory=dict)
    """By series and the time it began."""
    seen: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    """Series that tell increases, to the newest spans they told, in order of their ends."""
    believed: dict[tuple[str, str, str, bool], tuple[int, int]] = field(default_factory=dict)
    """Operation, provider, quantity and whether a counter, to the rank of the name it is told under, and when it was last."""

    @property
    def size(self) -> int:
        """Series there are."""
        return len(self.runs) + len(self.seen)

    def believes(self, what: What, point: Point) -> bool:
        """Whether a point tells something no better name tells as well."""
        key = (*what, point.counter)
        rank, heard = self.believed.get(key, (point.rank, 0))
        if point.rank > rank and point.time - heard < _SETTLED:
            return False
        self.believed[key] = (point.rank, max(point.time, heard))
        return True

    def counts_apart(self, what: What, point: Point) -> bool:
        """Whether a counter tells the sum of a histogram's values as well."""
        _, heard = self.believed.get((*what, True), (0, None))
        return not point.counter and heard is not None and point.time - heard < _SETTLED

    def added(self, point: Point, now: dict[int, int], lost: Lost) -> Added | None:
        """Return what a point adds to what was known, None where that is nothing; `lost` is told why."""
        if not point.cumulative:
            return Added(point.start or point.time, point.total, now) if self._is_new(point, lost) else None
        key = (point.series, point.start)
        run = self.runs.get(key)
        if run is not None and point.time <= run.time:
            lost("repeated", 1)
            return None
        self.runs[key] = Run(point.time, point.scale, point.total, now)
        if run is None and len(self.runs) > MOST_RUNS:
            self._forget()
        # A point that ends as it begins says that nobody knows when its series began.
        if run is None and max(self.since, 1) <= point.start < point.time:
            return Added(point.start, point.total, now)
        found = None if run is None else run.increase(point, now)
        if found is not None or run is None:
            if run is None:
                lost("first_point", 1)
            return found
        if not point.start:
            # Nobody said when it began: fewer than before is a new beginning.
            return Added(run.time, point.total, now)
        lost("disagrees", 1)
        return None

    def _is_new(self, point: Point, lost: Lost) -> bool:
        spans = self.seen.setdefault(point.series, [])
        if (point.start, point.time) in spans:
            lost("repeated", 1)
            return False
        insort(spans, (point.start, point.time), key=_ended)
        settled = spans[-1][1] - _SETTLED
        while len(spans) > _MOST_SPANS or (len(spans) > _REMEMBERED and spans[0][1] < settled):
            if spans.pop(0) == (point.start, point.time):
                lost("out_of_order", 1)
                return False
        return True

    def _forget(self) -> None:
        """Forget the tenth of the runs that was heard of longest ago; none of them can count whole again."""
        for key in sorted(self.runs, key=lambda one: self.runs[one].time)[: MOST_RUNS // 10]:
            self.since = max(self.since, self.runs.pop(key).time + 1)

    def plain(self) -> Plain:
        """Return it as data; `sender_from` takes it back."""
        return {
            "since": self.since,
            "runs": [
                [*key, run.time, run.scale, run.total, list(run.buckets), list(run.buckets.values())] for key, run in self.runs.items()
            ],
            "seen": [[series, [list(span) for span in spans]] for series, spans in self.seen.items()],
            "believed": [[*key, *value] for key, value in self.believed.items()],
        }


def sender_from(saved: Plain) -> Sender:
    """Return the sender that `Sender.plain` described."""
    return Sender(
        saved["since"],
        {
            (series, start): Run(time, scale, total, dict(zip(index, count, strict=True)))
            for series, start, time, scale, total, index, count in saved["runs"]
        },
        {series: sorted(((start, time) for start, time in spans), key=_ended) for series, spans in saved["seen"]},
        {
            (operation, provider, quantity, counter): (rank, time)
            for operation, provider, quantity, counter, rank, time in saved["believed"]
        },
    )
