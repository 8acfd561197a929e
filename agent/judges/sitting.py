"""One endpoint's judge at work: closed windows wait for it, and get their scores when it has answered."""

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, NamedTuple, Protocol

import numpy as np

from agent.clock import to_nanoseconds
from agent.judges.criteria import Criterion
from agent.judges.events import Said, Telling
from agent.judges.spend import Spent
from agent.judges.task import Item
from agent.judges.verdicts import Gap, Verdict
from agent.labels.sampled import Sampled, sampled
from agent.series import Series
from alerts.event import Event
from detectors.catalog import AGENT_DROPPED, AGENT_JUDGE_CALLS
from detectors.metric import Metric
from detectors.quality.clusters import seeds_of
from detectors.quality.evaluations import scores_of
from detectors.quality.priority_sample import PrioritySample
from detectors.quality.text_columns import IMPORTANCE
from detectors.types import Batch, Score, Stream, Window
from detectors.usage.thinning import weights_of

_log = logging.getLogger(__name__)
_ANOTHER = np.uint64(0xD6E8FEB86659FD93)
"""Makes another draw of the same ids."""

WAITING = 8
"""Windows that wait; of more the oldest go unjudged."""


class Pending(NamedTuple):
    """A closed window's sample."""

    stream: Stream
    window: Window
    calls: Batch


@dataclass(slots=True, eq=False)
class _Work:
    """What is left of a window, and what was found so far."""

    stream: Stream
    window: Window
    left: list[tuple[int, float]]
    """Id of a call, and how likely it was to be judged; the next one last."""
    found: dict[str, tuple[list[float], list[float], list[int]]]
    """Evaluator to scores, how likely each was, and the ids of the calls."""
    calls: Batch
    gaps: Counter[str] = field(default_factory=Counter)
    said: list[Said] = field(default_factory=list)
    """What became of each answer, for the events."""


class Tell(Protocol):
    """Takes what a window's answers scored, and what was spent, to where both are saved and shown."""

    def __call__(
        self, stream: Stream, window: Window, scores: Sequence[Score], verdicts: Sequence[Sampled], events: Sequence[Event]
    ) -> None:
        """Return once it is taken in; `verdicts` are what the scores were made of, one an evaluator; `events` tell of single answers."""
        ...


class Texts(Protocol):
    """Where the texts of calls wait."""

    def take(self, endpoint: str, identity: int, taker: str = "judge") -> Item | None:
        """Return the texts of a call; None where they are lost."""
        ...

    def forget(self, endpoint: str, until: int, keep: Iterable[int] = (), taker: str = "judge") -> None:
        """Let go of the texts of event times before `until` (nanoseconds)."""
        ...


class Scores(Protocol):
    """What a sitting asks about answers: a judge, or whatever else has verdicts."""

    @property
    def criteria(self) -> Sequence[Criterion]:
        """What there will be verdicts of; more may come."""
        ...

    @property
    def open(self) -> bool:
        """Whether it may be asked now."""
        ...

    @property
    def now(self) -> Callable[[], datetime]:
        """The time."""
        ...

    @property
    def wait(self) -> Callable[[float], bool]:
        """Waits so many seconds; returns whether the end was asked for."""
        ...

    @property
    def spent(self) -> Spent:
        """What the day took."""
        ...

    def score(self, item: Item) -> Sequence[Verdict | Gap]:
        """Return what is said of an item."""
        ...

    def take(self) -> Counter[str]:
        """Return what became of calls since the last time."""
        ...

    def rest(self) -> None:
        """Let go of what is only needed while there is work."""
        ...


