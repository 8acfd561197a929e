"""Azure AI Content Safety of all endpoints that ask it: given closed windows by the engine, run by the schedule, heard by the engine."""

import logging
import threading
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from random import Random

from agent.config import Config, Endpoint
from agent.content_safety.checker import Checker, Service
from agent.content_safety.options import TAKER, ContentSafety
from agent.content_safety.sitting import CheckSitting
from agent.effects import ClosedWindow
from agent.engine import Engine
from agent.judges.held import HeldTexts
from agent.judges.showing import show, told
from agent.judges.sitting import Pending
from agent.judges.spend import Spent
from agent.labels.sampled import Sampled
from agent.series import Series
from agent.sources import Clock
from agent.store.store import Store
from alerts.event import Event
from detectors import catalog_attacks
from detectors.metric import Metric
from detectors.types import Score, Stream, Window

_log = logging.getLogger(__name__)


class Checking:
    """Knows every endpoint's checks. `offer` comes from the engine's thread, `sit` from the schedule's."""

    name = "content safety"
    lag: Metric = catalog_attacks.AGENT_CONTENT_SAFETY_LAG

    def __init__(self, config: Config, store: Store, engine: Engine, series: Series, clock: Clock, held: HeldTexts, random: Random) -> None:
        """`random` gives waits their jitter."""
        self._random = random
        self._engine = engine
        self._series = series
        self._clock = clock
        self._held = held
        self._stopping = threading.Event()
        self._sittings = {
            name: self._sitting(endpoint, endpoint.content_safety, store.get(f"{TAKER}/{name}"))
            for name, endpoint in config.endpoints.items()
            if endpoint.content_safety is not None
        }

    @property
    def endpoints(self) -> Sequence[str]:
        """Endpoints that are checked."""
        return list(self._sittings)

    def offer(self, closed: ClosedWindow) -> None:
        """Take a closed window in, where its endpoint is checked and calls were sampled. Live traffic alone is checked."""
        sitting = self._sittings.get(closed.stream.endpoint)
        if sitting is not None and closed.calls is not None and closed.stream.traffic == "live":
            sitting.offer(Pending(closed.stream, closed.window, closed.calls))

    def sit(self, endpoint: str) -> None:
        """Check what waits of one endpoint; show what it took."""
        sitting = self._sittings[endpoint]
        sitting.sit()
        now = self._clock.now()
        spent = sitting.judge.spent.on(now.date())
        values = {self.lag: sitting.lag(now), catalog_attacks.AGENT_CONTENT_SAFETY_SPENT: spent.tokens + spent.reserved_tokens}
        show(self._series, self._held, endpoint, now, values)

    def lags(self) -> Mapping[str, timedelta]:
        """Return how long each endpoint's oldest window waits."""
        now = self._clock.now()
        return {name: timedelta(seconds=sitting.lag(now)) for name, sitting in self._sittings.items()}

    def stop(self) -> None:
        """Let checks end after the request that is under way."""
        self._stopping.set()

    def _sitting(self, endpoint: Endpoint, options: ContentSafety, saved: Mapping[str, object] | None) -> CheckSitting:
        _log.info(
            "endpoint %s: checking %d calls a window takes about %s requests a day and deployment; never more than %s a day",
            endpoint.name, options.calls, f"{options.estimate(timedelta(days=1) / endpoint.window):,}", f"{options.requests_a_day:,}",
        )  # fmt: skip
        spent = Spent.restore(saved) if saved else Spent(self._clock.now().date())
        checker = Checker(endpoint.name, options, Service.open(options), spent, self._clock.now, self._stopping.wait, self._random)
        save = partial(self._save, endpoint.name, checker)
        return CheckSitting(endpoint.name, checker, options.calls, 0.0, self._held, self._series, self._tell, save, TAKER)

    def _tell(self, stream: Stream, window: Window, scores: Sequence[Score], verdicts: Sequence[Sampled], events: Sequence[Event]) -> None:
        # Labels of people are about judges' evaluators, and single findings are told of nobody.
        del verdicts, events
        told(self._engine, lambda pipeline: pipeline.judged(stream, window, scores), self.name)

    def _save(self, endpoint: str, checker: Checker) -> None:
        plain = checker.spent.plain()
        told(self._engine, lambda pipeline: pipeline.spent.update({f"{TAKER}/{endpoint}": plain}), self.name)
