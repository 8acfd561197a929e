"""Which reference each stream begins from: its endpoint's, or one accepted for it alone; and which spans are taken out of all."""

from dataclasses import dataclass, field
from typing import Any

from detectors.drift.state import DriftState
from detectors.types import Plain, Stream

Span = tuple[int, int]
"""Seconds since 1970: start, end."""


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
    excluded: dict[str, tuple[Span, ...]] = field(default_factory=dict)
    """Endpoint to the spans somebody took out of its references."""

    def state(self, stream: Stream, detector: str) -> Plain | None:
        """Return what a stream's detector begins from; None: it learns from live windows."""
        own = self.own.get((stream, detector))
        return self.shared.get(f"{stream.endpoint}/{detector}") if own is None else own.state

    def mark(self, stream: Stream, detector: str) -> str | None:
        """Return which reference that is; None where there is none."""
        own = self.own.get((stream, detector))
        return self.marks.get(f"{stream.endpoint}/{detector}") if own is None else own.mark

    def without_excluded(self, endpoint: str, state: Any) -> Any:
        """Return a detector's state with the endpoint's excluded spans out of its references."""
        if isinstance(state, DriftState):
            for start, end in self.excluded.get(endpoint, ()):
                if (start, end) not in state.excluded:
                    state = state.exclude(start, end)
        return state
