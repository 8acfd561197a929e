"""What the pipeline asks of judges: to take closed windows, and to say how long they have kept silent."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol

from agent.effects import ClosedWindow
from detectors.metric import Metric


class Judges(Protocol):
    """Judges sampled answers of closed windows, in threads of its own."""

    name: str
    """What it is called in the schedule."""
    lag: Metric
    """What tells how long it kept silent."""

    @property
    def endpoints(self) -> Sequence[str]:
        """Endpoints it looks at."""
        ...

    def sit(self, endpoint: str) -> None:
        """Judge what waits of one endpoint."""
        ...

    def stop(self) -> None:
        """End after the call that is under way."""
        ...

    def offer(self, closed: ClosedWindow) -> None:
        """Take a closed window in; returns at once."""
        ...

    def lags(self) -> Mapping[str, timedelta]:
        """Return how long each endpoint's oldest window waits for a verdict."""
        ...
