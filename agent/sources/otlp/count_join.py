"""Holds metrics back until it is clear whether the calls they count come as records too: then they count nothing."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence

from agent.sources.otlp.increases import Increases
from agent.spool.frame import Frame, decode, encode
from detectors.types import Batch, Input, Plain

PATIENCE = 10.0
"""Seconds metrics wait for records of the same calls: twice as long as SDKs gather spans."""
REMEMBERED = 3600.0
"""Seconds after the last call record in which an endpoint's metrics count nothing."""
_MOST_ROWS = 200_000


def _to_nobody(_increases: Batch, _now: int) -> None:
    """Nobody wants to know."""


class CountJoin:
    """Turns counts as they are told into increases, and lets an endpoint's pass if it has no call records.

    With `input: auto` metrics wait 10 s; they are dropped where a call record of their endpoint came meanwhile or within
    the hour before. So no call counts twice, unless its record comes later than that. Everything is in the spool before
    it comes here: `plain` and `senders` are part of the checkpoint. Used from one thread.
    """

    def __init__(
        self,
        lost: Callable[[str, int], None],
        mode: Callable[[str], Input],
        since: int,
        saved: Plain | None = None,
        senders: Mapping[int, Plain] | None = None,
        told: Callable[[Batch, int], None] = _to_nobody,
    ) -> None:
        """`told` sees every increase with the time it came, nanoseconds, whether it counts or not. `mode` says what an endpoint's calls are counted from; `since` is when the agent began, where nothing is `saved`."""
        self._lost = lost
        self._mode = mode
        self._told = told
        self._increases = Increases(lost, since if saved is None else saved["since"], senders or {})
        self._calls: dict[str, float] = {}
        self._held: deque[tuple[float, Batch]] = deque()
        self._rows = 0
        if saved is not None:
            self._calls.update(saved["calls"])
            for until, data in saved["held"]:
                batch = decode(data).batch
                if batch is not None:
                    self._hold(batch, until)

    def push(self, batch: Batch, now: float) -> Sequence[Batch]:
        """Take a batch in; return what is complete. `now` in seconds."""
        if batch.kind == "calls":
            self._heard(batch.endpoint, now)
        if batch.kind != "call_counts":
            return (batch,)
        increases = self._increases.take(batch)
        if increases is None:
            return ()
        self._told(increases, int(now * 1e9))
        mode = self._mode(batch.endpoint)
        if mode == "metrics":
            return (increases,)
        if mode == "calls" or now - self._calls.get(batch.endpoint, float("-inf")) < REMEMBERED:
            self._lost("counted_from_calls", increases.rows)
            return ()
        self._hold(increases, now + PATIENCE)
        return self._released(lambda _until: self._rows > _MOST_ROWS)

    def due(self, now: float) -> Sequence[Batch]:
        """Return the metrics that waited long enough."""
        return self._released(lambda until: until <= now)

    def plain(self) -> Plain:
        """Return what is held back and remembered, but for the senders, as data."""
        held = [[until, encode(Frame(batch, "metrics", None, 0))] for until, batch in self._held]
        return {"since": self._increases.since, "calls": dict(self._calls), "held": held}

    def senders(self) -> Iterator[tuple[int, Plain | None]]:
        """Yield the senders whose memory changed since `saved`; None: it is forgotten."""
        for sender in sorted(self._increases.changed):
            yield sender, self._increases.plain(sender)
        for sender in sorted(self._increases.gone):
            yield sender, None

    def saved(self) -> None:
        """Take note that everything is saved."""
        self._increases.changed.clear()
        self._increases.gone.clear()

    def _heard(self, endpoint: str, now: float) -> None:
        self._calls[endpoint] = now
        if self._held and self._mode(endpoint) == "auto":
            kept = deque[tuple[float, Batch]]()
            for until, batch in self._held:
                if batch.endpoint == endpoint:
                    self._rows -= batch.rows
                    self._lost("counted_from_calls", batch.rows)
                else:
                    kept.append((until, batch))
            self._held = kept

    def _hold(self, batch: Batch, until: float) -> None:
        self._held.append((until, batch))
        self._rows += batch.rows

    def _released(self, ripe: Callable[[float], bool]) -> list[Batch]:
        found = []
        while self._held and ripe(self._held[0][0]):
            _, batch = self._held.popleft()
            self._rows -= batch.rows
            found.append(batch)
        return found
