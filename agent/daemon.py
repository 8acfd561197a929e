"""`driftline run`: wires spool, store, pipeline, sources and sinks together, and takes them apart in order."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from agent.assembly import build_engine
from agent.clock import WallClock
from agent.config import Config, Endpoint
from agent.delivery import Delivery
from agent.engine import Engine
from agent.health import Health
from agent.intake import Intake, Poller, cursors
from agent.lock import Lock
from agent.routing import MatchRouter
from agent.schedule import Schedule
from agent.series import Series
from agent.sources import Context, PullSource
from agent.spool.spool import Spool
from agent.store.store import Store

_log = logging.getLogger(__name__)

_DRAIN = timedelta(seconds=5)


@dataclass(slots=True)
class Daemon:
    """One configuration, running. `ready` is called once listeners accept and the spool is open."""

    config: Config
    ready: Callable[[], None] = field(default=lambda: None)
    _deliveries: list[Delivery] = field(default_factory=list)

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set. Raises ConfigError or Unavailable before it is ready, nothing afterwards."""
        config = self.config
        with Lock(config.state), Store(config.state / "store.sqlite") as store:
            spool = Spool(config.state / "spool", config.spool)
            try:
                await self._with_spool(store, spool, stop)
            finally:
                await spool.close()

    async def _with_spool(self, store: Store, spool: Spool, stop: asyncio.Event) -> None:
        config, clock, own = self.config, WallClock(), Series()
        notifiers = config.notifiers if config.paging == "agent" else {}
        pushed = {name: sink for name, sink in {**config.sinks, **notifiers}.items() if hasattr(sink, "open")}
        store.outbox.register(list(pushed))
        router = MatchRouter(config)
        engine = build_engine(config, store, spool, own, clock, router=router, sinks=list(pushed))
        schedule = Schedule(own)
        intake = Intake(spool, clock)
        async with contextlib.AsyncExitStack() as stack:
            health = Health(config.health)
            await stack.enter_async_context(health.serve())
            for name, sink in config.sinks.items():
                if hasattr(sink, "serve"):
                    port = await stack.enter_async_context(sink.serve(engine.points))
                    _log.info("%s: metrics at port %d", name, port)
            for name, source in config.sources.items():
                context = Context(name, router, None, own, clock)
                await stack.enter_async_context(source.listen(context, intake.emit))
            engine.start()
            schedule.start()
            health.ready = True
            self.ready()
            self._polls(schedule, intake, router, own, clock, cursors(spool.cursors(), store.cursors()))
            schedule.every(config.interval, "tick", engine.tick, jitter=False)
            # Importing an exporter takes longer than everything else together; nobody has to wait for it.
            opening = asyncio.create_task(asyncio.to_thread(self._open_sinks, pushed, store, own, schedule))
            stopped = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait({opening, stopped}, return_when=asyncio.FIRST_COMPLETED)
                await opening
                await stopped
            finally:
                stopped.cancel()
                health.ready = False
                await schedule.stop()
                await asyncio.to_thread(self._wind_down, engine)

    def _polls(self, schedule: Schedule, intake: Intake, router: MatchRouter, own: Series, clock: WallClock, known: Any) -> None:
        for endpoint in self.config.endpoints.values():
            if endpoint.source is not None:
                name = source_name(endpoint)
                source: PullSource = endpoint.source
                poller = Poller(source, Context(name, router, endpoint, own, clock), intake, known.get(name), own)
                every = getattr(source, "every", timedelta(seconds=30))
                schedule.every(every, f"poll {name}", poller.poll)

    def _open_sinks(self, pushed: dict[str, Any], store: Store, own: Series, schedule: Schedule) -> None:
        """Import and open what may be heavy, after listeners accept. Raises ConfigError for a sink that cannot be opened."""
        for name, options in pushed.items():
            notifier = name in self.config.notifiers
            delivery = Delivery(name, options.open(), store.outbox, own, takes_points=not notifier)
            self._deliveries.append(delivery)
            schedule.every(_DRAIN if notifier else min(self.config.interval, _DRAIN), f"deliver {name}", delivery.drain, jitter=False)

    def _wind_down(self, engine: Engine) -> None:
        engine.tick()
        engine.stop()
        for delivery in self._deliveries:
            delivery.drain()
            delivery.close()


def source_name(endpoint: Endpoint) -> str:
    """Return the id of an endpoint's own source in metrics and cursors."""
    return f"{type(endpoint.source).__name__.lower()}/{endpoint.name}"
