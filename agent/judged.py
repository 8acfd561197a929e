"""What the pipeline asks of judges: to take closed windows, and to say how long they have kept silent."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol

from agent.effects import ClosedWindow


class Judges(Protocol):
    """Judges sampled answers of closed windows, in threads of its own."""

    def offer(self, closed: ClosedWindow) -> None:
        """Take a closed window in; returns at once."""
        ...

    def lags(self) -> Mapping[str, timedelta]:
        """Return how long each endpoint's oldest window waits for a verdict."""
        ...
