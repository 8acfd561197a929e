"""Where points and events go: each sink drains the outbox at its own pace, at least once."""

from collections.abc import Sequence
from typing import Protocol

from agent.point import Point
from alerts.event import Event


class Sink(Protocol):
    """Takes points and events out of the process."""

    def write(self, points: Sequence[Point], events: Sequence[Event]) -> Sequence[int]:
        """Deliver; return what was refused for good (to be counted and dropped): indices into `points`, then on into `events`.

        Runs in a thread. Raises Transient when the whole write should be tried again (nothing is forgotten)
        and Permanent when it never will succeed.
        """
        ...

    def close(self) -> None:
        """Let go of connections; nothing is written afterwards."""
        ...