@dataclass(slots=True)
class Sitting:
    """Waits in one thread, is given work from another."""

    source: ClassVar[str] = "judge"
    """Who it is: whose texts are held, and where items are counted as dropped."""
    asked: ClassVar[Metric] = AGENT_JUDGE_CALLS
    """What counts its calls."""

    endpoint: str
    judge: Scores
    calls: int
    """Answers of a window that are judged."""
    passes_from: float
    held: Texts
    series: Series
    tell: Tell
    save: Callable[[], None]
    """Keeps what was spent, with what is reserved."""
    rater: str = "judge"
    """Which judge it is, and what it is asked: another one makes labels of people void."""
    telling: Telling | None = None
    """How single answers are told of; None: not at all."""
    _waiting: deque[_Work] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _unanswered: datetime | None = None
    """End of the first window in a row that no verdict came for; None: the last one had some."""

    def offer(self, pending: Pending) -> None:
        """Take a closed window in."""
        chosen = list(zip(*self.choose(pending.calls), strict=True))
        work = _Work(pending.stream, pending.window, chosen[::-1], {one.name: ([], [], []) for one in self.judge.criteria}, pending.calls)
        with self._lock:
            self._waiting.append(work)
            while len(self._waiting) > WAITING:
                lost = self._waiting.popleft()
                self.series.add(AGENT_DROPPED, max(len(lost.left), 1), source=self.source, reason="late")
                self._unanswered = self._unanswered or lost.window.end

    def sit(self) -> None:
        """Judge what waits, as far as the judge answers; the rest waits on."""
        while True:
            with self._lock:
                work = self._waiting[0] if self._waiting else None
            if work is None:
                self.judge.rest()
                return
            done = self._judge(work)
            for what, count in self.judge.take().items():
                self.series.add(self.asked, count, endpoint=self.endpoint, outcome=what)
            if not done:
                return
            with self._lock:
                if self._waiting and self._waiting[0] is work:
                    self._waiting.popleft()
            self._finish(work)

    def lag(self, now: datetime) -> float:
        """Return the seconds since the end of the oldest window without a verdict, 0 where none waits. From any thread."""
        with self._lock:
            ends = [work.window.end for work in self._waiting] + ([self._unanswered] if self._unanswered else [])
        return max((now - min(ends)).total_seconds(), 0.0) if ends else 0.0

    def _judge(self, work: _Work) -> bool:
        """Return whether every answer was judged, or given up."""
        while work.left:
            if not self.judge.open or self.judge.wait(0.0):
                return False
            identity, chance = work.left.pop()
            item = self.held.take(self.endpoint, identity, self.source)
            if item is None:
                work.gaps["text_lost"] += 1
                continue
            self.save()
            outcomes = self.judge.score(item)
            if self.telling is not None:
                work.said += [Said(identity, outcome, chance, self.judge.now()) for outcome in outcomes]
            for outcome in outcomes:
                if isinstance(outcome, Verdict):
                    scores, chances, identities = work.found.setdefault(outcome.evaluator, ([], [], []))
                    scores.append(outcome.score)
                    chances.append(chance)
                    identities.append(identity)
                else:
                    work.gaps[outcome.why] += 1
        return True

    def _finish(self, work: _Work) -> None:
        """Tell what a window scored; a window without a verdict is a gap."""
        self.save()
        if work.gaps["text_lost"]:
            self.series.add(AGENT_DROPPED, work.gaps["text_lost"], source=self.source, reason="text_lost")
        answered = any(values for values, _, _ in work.found.values())
        # Nobody was asked in vain: there was nothing to judge, or nothing left of the day's budget.
        idle = set(work.gaps) <= {"no_input", "budget", "text_lost"}
        with self._lock:
            self._unanswered = None if answered or idle else self._unanswered or work.window.end
        if not answered and not idle:
            _log.warning(
                "endpoint %s: no verdict of %s for the window of %s: %s",
                self.endpoint,
                self.source,
                work.window.start.isoformat(),
                _said(work.gaps),
            )
        told = self._verdicts(work)
        self.tell(work.stream, work.window, self.scores(told, work.calls), told, self._events(work))
        self.held.forget(self.endpoint, to_nanoseconds(work.window.start), taker=self.source)

    def choose(self, calls: Batch) -> tuple[list[int], list[float]]:
        """Return the ids of the calls to score, and how likely each was to be among them."""
        return _chosen(calls, self.calls)

    def scores(self, found: Sequence[Sampled], calls: Batch) -> tuple[Score, ...]:  # noqa: ARG002 - others need the whole sample
        """Return the gauges of a window's verdicts."""
        verdicts = {one.evaluator: (one.scores, one.chances) for one in found}
        return tuple(scores_of(verdicts, self.passes_from, seeds={one.evaluator: one.seeds for one in found}))

    def _events(self, work: _Work) -> Sequence[Event]:
        if self.telling is None:
            return ()
        events, too_many = self.telling.events(work.stream, work.calls, work.said)
        if too_many:
            self.series.add(AGENT_DROPPED, too_many, source=self.source, reason="event_limit")
        return events

    def _verdicts(self, work: _Work) -> tuple[Sampled, ...]:
        rows = {identity: row for row, identity in enumerate(np.asarray(work.calls.columns["id"], np.uint64).tolist())}
        return tuple(
            sampled(
                name,
                self.rater,
                work.calls.take(np.array([rows[identity] for identity in ids], np.intp)),
                np.array(values, np.float64),
                np.array(likely, np.float64),
            )
            for name, (values, likely, ids) in work.found.items()
        )


def _chosen(calls: Batch, most: int) -> tuple[list[int], list[float]]:
    """Return the ids to judge, and how likely each was to be among them: the first of the sample are a smaller sample."""
    keys = np.asarray(calls.columns["id"], np.uint64)
    importance = np.asarray(calls.columns[IMPORTANCE], np.float64)
    answered = np.ones(calls.rows, np.bool_)
    described = calls.columns.get("refusal")
    if isinstance(described, np.ndarray):
        # Failed calls have no answer that could be judged.
        answered = np.isfinite(described)
    seeds = seeds_of(calls)[answered]
    # Turns of a conversation are judged together, unless one conversation would take a large part of the judge's calls.
    apart = bool(len(seeds)) and int(np.unique(seeds, return_counts=True)[1].max()) > max(most // 4, 1)
    sample = PrioritySample(most).add(keys[answered], importance[answered], keys[answered] ^ _ANOTHER if apart else seeds)
    within = calls.columns.get("sample_probability")
    kept = {int(key): float(chance) for key, chance in zip(sample.keys, sample.probabilities, strict=True)}
    outer = dict(zip(keys.tolist(), np.asarray(within, np.float64).tolist(), strict=True)) if isinstance(within, np.ndarray) else {}
    weights = weights_of(calls)
    stands_for = {} if weights is None else dict(zip(keys.tolist(), weights.tolist(), strict=True))
    if apart:
        # Two draws that know nothing of each other.
        return list(kept), [chance * outer.get(key, 1.0) for key, chance in kept.items()]
    # A threshold of the smaller sample is above that of the larger one, unless all of it is taken.
    return list(kept), [min(chance / stands_for.get(key, 1.0), outer.get(key, 1.0)) for key, chance in kept.items()]


def _said(gaps: Counter[str]) -> str:
    return ", ".join(f"{count} {why}" for why, count in gaps.most_common())
