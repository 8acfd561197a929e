"""Runs a batch through everything that may hold it back until its pieces are together."""

from collections.abc import Sequence
from typing import Protocol

from agent.faults import Faults
from agent.spool.frame import Frame
from detectors.types import Batch, Plain


class Join(Protocol):
    """Holds back what arrives in pieces until the pieces are together, or long enough."""

    def push(self, batch: Batch, now: float) -> Sequence[Batch]:
        """Take a batch in; return what is complete. `now` in seconds."""
        ...

    def due(self, now: float) -> Sequence[Batch]:
        """Return what waited long enough."""
        ...

    def plain(self) -> Plain:
        """Return what is held back, as data."""
        ...


class Joins:
    """One after another. A join that fails costs the batch it was given, and nobody else's."""

    def __init__(self, joins: Sequence[Join], faults: Faults) -> None:
        self._joins = joins
        self._faults = faults

    def push(self, frame: Frame, batch: Batch) -> Sequence[Batch]:
        """Take the batch of a frame in; return what is complete."""
        ready: list[Batch] = [batch]
        for join in self._joins:
            ready = [done for part in ready for done in self._pushed(join, part, frame)]
        return ready

    def due(self, now: float) -> Sequence[Batch]:
        """Return what waited long enough; `now` in seconds."""
        ready: list[Batch] = []
        for join in self._joins:
            try:
                ready += join.due(now)
            except Exception as error:  # noqa: BLE001 - whatever it is, the other joins let go
                self._faults.tell("join", "", 1, error)
        return ready

    def _pushed(self, join: Join, batch: Batch, frame: Frame) -> Sequence[Batch]:
        try:
            return join.push(batch, frame.received / 1e9)
        except Exception as error:  # noqa: BLE001 - whatever it is, the frames behind it are counted
            self._faults.tell(frame.source, batch.endpoint, batch.rows, error)
            return ()
