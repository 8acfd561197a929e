"""The pipeline with its store and no threads: frames go in one by one, crashes happen between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from agent.assembly import build_pipeline
from agent.checkpoint import restore, restore_streams, save
from agent.clock import from_nanoseconds
from agent.config import Config
from agent.increments import Increments
from agent.pipeline import Pipeline
from agent.point import Point
from agent.series import Series
from agent.spool.frame import Frame, decode, encode
from agent.spool.position import Position
from agent.store.store import Store
from alerts.event import Event
from detectors.types import Plain


@dataclass
class Hand:
    """A clock that is set by hand."""

    time: int = 0

    def now(self) -> datetime:
        """Return the time it was set to."""
        return from_nanoseconds(self.time)


@dataclass
class Rig:
    """Frames are kept, as the spool keeps them; `read` says how many of them the checkpoint covers."""

    folder: Path
    config: Config
    references: Mapping[str, Plain] = field(default_factory=dict)
    frames: list[bytes] = field(default_factory=list)
    read: int = 0
    began: int = 0
    """When the agent was first started, nanoseconds."""

    def __post_init__(self) -> None:
        self.clock = Hand(self.began)
        self.start()

    def start(self) -> None:
        """Begin, or begin again where the store says."""
        self.store = Store(self.folder / "store.sqlite")
        self.store.outbox.register(["sink"])
        self.pipeline: Pipeline = build_pipeline(
            self.config, self.clock, self.store, references=self.references, origins={}, real_time=True
        )
        self.own, self.increments = Series(), Increments()
        saved = restore(self.store, self.pipeline, self.own, self.increments, self.clock.now())
        restore_streams(self.store, self.pipeline)
        self.read = saved.offset if saved else 0
        for data in self.frames[self.read :]:
            self._absorb(data)

    def send(self, frame: Frame) -> None:
        """Take a frame in, as bytes."""
        self.frames.append(encode(frame))
        self._absorb(self.frames[-1])

    def save(self) -> None:
        """Make a checkpoint."""
        save(self.store, self.pipeline, self.own, self.increments, Position(1, len(self.frames)), {})

    def crash(self) -> None:
        """Lose everything in memory and start again."""
        self.store.close()
        self.start()

    def settle(self, time: int) -> None:
        """Let the clock run to `time` with no traffic, and save."""
        self.clock.time = time
        self.pipeline.advance(time)
        self.save()

    def _absorb(self, data: bytes) -> None:
        frame = decode(data)
        self.clock.time = max(self.clock.time, frame.received)
        self.pipeline.absorb(frame)

    def windows(self, endpoint: str) -> list[tuple[Any, ...]]:
        """Return what was saved of every window, in order."""
        return [(one.stream, one.start, one.end, one.value) for one in self.store.windows(endpoint, 0, 2**62)]

    def told(self) -> tuple[list[Point], list[Event]]:
        """Return all points and events a sink would be given."""
        items, _ = self.store.outbox.next("sink", 10**9)
        points = [point for item in items if not isinstance(item, Event) for point in item]
        return points, [item for item in items if isinstance(item, Event)]

    def counters(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], Any]:
        """Return every counter and histogram."""
        return {(point.metric.name, point.attributes): point.value for point in self.pipeline.series.totals(self.clock.now())}

    def dropped(self) -> dict[tuple[str, str], float]:
        """Return how many records were dropped, by source and reason."""
        return {
            (dict(names)["source"], dict(names)["reason"]): value
            for (name, names), value in self.counters().items()
            if name == "driftline.agent.dropped"
        }


def frames_of(batches: Sequence[Any], received: Sequence[int], source: str = "test") -> list[Frame]:
    """Return batches as frames with their times of arrival."""
    return [Frame(batch, source, None, time) for batch, time in zip(batches, received, strict=True)]
