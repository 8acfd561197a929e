"""An agent without threads that lives through days, is killed, and starts again as the real one does."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

from agent.assembly import build_pipeline
from agent.baselines.asked import Accept, Chosen
from agent.baselines.changing import Changing
from agent.baselines.streams import Living, Saved
from agent.baselines.wording import accepted_lines
from agent.checkpoint import restore, restore_streams, save
from agent.clock import from_nanoseconds
from agent.config import AlarmBudget, Config, Endpoint, Reference
from agent.increments import Increments
from agent.pipeline import Pipeline
from agent.references import load, require
from agent.routing import MatchRouter
from agent.series import Series
from agent.spool.frame import Frame
from agent.spool.position import Position
from agent.store.store import Store
from alerts.event import Event
from detectors.drift.state import DriftState
from detectors.types import Batch, Category, Column, Stream

SEED = 2000
"""Of the rows."""
DAY = 86_400 * 10**9
START = datetime(2026, 1, 5, tzinfo=UTC)
AT = int(START.timestamp()) * 10**9
MODEL = Endpoint("model", window=timedelta(hours=4), allowed_lateness=timedelta(0), alarm_budget=AlarmBudget(4.0, 30.0))
LIVE = Stream("model", "default", "live")


@dataclass
class Hand:
    """A clock that is set by hand."""

    time: int = AT

    def now(self) -> datetime:
        """Return the time it was set to."""
        return from_nanoseconds(self.time)


@dataclass
class Lived:
    """Six windows a day, of a hundred rows unless told otherwise."""

    folder: Path
    config: Config = field(default_factory=lambda: Config(endpoints={"model": MODEL}))

    def __post_init__(self) -> None:
        self.clock = Hand()
        self.start()

    def start(self) -> None:
        """Start on what is in the store. Raises ConfigError as the agent does."""
        self.store = Store(self.folder / "store.sqlite")
        self.store.outbox.register(["sink"])
        require(self.config, self.store)
        self.own, self.increments = Series(), Increments()
        self.pipeline: Pipeline = build_pipeline(self.config, self.clock, self.store, references={}, origins={}, real_time=True)
        restore(self.store, self.pipeline, self.own, self.increments, self.clock.now())
        found = load(self.config, self.store, MatchRouter(self.config), self.own, self.clock)
        self.pipeline.refer(found.beginnings, found.origins)
        restore_streams(self.store, self.pipeline)

    def kill(self) -> None:
        """Lose everything that is not in the store, and start again."""
        self.store.close()
        self.start()

    def days(self, first: int, last: int, shift: float = 0.0, *, save: bool = True, deployment: str = "default", rows: int = 100) -> None:
        """Live through days, the last left out. The last window of the last day stays open."""
        for window in range(6 * first, 6 * last):
            random = np.random.default_rng(SEED + window)
            times = AT + window * DAY // 6 + np.arange(rows) * 10**9
            self.clock.time = max(self.clock.time, int(times[-1]))
            columns: dict[str, Column] = {"time": times, "deployment": Category.constant(deployment, rows)}
            features: dict[str, Column] = {"x": random.normal(shift, size=rows), "c": Category.of(["a", "b", "b", "c"] * (rows // 4))}
            self.pipeline.absorb(Frame(Batch("model", "rows", rows, columns, features), "test", None, int(times[-1])))
        if save:
            self.save()

    def save(self) -> None:
        """Make a checkpoint."""
        save(self.store, self.pipeline, self.own, self.increments, Position(1, 1), {})

    @property
    def living(self) -> Changing:
        """What changes references while it runs."""
        return Changing(self.config, self.store, Living(self.pipeline), self.clock)

    @property
    def asleep(self) -> Changing:
        """What changes them while it does not: of this object only the store is used."""
        return Changing(self.config, self.store, Saved(self.config, self.store), self.clock)

    def state(self, stream: Stream = LIVE) -> DriftState:
        """Return the drift state of a stream."""
        state = self.pipeline.streams[stream].states["drift"]
        assert isinstance(state, DriftState)
        return state

    def events(self) -> list[Event]:
        """Return all events a sink would be given."""
        items, _ = self.store.outbox.next("sink", 10**9)
        return [item for item in items if isinstance(item, Event)]

    def firing(self) -> bool:
        """Whether the drift alert fires."""
        told = [event for event in self.events() if (event.kind, event.name) == ("alert", "drift")]
        return bool(told) and told[-1].state == "fired"


FIXED = replace(MODEL, reference=Reference(pages="fixed"))
"""The same endpoint, whose fixed reference pages."""
Ways = Callable[[Lived], Changing]


def living(agent: Lived) -> Changing:
    """Change the running agent."""
    return agent.living


def asleep(agent: Lived) -> Changing:
    """Change the store of an agent that does not run."""
    return agent.asleep


def on(number: int) -> date:
    """Return the n-th day."""
    return (START + timedelta(days=number)).date()


def accept_shifted(agent: Lived, way: Ways = living) -> list[str]:
    """Accept the days 10 to 19, and return what is said."""
    found = way(agent).accept(Accept(Chosen("model", first=on(10), last=on(19))))
    return [line for one in found for line in accepted_lines(one)]
