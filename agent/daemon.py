"""`driftline run`: wires spool, store, pipeline, sources and sinks together, and takes them apart in order."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from agent.admin.server import serve
from agent.assembly import build_engine
from agent.clock import WallClock
from agent.config import Config, Endpoint
from agent.content.templates import content_stage
from agent.content_safety.start import checking_of
from agent.delivery import Delivery
from agent.engine import Engine
from agent.golden.start import EVERY as GOLDEN_EVERY
from agent.golden.start import canaries_of
from agent.health import Health
from agent.heap import give_back
from agent.intake import Intake, Poller, cursors
from agent.judged import Judges
from agent.judges.held import HeldTexts
from agent.judges.start import EVERY as JUDGED_EVERY
from agent.judges.start import judging_of
from agent.lock import Lock
from agent.redaction.masking import masks_of
from agent.redaction.start import recognising
from agent.references import require
from agent.routing import MatchRouter
from agent.schedule import Schedule
from agent.series import Series
from agent.sources import Context, PullSource
from agent.spool.spool import Spool
from agent.store.store import Store
from agent.texts.start import EVERY as TEXTS_EVERY
from agent.texts.start import texts_of
from agent.triggers import Triggered, triggered
from detectors.types import Plain

if TYPE_CHECKING:
    from agent.golden.canaries import Canaries
    from agent.texts.keeping import Keeping

_log = logging.getLogger(__name__)

_DRAIN = timedelta(seconds=5)
_PATIENCE = 5.0
"""Seconds to wait for a command that works on the state folder just now: between two configurations it may come in between."""
_FAREWELL = 5.0
"""Seconds at the end to deliver what is left; what does not go waits in the store."""


@dataclass(slots=True)
class Daemon:
    """One configuration, running. `ready` is called once listeners accept and the spool is open."""

    config: Config
    ready: Callable[[], None] = field(default=lambda: None)
    _deliveries: list[Delivery] = field(default_factory=list)
    _pollers: list[Poller] = field(default_factory=list)
    _judges: Sequence[Judges] = ()
    _canaries: "Canaries | None" = None

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set. Raises ConfigError or Unavailable before it is ready, nothing afterwards."""
        config = self.config
        with Lock(config.state, _PATIENCE), Store(config.state / "store.sqlite") as store:
            spool = Spool(config.state / "spool", config.spool)
            try:
                await self._with_spool(store, spool, stop)
            finally:
                await spool.close()

    async def _with_spool(self, store: Store, spool: Spool, stop: asyncio.Event) -> None:
        config, clock, own = self.config, WallClock(), Series()
        require(config, store)
        notifiers = config.notifiers if config.paging == "agent" else {}
        pushed = {name: sink for name, sink in {**config.sinks, **notifiers}.items() if hasattr(sink, "open")} | triggered(config)
        store.outbox.register(list(pushed))
        router = MatchRouter(config)
        engine = build_engine(config, store, spool, own, clock, router=router, sinks=list(pushed))
        schedule = Schedule(own)
        held = HeldTexts(clear=recognising(config, own))
        keeping = texts_of(config, own, clock)
        intake = Intake(spool, clock, content_stage(config, own, held, keeping), masks_of(config, own))
        engine.pipeline.keep_texts = None if keeping is None else keeping.closed
        random = Random()  # noqa: S311 - jitter of waits, no secret
        starts = (
            judging_of(config, store, engine, own, clock, held, random, keeping),
            checking_of(config, store, engine, own, clock, held, random),
        )
        engine.pipeline.judges = self._judges = [one for one in starts if one is not None]
        golden = self._canaries = canaries_of(config, store, engine, clock)
        async with contextlib.AsyncExitStack() as stack:
            if keeping is not None:
                stack.callback(keeping.kept.close)
            health = Health(config.health, lambda: engine.alive)
            await stack.enter_async_context(health.serve())
            for name, sink in config.sinks.items():
                if hasattr(sink, "serve"):
                    port = await stack.enter_async_context(sink.serve(engine.points))
                    _log.info("%s: metrics at port %d", name, port)
            for name, source in config.sources.items():
                context = Context(name, router, None, own, clock)
                await stack.enter_async_context(source.listen(context, intake.emit))

            def do(command: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
                # Imported here: most agents are never asked anything.
                from agent.admin.commands import Commands  # noqa: PLC0415

                return Commands(config, store, engine, clock, golden).do(command, options)

            await stack.enter_async_context(serve(config.state, do))
            engine.start()
            try:
                schedule.start()
                health.ready = True
                self.ready()
                self._poll(schedule, intake, router, own, clock, cursors(spool.cursors(), store.cursors()))
                self._recur(schedule, engine, keeping)
                await self._until(stop, pushed, store, own, schedule)
            finally:
                health.ready = False
                await self._wind_down(schedule, engine)

    def _recur(self, schedule: Schedule, engine: Engine, keeping: "Keeping | None") -> None:
        """Begin what happens again and again beside polls and deliveries."""
        schedule.every(self.config.interval, "tick", engine.tick, jitter=False)
        if keeping is not None:
            schedule.every(TEXTS_EVERY, "texts", keeping.sweep, outside=True)
        for judges in self._judges:
            for name in judges.endpoints:
                schedule.every(JUDGED_EVERY, f"{judges.name} {name}", partial(judges.sit, name), outside=True)
        if self._canaries is not None and self._canaries.any:
            schedule.every(GOLDEN_EVERY, "golden sets", self._canaries.tick)

    async def _until(self, stop: asyncio.Event, pushed: Mapping[str, Any], store: Store, own: Series, schedule: Schedule) -> None:
        """Wait for the end. Importing an exporter takes longer than everything else together; nobody has to wait for it."""
        opening = asyncio.create_task(asyncio.to_thread(self._open_sinks, pushed, store, own, schedule))
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({opening, stopped}, return_when=asyncio.FIRST_COMPLETED)
            await opening
            await stopped
        finally:
            stopped.cancel()

    def _poll(
        self, schedule: Schedule, intake: Intake, router: MatchRouter, own: Series, clock: WallClock, known: Mapping[str, Plain]
    ) -> None:
        for endpoint in self.config.endpoints.values():
            if endpoint.source is not None:
                name = source_name(endpoint)
                source: PullSource = endpoint.source
                poller = Poller(source, Context(name, router, endpoint, own, clock), intake, known.get(name), own)
                self._pollers.append(poller)
                every = getattr(source, "every", timedelta(seconds=30))
                schedule.every(every, f"poll {name}", poller.poll, outside=True)

    def _open_sinks(self, pushed: Mapping[str, Any], store: Store, own: Series, schedule: Schedule) -> None:
        """Import and open what may be heavy, after listeners accept. Raises ConfigError for a sink that cannot be opened."""
        for name, options in pushed.items():
            notifier, trigger = name in self.config.notifiers, isinstance(options, Triggered)
            delivery = Delivery(name, options.open(), store.outbox, own, takes_points=not (notifier or trigger))
            self._deliveries.append(delivery)
            # There may be hundreds of triggers, and training takes hours: they need not look so often.
            every = self.config.interval if trigger else _DRAIN if notifier else min(self.config.interval, _DRAIN)
            schedule.every(every, f"deliver {name}", delivery.drain, jitter=False, outside=True)
        give_back()  # what importing them took on the way

    async def _wind_down(self, schedule: Schedule, engine: Engine) -> None:
        """End in order, and in the time an orchestrator gives: polls, then the engine, then what can be delivered at once."""
        for poller in self._pollers:
            poller.stop()
        for delivery in self._deliveries:
            delivery.stop()
        for judges in self._judges:
            judges.stop()
        if self._canaries is not None:
            self._canaries.stop()
        if not await schedule.stop():
            _log.warning("a source or sink does not answer; going without it")
        await asyncio.to_thread(self._finish, engine)

    def _finish(self, engine: Engine) -> None:
        try:
            engine.tick(3.0)
        except TimeoutError:
            _log.warning("the engine has no time for a last heartbeat")
        engine.stop()
        for delivery in self._deliveries:
            delivery.finish(_FAREWELL / len(self._deliveries))
            delivery.close()


def source_name(endpoint: Endpoint) -> str:
    """Return the id of an endpoint's own source in metrics and cursors."""
    return f"{type(endpoint.source).__name__.lower()}/{endpoint.name}"
