"""Judges of all endpoints that have one: given closed windows by the engine, run by the schedule, heard by the engine."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from random import Random
from typing import TYPE_CHECKING, TypeVar

from agent.clock import to_nanoseconds
from agent.config import Config, Endpoint
from agent.effects import ClosedWindow
from agent.engine import Engine
from agent.judges.events import Telling
from agent.judges.held import HeldTexts
from agent.judges.judge import Judge
from agent.judges.options import JudgeOptions
from agent.judges.questions import questions_of
from agent.judges.showing import show, told
from agent.judges.sitting import Pending, Scores, Sitting, Texts
from agent.judges.spend import Spent
from agent.labels.sampled import Sampled
from agent.pipeline import Pipeline
from agent.series import Series
from agent.sources import Clock
from agent.store.store import Store
from alerts.event import Event
from detectors.catalog import AGENT_JUDGE_LAG, AGENT_JUDGE_SPEND, AGENT_JUDGE_TOKENS
from detectors.metric import Metric
from detectors.types import Score, Stream, Window

if TYPE_CHECKING:
    from agent.texts.keeping import Keeping
    from agent.texts.unjudged import Unjudged

_log = logging.getLogger(__name__)

T = TypeVar("T")


class Judging:
    """Knows every endpoint's judge. `offer` comes from the engine's thread, `sit` from the schedule's."""

    name = "judge"
    lag: Metric = AGENT_JUDGE_LAG

    def __init__(
        self,
        config: Config,
        store: Store,
        engine: Engine,
        series: Series,
        clock: Clock,
        held: HeldTexts,
        random: Random,
        keeping: "Keeping | None" = None,
    ) -> None:
        """`held` has the texts of endpoints that keep them in memory, `keeping` those on disk; windows that wait there are taken up again.

        `random` gives waits their jitter.
        """
        self._random = random
        self._engine = engine
        self._series = series
        self._clock = clock
        self._held = held
        self._keeping = keeping
        self._unjudged: dict[str, Unjudged] = {}
        self._currency = config.currency
        self._stopping = threading.Event()
        self._sittings = {
            name: self._sitting(endpoint, endpoint.judge, store.get(_key(name)))
            for name, endpoint in config.endpoints.items()
            if endpoint.judge is not None
        }
        for name, unjudged in self._unjudged.items():
            for pending in unjudged.left():
                self._sittings[name].offer(pending)

    @property
    def endpoints(self) -> Sequence[str]:
        """Endpoints that have a judge."""
        return list(self._sittings)

    def offer(self, closed: ClosedWindow) -> None:
        """Take a closed window in, where its endpoint has a judge and calls were sampled. Live traffic alone is judged."""
        sitting = self._sittings.get(closed.stream.endpoint)
        if sitting is None or closed.calls is None or closed.stream.traffic != "live":
            return
        unjudged = self._unjudged.get(closed.stream.endpoint)
        # After a crash a window may close again that waits already, or was judged.
        if unjudged is None or unjudged.add(closed):
            sitting.offer(Pending(closed.stream, closed.window, closed.calls))

    def sit(self, endpoint: str) -> None:
        """Judge what waits of one endpoint; show what it took."""
        sitting = self._sittings[endpoint]
        sitting.sit()
        if endpoint in self._unjudged:
            self._unjudged[endpoint].settle(self._saved)
        now = self._clock.now()
        spent = sitting.judge.spent.on(now.date())
        values = {
            self.lag: sitting.lag(now),
            AGENT_JUDGE_TOKENS: spent.tokens + spent.reserved_tokens,
            AGENT_JUDGE_SPEND: spent.money + spent.reserved_money,
        }
        show(self._series, self._held, endpoint, now, values)

    def lags(self) -> Mapping[str, timedelta]:
        """Return how long each endpoint's oldest window waits for a verdict."""
        now = self._clock.now()
        return {name: timedelta(seconds=sitting.lag(now)) for name, sitting in self._sittings.items()}

    def stop(self) -> None:
        """Let judges end after the call that is under way."""
        self._stopping.set()
        for sitting in self._sittings.values():
            sitting.judge.rest()

    def _sitting(self, endpoint: Endpoint, options: JudgeOptions, saved: Mapping[str, object] | None) -> Sitting:
        self._announce(endpoint, options)
        today = self._clock.now().date()
        judge = Judge(
            options.chat.open(),
            options.criteria,
            Spent.restore(saved) if saved else Spent(today),
            options.limits,
            options.price,
            self._clock.now,
            self._stopping.wait,
            self._random,
            questions_of(options.kind),
            _redacting(endpoint) if options.reasons else _unsaid,
        )
        held, scores = self._texts(endpoint, judge, options.rater)
        return Sitting(
            endpoint.name,
            scores,
            options.calls,
            options.passes_from,
            held,
            self._series,
            partial(self._tell, options.passes_from),
            partial(self._save, endpoint.name, judge),
            options.rater,
            Telling(options.events, options.passes_from, options.rater, options.reasons) if options.events else None,
        )

    def _texts(self, endpoint: Endpoint, judge: Judge, rater: str) -> tuple[Texts, Scores]:
        """Return where an endpoint's texts are taken from, and what is asked about them."""
        if self._keeping is None or endpoint.content != "sampled":
            return self._held, judge
        from agent.texts.unjudged import Lent, Remembering, Unjudged  # noqa: PLC0415 - only where texts are on disk

        self._unjudged[endpoint.name] = Unjudged(
            self._keeping.kept, endpoint.name, endpoint.timezone, lambda: to_nanoseconds(self._clock.now())
        )
        lent = Lent(self._keeping.kept, endpoint.name)
        return lent, Remembering(judge, lent, rater)

    def _saved(self) -> bool:
        """Return whether everything that was told is in the store."""
        return self._asked(lambda pipeline: not pipeline.has_effects) is True

    def _announce(self, endpoint: Endpoint, options: JudgeOptions) -> None:
        """Say what a day may cost before anything is asked."""
        tokens, money = options.estimate(timedelta(days=1) / endpoint.window)
        price = f", about {money:.2f} {self._currency}" if money else ", unpriced"
        most = f"{options.tokens_a_day:,} tokens" + (f" and {options.money_a_day:g} {self._currency}" if options.money_a_day else "")
        _log.info(
            "endpoint %s: judging %d answers a window takes about %s tokens a day and deployment%s; never more than %s a day",
            endpoint.name, options.calls, f"{tokens:,}", price, most,
        )  # fmt: skip

    def _tell(
        self,
        passes_from: float,
        stream: Stream,
        window: Window,
        scores: Sequence[Score],
        verdicts: Sequence[Sampled],
        events: Sequence[Event],
    ) -> None:
        def tell(pipeline: Pipeline) -> bool:
            corrected = () if pipeline.late is None else pipeline.late.judged(stream, window, verdicts, passes_from)
            pipeline.judged(stream, window, (*scores, *corrected))
            pipeline.tell(events)
            return True

        if self._asked(tell) is not None and stream.endpoint in self._unjudged:
            self._unjudged[stream.endpoint].told(stream, window)

    def _save(self, endpoint: str, judge: Judge) -> None:
        plain = judge.spent.plain()
        self._asked(lambda pipeline: pipeline.spent.update({_key(endpoint): plain}))

    def _asked(self, work: Callable[[Pipeline], T]) -> T | None:
        return told(self._engine, work, "judging")


def _unsaid(_: str) -> None:
    """Keep no reason where none is told."""


def _redacting(endpoint: Endpoint) -> Callable[[str], str | None]:
    """Return what takes personal things out of a judge's reasons."""
    from agent.redaction.redactor import Redactor, kinds_of  # noqa: PLC0415 - only where reasons are told

    return Redactor(kinds_of(endpoint.redact.keep, endpoint.redact.patterns)).redact


def _key(endpoint: str) -> str:
    return f"judge/{endpoint}"
