"""Joins labels while no agent runs: the store is taken, brought up to date, and given back."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent.assembly import build_pipeline
from agent.checkpoint import restore, restore_streams, save
from agent.clock import to_nanoseconds
from agent.config import Config
from agent.increments import Increments
from agent.references import load
from agent.routing import MatchRouter
from agent.series import Series
from agent.sources import Clock
from agent.spool.position import START
from agent.store.store import Store
from alerts.event import Event
from detectors.catalog import LABELS_RECEIVED
from detectors.decay.decay import Decay
from detectors.types import Batch


@dataclass(frozen=True, slots=True)
class Joined:
    """What became of the labels."""

    outcomes: Counter[str]
    windows: int
    """Windows that say something new."""
    alerts: Sequence[Event]
    """What that leads to."""


def join_offline(config: Config, store: Store, clock: Clock, batches: Iterable[Batch]) -> Joined:
    """Join labels with the answers in the store, and measure what they change. The caller holds the lock of the state folder.

    What waits in the spool stays there: labels of answers in it are joined once the agent reads them.
    """
    pipeline = build_pipeline(config, clock, store, references={}, origins={}, real_time=True)
    # What error is usual may be known from the reference.
    pipeline.refer(load(config, store, MatchRouter(config), Series(), clock, only=Decay).beginnings, {})
    own, increments = Series(), Increments()
    position = restore(store, pipeline, own, increments, clock.now())
    restore_streams(store, pipeline)
    for windows in pipeline.streams.values():
        # They stay as they were saved: which reference they began from is known to the agent alone.
        windows.changed = windows.touched = False
    before = _outcomes(pipeline.series, clock)
    for batch in batches:
        if pipeline.late is not None:
            pipeline.late.take(batch, to_nanoseconds(clock.now()))
        save(store, pipeline, own, increments, position or START, {})
    pipeline.judge_labels(to_nanoseconds(clock.now()))
    effects = pipeline.take_effects()
    pipeline.put_back(effects)
    events = tuple(effects.events)
    windows_told = sum(len(found.changed) for found in effects.realised)
    save(store, pipeline, own, increments, position or START, {})
    return Joined(_outcomes(pipeline.series, clock) - before, windows_told, events)


def _outcomes(series: Series, clock: Clock) -> Counter[str]:
    found: Counter[str] = Counter()
    for point in series.totals(clock.now()):
        if point.metric is LABELS_RECEIVED and isinstance(point.value, float | int):
            found[dict(point.attributes)["outcome"]] += int(point.value)
    return found
