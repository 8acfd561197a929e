"""Asks recognisers about texts that wait for a judge, as one is taken to it: in its thread, with time-outs, and nothing goes on unseen."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from agent.errors import DriftlineError
from agent.faults import place_of
from agent.judges.breaker import Breaker
from agent.judges.task import Item
from agent.redaction.redactor import Recogniser, Redactor
from agent.seldom import Seldom
from agent.series import Series
from detectors.catalog import AGENT_DROPPED

_log = logging.getLogger(__name__)
_GRACE = 1.0
"""Seconds beyond a recogniser's own time-out after which it is not waited for any more."""


class Options(Protocol):
    """A recogniser as it is configured."""

    @property
    def timeout(self) -> float:
        """Seconds for one text, or for one request about it."""
        ...

    def open(self) -> Recogniser:
        """Return the recogniser; whatever is heavy is loaded now. Raises DriftlineError."""
        ...


@dataclass(slots=True)
class _Recogniser:
    """One recogniser of one endpoint: opened when it is first asked, and left alone for a while once it does not answer."""

    name: str
    options: Options
    monotonic: Callable[[], float]
    seldom: Seldom
    opened: Recogniser | None = None
    breaker: Breaker = field(default_factory=Breaker)
    # A thread of its own: one that hangs makes the next ones wait for it, and be dropped.
    thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "recogniser"))

    def spans(self, text: str) -> Sequence[tuple[int, int, str]]:
        """See Recogniser."""
        if not self.breaker.may(self.monotonic()):
            raise TimeoutError("it did not answer before")
        try:
            # A long text takes a service several requests.
            found = self.thread.submit(self._asked, text).result(self.options.timeout * (1 + len(text) // 25_000) + _GRACE)
        except Exception as error:
            self.breaker = self.breaker.failed(self.monotonic())
            if self.seldom.may(self.name):
                what = str(error) if isinstance(error, DriftlineError) else f"{type(error).__name__} at {place_of(error)}"
                _log.warning("%s: %s; texts it did not look through are dropped", self.name, what)
            raise
        self.breaker = self.breaker.succeeded()
        return found

    def _asked(self, text: str) -> Sequence[tuple[int, int, str]]:
        self.opened = self.opened or self.options.open()
        return self.opened.spans(text)


class Clearing:
    """Takes what recognisers find out of texts that patterns went over before."""

    def __init__(
        self, recognisers: Mapping[str, Mapping[str, Options]], series: Series, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """`recognisers`: endpoint to id to recogniser."""
        self._series = series
        self._redactors: dict[str, tuple[Redactor, threading.Lock]] = {}
        for endpoint, given in recognisers.items():
            key = f"endpoints.{endpoint}.redact.recognisers"
            asked = [_Recogniser(f"{key}.{name}", one, monotonic, Seldom(monotonic=monotonic)) for name, one in given.items()]
            self._redactors[endpoint] = Redactor((), asked), threading.Lock()

    def __call__(self, place: str, item: Item) -> Item | None:
        """Return the texts of a call without what recognisers found; None, and counted, where one of them was not looked through.

        `place` is the endpoint, or what takes its texts and the endpoint: `shop`, `content_safety/shop`.
        """
        asked = next((asked for name, asked in self._redactors.items() if place == name or place.endswith(f"/{name}")), None)
        if asked is None:
            return item
        redactor, lock = asked
        clean: list[str] = []
        with lock:
            for text in (item.question, item.answer, item.context, item.truth):
                found = redactor.redact(text) if text else ""
                if found is None:
                    self._series.add(AGENT_DROPPED, source="content", reason="unrecognised")
                    return None
                clean.append(found)
        return Item(*clean)
