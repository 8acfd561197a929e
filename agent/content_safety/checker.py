"""Asks Azure AI Content Safety about one call: within the day's budget, no faster than it may, and again where it makes sense."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

import orjson

from agent.content_safety.checks import Question, Unreadable, findings, questions, together
from agent.content_safety.options import ContentSafety
from agent.judges.breaker import LONGEST, Breaker
from agent.judges.criteria import Criterion
from agent.judges.judge import Outcome
from agent.judges.spend import Price, Spent
from agent.judges.task import Item
from agent.judges.verdicts import Gap, Verdict
from agent.judges.wire import Unanswered, entra, fault, posted, signed
from agent.posting import client

_log = logging.getLogger(__name__)

_TRIES = 3
"""Times one request is made."""
_PAUSE, _LONGEST_PAUSE = 1.0, 20.0
"""Seconds before the next try, doubled; a longer wait is the breaker's."""
_OFF = 3600.0
"""Seconds for which a check is not asked again that the resource does not know: groundedness detection is in few regions."""
_UNBILLED = frozenset({"throttled", "auth", "not_found", "unreachable", "server"})


@dataclass(slots=True)
class Service:
    """The HTTP interface of one resource."""

    options: ContentSafety
    opened: Any
    token: Callable[[], str] | None

    @classmethod
    def open(cls, options: ContentSafety, transport: Any = None, token: Callable[[], str] | None = None) -> "Service":
        """Return it; `transport` is an httpx transport and `token` gives an Entra token, for tests."""
        options.check()
        if options.key is None and token is None and options.is_azure:
            token = entra()
        return cls(options, client(options.timeout, transport), token)

    def ask(self, question: Question, body: Mapping[str, Any]) -> Any:
        """Return the answer to one request, parsed. Raises Unanswered."""
        headers = {"Content-Type": "application/json"}
        headers |= {"Ocp-Apim-Subscription-Key": str(self.options.key)} if self.options.key is not None else signed(self.token)
        address = self.options.endpoint.rstrip("/") + question.address
        status, answer, retry_after = posted(self.opened, address, orjson.dumps(body), headers, self.options.timeout)
        if status >= 300:
            raise fault(status, answer, retry_after)
        try:
            return orjson.loads(answer)
        except orjson.JSONDecodeError:
            raise Unanswered("the answer is no JSON", "unreadable") from None


@dataclass(slots=True)
class Checker:
    """One endpoint's checks with their budget. Used from one thread."""

    endpoint: str
    options: ContentSafety
    service: Service
    spent: Spent
    """Requests of the day, as tokens."""
    now: Callable[[], datetime]
    """The time, aware, UTC."""
    wait: Callable[[float], bool]
    """Waits so many seconds; returns whether the end was asked for."""
    random: Random
    breaker: Breaker = field(default_factory=Breaker)
    outcomes: Counter[str] = field(default_factory=Counter)
    """Requests by what became of them, since `take`."""
    _next: float = 0.0
    """When the next request may be made, in seconds since 1970."""
    _refused: bool = False
    """Whether its key was refused, and that was told."""
    _off: dict[str, float] = field(default_factory=dict)
    """Checks the resource does not know, and until when they are left alone; what was told once is not told again."""

    @property
    def open(self) -> bool:
        """Whether it may be asked now."""
        return self.breaker.may(self.now().timestamp())

    @property
    def criteria(self) -> Sequence[Criterion]:
        """None are known beforehand: what is found is named by the service."""
        return ()

    def rest(self) -> None:
        """Hold on to the connection: it costs nothing."""

    def take(self) -> Counter[str]:
        """Return the outcomes since the last call."""
        found, self.outcomes = self.outcomes, Counter()
        return found

    def score(self, item: Item) -> list[Outcome]:
        """Return what was found, as verdicts whose evaluator is `direction/category/kind`, or a gap for a check that was not answered."""
        found: list[Outcome] = []
        asked = questions(self.options, item)
        for question in asked:
            parts, why = self._answered(question)
            if parts is None:
                found.append(Gap(question.check, why))
            else:
                found += [Verdict(key, level, "") for key, level in together(parts).items()]
        return found or [Gap("content_safety", "no_input")]

    def _answered(self, question: Question) -> tuple[list[dict[str, int]] | None, str]:
        """Return the findings of every request of a question; one without an answer leaves a gap of all, lest long texts look safe."""
        if self._off.get(question.check, 0.0) > self.now().timestamp():
            return None, "not_found"
        parts = []
        for body in question.bodies:
            part, why = self._part(question, body)
            if part is None:
                return None, why
            parts.append(part)
        return parts, ""

    def _part(self, question: Question, body: Mapping[str, Any]) -> tuple[dict[str, int] | None, str]:
        why = "stopped"
        for attempt in range(_TRIES):
            part, why, pause = self._asked(question, body)
            if part is not None or pause is None or attempt == _TRIES - 1 or not self.open:
                return part, why
            if self.wait(pause * 2**attempt * (0.5 + self.random.random())):
                return None, "stopped"
        return None, why

    def _asked(self, question: Question, body: Mapping[str, Any]) -> tuple[dict[str, int] | None, str, float | None]:
        """Return what one request found, or why nothing, and the seconds after which it may be worth trying again."""
        if not self.open:
            self.outcomes["breaker_open"] += 1
            return None, "breaker_open", None
        room = self.spent.on(self.now().date()).reserve(1, 0, Price(), self.options.limits)
        if room is None:
            self.outcomes["budget"] += 1
            return None, "budget", None
        if self._paced():
            return None, "stopped", None
        self.spent = room
        try:
            part = findings(question, self.service.ask(question, body))
        except (Unanswered, Unreadable) as error:
            return self._failed(question, error)
        self.spent = self.spent.settle((1, 0), None, Price())
        self.breaker = self.breaker.succeeded()
        self._refused = False
        self._off.pop(question.check, None)
        self.outcomes["answered"] += 1
        return part, "", None

    def _failed(self, question: Question, error: Unanswered | Unreadable) -> tuple[None, str, float | None]:
        why = error.why if isinstance(error, Unanswered) else "unreadable"
        self.spent = self.spent.settle((1, 0), (0, 0) if why in _UNBILLED else None, Price())
        self.outcomes[why] += 1
        if not isinstance(error, Unanswered) or why in {"filtered", "refused"}:
            # The service works; it does not take this text, or says something new.
            return None, why, None
        if why == "not_found":
            if question.check not in self._off:
                _log.error("endpoint %s: Azure AI Content Safety has no %s: %s, or its region", self.endpoint, question.check, error)
            self._off[question.check] = self.now().timestamp() + _OFF
            return None, why, None
        self.breaker = self.breaker.failed(self.now().timestamp(), LONGEST if why == "auth" else error.retry_after)
        if why == "auth" and not self._refused:
            self._refused = True
            _log.error("endpoint %s: Azure AI Content Safety %s; nothing is checked until it answers", self.endpoint, error)
        pause = max(error.retry_after or 0.0, _PAUSE)
        return None, why, pause if error.passing and pause <= _LONGEST_PAUSE else None

    def _paced(self) -> bool:
        """Wait until the next request may be made; return whether the end was asked for."""
        now = self.now().timestamp()
        ahead = self._next - now
        self._next = max(self._next, now) + 1 / self.options.rate
        return ahead > 0 and self.wait(ahead)
