"""Which reference each stream begins from, its endpoint's or one accepted for it alone; and which days are part of none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agent.config import Endpoint
from agent.drift_rules import watching_without
from agent.endpoint import detectors_of
from detectors.drift.calendar import Days
from detectors.types import Detector, Plain, Stream


@dataclass(frozen=True, slots=True)
class Own:
    """A reference that was accepted for one stream."""

    state: Plain
    mark: str
    """Name and version of the baseline."""


@dataclass(slots=True)
class Beginnings:
    """Used by the pipeline's thread."""

    shared: dict[str, Plain] = field(default_factory=dict)
    """`endpoint/detector` to the state that its streams begin from."""
    marks: dict[str, str] = field(default_factory=dict)
    """`endpoint/detector` to which reference that is."""
    own: dict[tuple[Stream, str], Own] = field(default_factory=dict)
    """Stream and detector to what was accepted for it: this wins."""
    excluded: dict[str, tuple[Days, ...]] = field(default_factory=dict)
    """Endpoint to the days somebody took out of its references, beside those of the configuration."""

    def state(self, stream: Stream, detector: str) -> Plain | None:
        """Return what a stream's detector begins from; None: it learns from live windows."""
        own = self.own.get((stream, detector))
        return self.shared.get(f"{stream.endpoint}/{detector}") if own is None else own.state

    def mark(self, stream: Stream, detector: str) -> str | None:
        """Return which reference that is; None where there is none."""
        own = self.own.get((stream, detector))
        return self.marks.get(f"{stream.endpoint}/{detector}") if own is None else own.mark

    def watchers(self, endpoint: Endpoint, deployments: int) -> Mapping[str, Detector[Any]]:
        """Return what watches an endpoint of so many deployments, with all days that are part of no reference."""
        days = self.excluded.get(endpoint.name, ())
        found = detectors_of(endpoint, deployments)
        return {name: watching_without(detector, days) for name, detector in found.items()} if days else found
