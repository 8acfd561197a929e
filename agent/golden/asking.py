"""Puts the questions of a golden set: several at a time, again where it makes sense, and never beyond time and budget."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from random import Random

from agent.faults import place_of
from agent.golden.pair import Pair
from agent.golden.targets import Opened, Reply
from agent.judges.chat import Unanswered
from agent.judges.spend import Limits, Price, Spent, most_tokens

_log = logging.getLogger(__name__)

_TRIES = 4
_THROTTLED = 0.2
"""Tries that one counts for which was answered 429 and told when to come back."""
_TIMED_OUT = 2.0
"""The same for one that was waited for in vain: it took its time already."""
_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
"""Seconds before the next try, doubled each time; a server that asks for more than the longest is not asked again."""
_GIVE_UP = 8
"""Questions in a row without an answer, in all their tries, after which the target is taken to be down."""
_HOPELESS = frozenset({"auth", "not_found"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of one question: a reply, or why there is none. `filtered` is an outcome, everything else a gap."""

    pair: Pair
    reply: Reply | None = None
    why: str = ""


@dataclass(slots=True)
class Purse:
    """The budget of a run, shared by threads."""

    spent: Spent
    limits: Limits = field(default_factory=Limits)
    price: Price = field(default_factory=Price)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def reserve(self, read: int, written: int) -> bool:
        """Return whether there is room for a call, and keep it."""
        with self._lock:
            room = self.spent.reserve(read, written, self.price, self.limits)
            self.spent = room or self.spent
            return room is not None

    def settle(self, reserved: tuple[int, int], used: tuple[int, int] | None) -> None:
        """Turn a reservation into what was used; None: nobody knows, so all of it counts."""
        with self._lock:
            self.spent = self.spent.settle(reserved, used, self.price)


def purse(day: date, limits: Limits, price: Price, spent: Spent | None = None) -> Purse:
    """Return the budget of a day, with what was spent of it already."""
    return Purse((spent or Spent(day)).on(day), limits, price)


@dataclass(slots=True)
class Asker:
    """Puts each question of a list once."""

    open: Callable[[], Opened]
    most: int
    """Tokens an answer may take."""
    purse: Purse
    concurrency: int
    seconds: float
    """Time for all."""
    random: Random
    now: Callable[[], float]
    """Seconds of a clock that never goes back."""
    wait: Callable[[float], bool]
    """Waits so many seconds; returns whether the end was asked for."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _held_until: float = 0.0
    _failures: int = 0
    _stumbled: bool = False
    _over: str = ""
    """Why nothing more is asked."""

    def ask(self, pairs: Sequence[Pair], advance: Callable[[float], None] = lambda _: None) -> list[Asked]:
        """Return what became of each question, in order; `advance` is told the share that is done. Never raises for a target."""
        end = self.now() + self.seconds
        found: list[Asked] = [Asked(pair, why="stopped") for pair in pairs]
        places, done = iter(range(len(pairs))), [0]

        targets = [self.open() for _ in range(min(self.concurrency, len(pairs)))]

        def work(target: Opened) -> None:
            try:
                while True:
                    with self._lock:
                        place = next(places, None)
                    if place is None:
                        return
                    found[place] = self._one(target, pairs[place], end)
                    with self._lock:
                        done[0] += 1
                        advance(done[0] / len(pairs))
            finally:
                target.close()

        # Of our own, and daemons: at the end of the agent nobody waits for a model that takes its time.
        threads = [threading.Thread(target=work, args=(target,), name="golden", daemon=True) for target in targets]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return found

    def _one(self, target: Opened, pair: Pair, end: float) -> Asked:
        found = self._tried(target, pair, end)
        with self._lock:
            if found.reply is not None or found.why == "filtered":
                self._failures = 0
            elif found.why in {"server", "timeout", "unreachable", "failed"}:
                self._failures += 1
                if self._failures >= _GIVE_UP:
                    self._over = self._over or found.why
        return found

    def _tried(self, target: Opened, pair: Pair, end: float) -> Asked:
        why, tries = "", 0.0
        while True:
            if self.wait(0.0):
                self._over = "stopped"
            if self._over or not self._in_time(end):
                return Asked(pair, why=self._over or why or "time_limit")
            reply, why, pause = self._try(target, pair)
            # Told when to come back one comes back, more often than where one has to guess.
            tries += _THROTTLED if why == "throttled" and pause else _TIMED_OUT if why == "timeout" else 1.0
            if reply is not None or pause is None or tries >= _TRIES:
                return Asked(pair, reply, why)
            pause += _PAUSE * 2 ** max(int(tries) - 1, 0) * (0.5 + self.random.random())
            if self.now() + pause > end:
                break
            if self.wait(pause):
                self._over = "stopped"
        return Asked(pair, why=why)

    def _in_time(self, end: float) -> bool:
        """Wait where the target asked all to wait; return whether there is time left."""
        held = self._held_until - self.now()
        if held > 0 and self.now() + held < end and self.wait(held):
            self._over = "stopped"
        return self.now() < end and held < end - self.now()

    def _try(self, target: Opened, pair: Pair) -> tuple[Reply | None, str, float | None]:
        """Return a reply, or why there is none and the seconds after which another try makes sense."""
        reserved = (most_tokens([text for _, text in pair.conversation] + [pair.context]), self.most)
        if not self.purse.reserve(*reserved):
            return None, "budget", None
        try:
            reply = target.ask(pair)
        except Unanswered as error:
            # Throttled and failed calls are not billed; of one that timed out, was filtered or cut nobody knows.
            self.purse.settle(reserved, (0, 0) if error.why in {"throttled", "server", "unreachable", "auth", "not_found"} else None)
            self._failed(error)
            asked = error.retry_after or 0.0
            return None, error.why, asked if error.passing and asked <= _LONGEST_PAUSE else None
        except Exception as error:  # noqa: BLE001 - whatever a target of somebody else does, the other questions are put
            self.purse.settle(reserved, None)
            with self._lock:
                if not self._stumbled:
                    _log.error("a target failed: %s at %s", type(error).__name__, place_of(error))
                self._stumbled = True
            return None, "failed", None
        known = reply.read is not None and reply.written is not None
        self.purse.settle(reserved, (reply.read or 0, reply.written or 0) if known else None)
        return reply, "", None

    def _failed(self, error: Unanswered) -> None:
        with self._lock:
            if error.why == "throttled" and error.retry_after is not None and error.retry_after <= _LONGEST_PAUSE:
                # What was said to one is meant for all.
                self._held_until = max(self._held_until, self.now() + error.retry_after)
            if error.why in _HOPELESS:
                self._over = self._over or error.why


def outcome(asked: Asked) -> str:
    """Return what became of a question in one word: `answered`, `filtered`, or the reason of a gap."""
    return "answered" if asked.reply is not None else asked.why
