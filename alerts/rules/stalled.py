"""Whether what looks at closed windows keeps them waiting: what its rules share."""

from dataclasses import dataclass
from datetime import timedelta

from alerts.rule import Observation, Reading
from alerts.share import span
from detectors.metric import Metric
from detectors.types import Level


@dataclass(frozen=True, slots=True)
class Stall:
    """One kind of waiting."""

    alert: str
    lag: Metric
    """Seconds the oldest waiting window has been over."""
    said: str
    """What is missing, with {} for how long; what follows from it."""

    def read(self, observation: Observation, windows: float, severity: Level) -> Reading | None:
        """Return whether the oldest waiting window waits longer than so many window lengths; None where none was ever told of."""
        lag = observation.value(self.lag)
        if lag is None:
            return None
        limit = windows * observation.length
        waited = f"{span(timedelta(seconds=lag))} (limit {span(limit)})"
        return Reading(
            self.alert,
            observation.stream,
            lag > limit.total_seconds(),
            severity,
            self.lag,
            lag,
            limit.total_seconds(),
            observation.window,
            {"lag": lag},
            {},
            f"{observation.stream.endpoint}: {self.said.format(waited)}",
        )
