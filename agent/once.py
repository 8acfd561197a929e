"""Takes in what the sources of endpoints hold now, closes every window that has ended, and ends: for a nightly job, or a first look."""

import logging
import threading
from dataclasses import dataclass

from agent.assembly import build_engine, build_pipeline
from agent.checkpoint import restore, restore_streams, save
from agent.clock import WallClock, to_nanoseconds
from agent.config import Config
from agent.daemon import source_name
from agent.engine import Engine
from agent.errors import ConfigError, DriftlineError, SpoolFull, Unavailable
from agent.increments import Increments
from agent.intake import Intake, cursors
from agent.lock import Lock
from agent.redaction.masking import masks_of
from agent.references import load, require
from agent.routing import MatchRouter
from agent.series import Series
from agent.sources import Clock, Context, Poll, PullSource
from agent.spool.position import START
from agent.spool.spool import Spool
from agent.store.store import Store
from agent.triggers import triggered
from detectors.catalog import AGENT_RECEIVED, AGENT_SOURCE_ERRORS
from detectors.types import Plain

_log = logging.getLogger(__name__)

_PATIENCE = 7 * 86_400.0
"""Seconds the engine may take for what was read: as long as it needs."""


@dataclass(frozen=True, slots=True)
class Once:
    """What one run took in."""

    rows: int
    failures: int
    """Sources that could not be read."""


async def run_once(config: Config) -> Once:
    """Read, judge and save; nothing is sent, what goes out waits in the store. Raises ConfigError or Unavailable."""
    if not any(endpoint.source is not None for endpoint in config.endpoints.values()):
        raise ConfigError("run --once: no endpoint has a source of its own that could be read; listeners need driftline run")
    clock, own = WallClock(), Series()
    with Lock(config.state), Store(config.state / "store.sqlite") as store:
        require(config, store)
        notifiers = config.notifiers if config.paging == "agent" else {}
        sinks = {name for name, sink in {**config.sinks, **notifiers}.items() if hasattr(sink, "open")} | set(triggered(config))
        store.outbox.register(sorted(sinks))
        spool = Spool(config.state / "spool", config.spool)
        try:
            rows = _read(config, store, spool, own, clock, sorted(sinks))
        finally:
            await spool.close()
        _close(config, store, clock)
        return Once(rows, _counted(own, AGENT_SOURCE_ERRORS.name, clock))


def _read(config: Config, store: Store, spool: Spool, own: Series, clock: Clock, sinks: list[str]) -> int:
    """Move everything new through the spool into the store; return the rows that were counted."""
    router = MatchRouter(config)
    engine = build_engine(config, store, spool, own, clock, router=router, sinks=sinks)
    counted = _counted(engine.pipeline.series, AGENT_RECEIVED.name, clock)
    intake, known = Intake(spool, clock, masks=masks_of(config, own)), cursors(spool.cursors(), store.cursors())
    engine.start()
    try:
        _reading(engine)
        for endpoint in config.endpoints.values():
            if endpoint.source is not None:
                name = source_name(endpoint)
                _poll(endpoint.source, Context(name, router, endpoint, own, clock), intake, known.get(name))
        _caught_up(engine)
    finally:
        engine.stop(_PATIENCE)
    return _counted(engine.pipeline.series, AGENT_RECEIVED.name, clock) - counted


def _poll(source: PullSource, context: Context, intake: Intake, cursor: Plain | None) -> None:
    """Move everything new to the spool, at the pace of the engine. A source that fails is told of and counted."""
    pause = threading.Event()
    try:
        for chunk in source.poll(context, cursor):
            while not _put(intake, chunk, context.name):
                pause.wait(0.2)
    except DriftlineError as error:
        context.series.add(AGENT_SOURCE_ERRORS, source=context.name)
        _log.error("source %s: %s", context.name, error)


def _put(intake: Intake, chunk: Poll, name: str) -> bool:
    """Put a chunk into the spool; return whether there was room."""
    try:
        intake.put(chunk, name)
    except SpoolFull:
        return False
    return True


def _reading(engine: Engine) -> None:
    """Wait until the references are built: an engine that is told to end before gives up on them."""
    pause = threading.Event()
    while engine.alive:
        try:
            engine.ask(lambda _: None)
        except Unavailable:
            pause.wait(0.1)
        else:
            return


def _caught_up(engine: Engine) -> None:
    """Wait until everything is taken in: an engine that is told to end may leave for its next start what came just now."""
    pause = threading.Event()
    while engine.alive and not engine.caught_up:
        pause.wait(0.05)


def _close(config: Config, store: Store, clock: Clock) -> None:
    """Close the windows that have ended: nobody waits here for rows that may still come."""
    pipeline = build_pipeline(config, clock, store, references={}, origins={}, real_time=True)
    own, increments = Series(), Increments()
    position = restore(store, pipeline, own, increments, clock.now())
    found = load(config, store, MatchRouter(config), Series(), clock)
    pipeline.refer(found.beginnings, found.origins)
    restore_streams(store, pipeline)
    now = to_nanoseconds(clock.now())
    pipeline.settle(now)
    save(store, pipeline, own, increments, position or START, {})
    pipeline.judge_labels(now)
    save(store, pipeline, own, increments, position or START, {})


def _counted(series: Series, metric: str, clock: Clock) -> int:
    totals = (point.value for point in series.totals(clock.now()) if point.metric.name == metric)
    return sum(int(value) for value in totals if isinstance(value, float | int))
