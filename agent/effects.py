"""What a stretch of the spool leads to, gathered until it is saved in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.labels.realised import Realised
from agent.point import Point
from alerts.event import Event
from detectors.types import Batch, Finding, Plain, Score, Stream, Window


@dataclass(frozen=True, slots=True)
class ClosedWindow:
    """A window with everything that was said of it."""

    stream: Stream
    window: Window
    rows: int
    scores: tuple[Score, ...]
    findings: tuple[Finding, ...]
    profiles: Mapping[str, Plain]
    """Detector id to profile, as data."""
    sample: bytes | None = None
    """A spool frame of sampled rows, where `keep_rows` asks for them."""
    calls: Batch | None = None
    """Sampled calls with the chance each had, where texts are described."""


@dataclass(slots=True)
class Effects:
    """Grows while frames are absorbed; taken whole by whoever saves it."""

    windows: list[ClosedWindow] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    audits: list[Plain] = field(default_factory=list)
    realised: list[Realised] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.windows or self.points or self.events or self.audits or self.realised)
